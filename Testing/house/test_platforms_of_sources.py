"""The sources run on Linux, macOS and Windows: text files name their encoding, and what one system
lacks is called in ``processes.py`` alone.
"""

from __future__ import annotations

import ast
import builtins
import functools
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = REPOSITORY / "SoftCordSeg"
SOURCES = sorted(
    path
    for folder in ("SoftCordSeg", "recipes", "Utilities")
    for path in (REPOSITORY / folder).rglob("*.py")
)
# Names that Windows lacks, or that do something else there.
_OS = set(
    "fork forkpty getegid geteuid getgid getloadavg getpgid getpriority getsid getuid kill killpg"
    " lchown chown mkfifo mknod nice pipe2 posix_fallocate sched_getaffinity sched_setscheduler"
    " sendfile setpriority setsid setuid statvfs sysconf uname wait wait4 waitpid".split()
)
_SIGNALS = {"SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2", "alarm", "setitimer", "pause"}
_MODULES = {
    *("fcntl", "grp", "msvcrt", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"),
    *("winreg", "_winapi"),
}
# The file with a branch for each system, and folders that are renamed to where nothing is.
_BY_SYSTEM = {"processes.py"}
_RENAMES = {"bundle_places.py"}
_OPENERS = {"open", "fdopen", "NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile"}


def without_encoding(source: str) -> list[str]:
    """Calls that read or write text in whatever encoding the system has."""
    return [
        f"line {call.lineno}: {ast.unparse(call)[:80]}"
        for call in _calls(source)
        if _is_text_call(call) and not _names_encoding(call)
    ]


def of_one_system(source: str) -> list[str]:
    """Imports and calls that some system lacks."""
    found = []
    for node in _nodes(source):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            wanted = {"os": _OS, "signal": _SIGNALS}.get(node.value.id, set())
            if node.attr in wanted:
                found.append(f"line {node.lineno}: {node.value.id}.{node.attr}")
        found += [f"line {node.lineno}: {name}" for name in names if name in _MODULES]
    return found


def renames(source: str) -> list[str]:
    """``os.rename`` and ``Path.rename``, which fail on Windows where the target is there."""
    return [
        f"line {call.lineno}"
        for call in _calls(source)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == "rename"
        and not any(word.arg in ("columns", "index") for word in call.keywords)
    ]


@functools.cache
def _nodes(source: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(source)))


def _calls(source: str) -> list[ast.Call]:
    return [node for node in _nodes(source) if isinstance(node, ast.Call)]


def _is_text_call(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    words = {word.arg for word in call.keywords}
    if name == "read_text":
        return not call.args
    if name == "write_text":
        return len(call.args) < 2
    if name in ("run", "Popen", "check_output") and words & {"text", "universal_newlines"}:
        return True
    if name not in _OPENERS or not _opens_a_file(call):
        return False
    modes = [
        value.value
        for word in [*call.args[:2], *(word.value for word in call.keywords if word.arg == "mode")]
        for value in ast.walk(word)
        if isinstance(value, ast.Constant)
        and isinstance(value.value, str)
        and re.fullmatch(r"[rwxabt+]+", value.value)
    ]
    binary_by_default = name not in ("open", "fdopen")
    return not any("b" in mode for mode in modes) and not (binary_by_default and not modes)


def _opens_a_file(call: ast.Call) -> bool:
    """``open(path)`` or ``path.open("w")``; not ``os.open``, ``gzip.open(path)``, that of a menu or
    of a zip file.
    """
    if isinstance(call.func, ast.Name):
        return call.func.id in dir(builtins) or call.func.id in _OPENERS
    if call.func.attr != "open":
        return True
    if isinstance(call.func.value, ast.Name) and call.func.value.id in ("io", "builtins"):
        return True
    arguments = [*call.args[:1], *(word.value for word in call.keywords if word.arg == "mode")]
    return any(
        isinstance(one, ast.Constant) and re.fullmatch(r"[rwxa]t?\+?", str(one.value))
        for one in arguments
    )


def _names_encoding(call: ast.Call) -> bool:
    return any(word.arg == "encoding" for word in call.keywords)


@pytest.mark.parametrize(
    ("source", "bad"),
    [
        ("open(p)", True),
        ("open(p, 'w')", True),
        ("open(p, 'rb')", False),
        ("open(p, 'ab' if more else 'wb')", False),
        ("open(p, encoding='utf-8')", False),
        ("p.read_text()", True),
        ("p.read_text('utf-8')", False),
        ("p.write_text(t)", True),
        ("p.open('w')", True),
        ("os.open(p, os.O_RDWR)", False),
        ("dialog.open()", False),
        ("archive.open(info, 'w')", False),
        ("io.open(p, 'w')", True),
        ("subprocess.run(c, text=True)", True),
        ("subprocess.run(c, text=True, encoding='utf-8')", False),
    ],
)
def test_what_is_taken_for_text_without_encoding(source, bad):
    assert bool(without_encoding(source)) is bad


def test_what_is_taken_for_a_call_of_one_system():
    assert sorted(of_one_system("import fcntl\nos.fork()\nsignal.SIGKILL\nos.replace(a, b)")) == [
        "line 1: fcntl",
        "line 2: os.fork",
        "line 3: signal.SIGKILL",
    ]
    assert renames("os.rename(a, b)\nframe.rename(columns=x)\np.rename(q)") == ["line 1", "line 3"]


def test_every_text_file_names_its_encoding():
    tests = sorted((REPOSITORY / "Testing").rglob("*.py"))
    found = {
        path.name: without_encoding(path.read_text(encoding="utf-8")) for path in [*SOURCES, *tests]
    }
    assert {name: calls for name, calls in found.items() if calls} == {}


def test_calls_of_one_system_are_in_one_file():
    library = [path for path in SOURCES if LIBRARY in path.parents]
    found = {
        path.name: of_one_system(path.read_text(encoding="utf-8"))
        for path in library
        if path.name not in _BY_SYSTEM
    }
    assert {name: calls for name, calls in found.items() if calls} == {}


def test_files_are_replaced_not_renamed():
    library = [path for path in SOURCES if LIBRARY in path.parents]
    found = {
        path.name: renames(path.read_text(encoding="utf-8"))
        for path in library
        if path.name not in _RENAMES
    }
    assert {name: calls for name, calls in found.items() if calls} == {}


# What Windows takes for devices, whatever the ending, and does not allow in names.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$')


def test_every_file_of_the_repository_can_be_checked_out_on_windows():
    names = [
        path.relative_to(REPOSITORY)
        for folder in ("SoftCordSeg", "Testing", "recipes", "Utilities", "docs", "Screenshots")
        for path in (REPOSITORY / folder).rglob("*")
        if "__pycache__" not in path.parts
    ]
    for path in names:
        for part in path.parts:
            assert not _DEVICE.fullmatch(part), path
            assert not _FORBIDDEN.search(part), path
        assert len(str(path)) < 160, path  # of 260, with room for the folder it lies in
    folded = [str(path).lower() for path in names]
    assert len(set(folded)) == len(folded), "names that differ in capitals only"


def test_every_workflow_of_the_tests_runs_on_all_three_systems():
    path = REPOSITORY / ".github" / "workflows" / "test.yml"
    if not path.is_file():
        pytest.skip("there is no workflow file")
    text = path.read_text(encoding="utf-8")
    for system in ("ubuntu", "macos", "windows"):
        assert f"{system}-" in text
