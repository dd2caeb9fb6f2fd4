"""Which OpenGL can draw without a screen here, found out before VTK would crash for want of one."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys

from ..errors import SoftCordSegError

_WINDOW_VARIABLE = "VTK_DEFAULT_OPENGL_WINDOW"
_EGL_PLATFORM_SURFACELESS_MESA = 0x31DD
# The names VTK looks for, newest first.
_OSMESA_LIBRARIES = ("libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so")


class GraphicsMissing(SoftCordSegError):
    """Nothing here can draw without a screen."""


def choose_offscreen_graphics() -> str:
    """Choose how VTK draws without a screen, before its first render window is made.

    On Linux that is EGL, else OSMesa, and the choice goes into the environment variable by which
    VTK takes it (one that is set already is left alone).  Elsewhere the system's own OpenGL serves.

    Returns:
        The name of VTK's render window class, or "native".

    Raises:
        GraphicsMissing: neither is there; the message says what to install.
    """
    if not sys.platform.startswith("linux"):
        return "native"
    chosen = os.environ.get(_WINDOW_VARIABLE)
    if chosen:
        return chosen
    if not _loads("libX11.so.6"):
        raise GraphicsMissing(
            "Pictures need the library libX11. Install it with: apt-get install libx11-6"
        )
    if _egl_works():
        chosen = "vtkEGLRenderWindow"
    elif any(_loads(name) for name in _OSMESA_LIBRARIES):
        chosen = "vtkOSOpenGLRenderWindow"
    else:
        raise GraphicsMissing(
            "Pictures need OpenGL that draws without a screen, and neither EGL nor OSMesa works"
            " here. Install one with: apt-get install libosmesa6 libx11-6   or: apt-get install"
            " libegl1 libgl1-mesa-dri libx11-6"
        )
    os.environ[_WINDOW_VARIABLE] = chosen
    return chosen


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _egl_works() -> bool:
    """True if EGL gives a display without a screen (the library alone is not enough: it needs a
    driver).
    """
    try:
        egl = ctypes.CDLL("libEGL.so.1")
        egl.eglGetProcAddress.restype = ctypes.c_void_p
        address = egl.eglGetProcAddress(b"eglGetPlatformDisplayEXT")
    except (OSError, AttributeError):
        return False
    displays = []
    if address:
        get_display = ctypes.CFUNCTYPE(
            ctypes.c_void_p, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p
        )(address)
        displays.append(get_display(_EGL_PLATFORM_SURFACELESS_MESA, None, None))
    egl.eglGetDisplay.restype = ctypes.c_void_p
    displays.append(egl.eglGetDisplay(None))
    return any(_initializes(egl, display) for display in displays if display)


def _initializes(egl, display: int) -> bool:
    with contextlib.suppress(AttributeError):
        # Not terminated afterwards: EGL shares displays, and VTK will ask for this one.
        return bool(egl.eglInitialize(ctypes.c_void_p(display), None, None))
    return False
