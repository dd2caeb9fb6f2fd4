"""Locks that end with their holder, the lowest priority, detached processes; and no other file with
a system's own calls.
"""

from __future__ import annotations

import ast
import builtins
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from SoftCordSegLib import processes
from SoftCordSegLib.processes import (
    exclusive_lock,
    is_locked,
    kill,
    shared_lock,
    state_folder,
    take_lock,
)

REPOSITORY = Path(__file__).resolve().parents[2]
# What Windows lacks, or POSIX does.
MODULES = {"fcntl", "msvcrt", "resource", "pwd", "grp", "winreg", "termios", "pty"}
CALLS = {
    "os": {
        "nice",
        "fork",
        "forkpty",
        "kill",
        "killpg",
        "setsid",
        "setpgid",
        "getuid",
        "geteuid",
        "setpriority",
        "uname",
        "mkfifo",
    },
    "signal": {"SIGKILL", "SIGHUP", "SIGSTOP", "SIGCONT", "SIGUSR1", "SIGUSR2", "alarm", "pause"},
}


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(REPOSITORY / "SoftCordSeg")}


def holder(path: Path, body: str) -> subprocess.Popen:
    """A process that holds the lock for a minute, once it has said so."""
    program = f"import sys, time\nfrom SoftCordSegLib.processes import *\n{body}\n"
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stdout.readline().strip() == "held"
    return process


SHARED = "with shared_lock(sys.argv[1]):\n    print('held', flush=True)\n    time.sleep(60)"
ALONE = "lock = take_lock(sys.argv[1])\nprint('held', flush=True)\ntime.sleep(60)"


def of_one_system(source: str) -> list[str]:
    """What a source takes from MODULES and CALLS."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            module = (node.module or "").split(".")[0]
            names = [
                alias.name
                for alias in node.names
                if alias.name in CALLS.get(module, ()) or alias.name.startswith("sched_")
            ]
            found += [module] if module in MODULES else names
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            known = CALLS.get(node.value.id, set())
            if node.attr in known or (node.value.id == "os" and node.attr.startswith("sched_")):
                found.append(f"{node.value.id}.{node.attr}")
    return found


def test_calls_of_one_system_stand_in_one_file():
    found = {}
    for folder in ("SoftCordSeg", "recipes", "Utilities"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            calls = of_one_system(path.read_text(encoding="utf-8"))
            if calls and path != Path(processes.__file__):
                found[str(path.relative_to(REPOSITORY))] = calls

    assert found == {}
    assert "os.nice" in of_one_system(Path(processes.__file__).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        "import fcntl",
        "import os\nos.nice(3)",
        "from os import fork",
        "import signal\nsignal.SIGKILL",
        "import os\nos.sched_yield()",
    ],
)
def test_a_planted_call_is_caught(source):
    assert of_one_system(source)


def test_no_lock_is_held_where_there_is_none(tmp_path):
    assert not is_locked(tmp_path / "none" / "lock")
    assert not list(tmp_path.iterdir())


def test_a_shared_lock_has_many_holders_and_lasts_for_the_last(tmp_path):
    path = tmp_path / "folder" / "lock"
    with shared_lock(path):
        with shared_lock(path):
            assert is_locked(path)
        assert is_locked(path)
    assert not is_locked(path)


@pytest.mark.parametrize("body", [SHARED, ALONE])
def test_a_killed_holder_holds_nothing(tmp_path, body):
    process = holder(tmp_path / "lock", body)
    try:
        assert is_locked(tmp_path / "lock")
        assert take_lock(tmp_path / "lock") is None
    finally:
        kill(process.pid)
        process.wait()

    assert not is_locked(tmp_path / "lock")
    taken = take_lock(tmp_path / "lock")
    assert taken is not None
    taken.close()


def test_a_child_of_the_holder_does_not_inherit_the_lock(tmp_path):
    lock = take_lock(tmp_path / "lock")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        lock.close()
        assert not is_locked(tmp_path / "lock")
    finally:
        child.kill()
        child.wait()


def test_a_detached_process_outlives_the_one_that_started_it(tmp_path):
    inner = (
        "import time, pathlib; time.sleep(0.5);"
        f" pathlib.Path({str(tmp_path / 'done')!r}).write_text('yes'); print('said')"
    )
    outer = (
        "import os, sys\nfrom SoftCordSegLib.processes import"
        f" start_detached\nstart_detached([sys.executable, '-c', {inner!r}],"
        f" {str(tmp_path / 'output')!r}, {str(tmp_path)!r}, dict(os.environ))"
    )

    subprocess.run([sys.executable, "-c", outer], env=environment(), check=True)

    deadline = time.monotonic() + 60
    while (
        not (tmp_path / "output").read_text(encoding="utf-8").strip()
        and time.monotonic() < deadline
    ):
        time.sleep(0.05)
    assert (tmp_path / "done").read_text(encoding="utf-8") == "yes"
    assert (tmp_path / "output").read_text(encoding="utf-8").strip() == "said"


@pytest.mark.skipif(
    not hasattr(os, "sched_getscheduler"), reason="this system has no scheduling classes to ask for"
)
def test_the_lowest_priority_is_idle_and_is_inherited():
    program = (
        "import os, subprocess, sys\nfrom SoftCordSegLib.processes import"
        " lowest_priority\nlowest_priority()\nlook = 'import os; print(os.nice(0),"
        " os.sched_getscheduler(0) == os.SCHED_IDLE)'\nsubprocess.run([sys.executable, '-c', look])"
    )

    answer = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )

    assert answer.stdout.split() == ["19", "True"]


@pytest.mark.skipif(
    not Path("/proc/self/autogroup").exists(), reason="the system does not group sessions"
)
def test_the_lowest_priority_counts_against_other_sessions_too():
    program = (
        "from SoftCordSegLib.processes import"
        " lowest_priority\nlowest_priority()\nprint(open('/proc/self/autogroup').read())"
    )

    command = [sys.executable, "-c", program]
    answer = subprocess.run(
        command,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
        encoding="utf-8",
    )

    assert answer.stdout.split()[-2:] == ["nice", "19"]


def test_the_folder_of_states_can_be_moved_by_the_users_own_variable(monkeypatch, tmp_path):
    variable = {"win32": "LOCALAPPDATA", "darwin": "HOME"}.get(sys.platform, "XDG_STATE_HOME")
    monkeypatch.setenv(variable, str(tmp_path))

    assert tmp_path in state_folder().parents


def test_a_lock_file_that_is_removed_while_it_is_opened_is_made_again(tmp_path, monkeypatch):
    """The last holder removes the file at any moment; the next one must not fail."""
    path = tmp_path / "a.lock"
    path.write_bytes(b"")
    opened = builtins.open

    def removed_first(name, mode="r", **options):
        stream = opened(name, mode, **options)
        if mode == "ab":
            os.remove(path)
        return stream

    monkeypatch.setattr(builtins, "open", removed_first)
    with exclusive_lock(path):
        assert path.exists()
    assert not path.exists()
