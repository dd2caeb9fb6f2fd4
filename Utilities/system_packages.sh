#!/bin/sh
# Installs what pip cannot bring: Python's venv, the system's OpenGL for drawing without a screen, and dciodvfy for the tests of DICOM.
# With no right to install, it says what is missing; only the venv is indispensable.  Usage: system_packages.sh PYTHON
python=$1

has_library() {
    PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null | grep -q "$1"
}

has_driver() {
    for driver in /usr/lib*/dri/*_dri.so /usr/lib/*/dri/*_dri.so; do
        [ -e "$driver" ] && return 0
    done
    has_library libEGL_nvidia.so.0
}

can_draw() {
    has_library libX11.so.6 && { { has_library libEGL.so.1 && has_driver; } || has_library libOSMesa.so; }
}

install() {
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" = 0 ]; then as_root=""; elif sudo -n true 2>/dev/null; then as_root="sudo -n"; else return 1; fi
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >/dev/null 2>&1 && return 0
    $as_root apt-get update -q >/dev/null 2>&1
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >/dev/null
}

[ "$(uname)" = Linux ] || exit 0

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    install python3-venv || {
        echo "Python's venv is missing. Install it (Debian, Ubuntu: apt-get install python3-venv) and try again." >&2
        exit 1
    }
fi

can_draw || install libegl1 libgl1-mesa-dri libx11-6 || install libosmesa6 libx11-6 || {
    echo "There is no OpenGL for drawing without a screen, so pictures and the tests that look at them will fail." >&2
    echo "Install it (Debian, Ubuntu: apt-get install libegl1 libgl1-mesa-dri libx11-6). The rest goes on." >&2
}

command -v dciodvfy >/dev/null || install dicom3tools || {
    echo "dciodvfy, which judges the DICOM objects that the tests write, is missing: those tests are skipped." >&2
    echo "Install it (Debian, Ubuntu: apt-get install dicom3tools). The rest goes on." >&2
}
