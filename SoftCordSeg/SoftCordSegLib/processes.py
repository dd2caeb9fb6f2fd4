"""What differs between systems about processes: locks, priorities, detached processes, memory, the
folder for states.

The only file with calls of POSIX and of Windows.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import re
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

WINDOWS = sys.platform == "win32"
if WINDOWS:
    import msvcrt
else:
    import fcntl

# Windows has no shared lock of a byte: every holder takes a byte of its own.
_HOLDERS = 64
_MOST_REFUSALS = 300
# Of Windows' processthreadsapi.
_IDLE_PRIORITY_CLASS, _DETACHED_PROCESS, _NEW_GROUP = 0x40, 0x8, 0x200
_NO_WINDOW = 0x8000000
_QUERY, _STILL_ACTIVE, _ACCESS_DENIED = 0x1000, 259, 5
# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -2, -3, -4
# The largest threshold that mallopt(3) allows on 64 bits.
LARGEST_THRESHOLD = 32 << 20


@contextlib.contextmanager
def shared_lock(path: str | Path) -> Iterator[None]:
    """Hold a lock together with other processes; it ends with the process, also if that is killed.

    Args:
        path: of the lock file, which is made if missing, and stays.

    Raises:
        OSError: the file cannot be made or locked.
    """
    with _opened(path) as stream:
        if WINDOWS:
            _take_a_byte(stream)
        else:
            fcntl.flock(stream, fcntl.LOCK_SH)
        yield


def take_lock(path: str | Path) -> IO[bytes] | None:
    """Take a lock for this process alone, until it ends or the returned file is closed.

    Returns:
        The open lock file; None where another process has the lock.

    Raises:
        OSError: the file cannot be made.
    """
    stream = _opened(path)
    if _take_all(stream):
        return stream
    stream.close()
    return None


class LockError(OSError):
    """A lock file cannot be made."""


class LockBusy(LockError):
    """Another process, or thread, has the lock."""


@contextlib.contextmanager
def exclusive_lock(path: str | Path, wait: bool = True) -> Iterator[None]:
    """Hold a lock alone.  The lock file is removed at the end.

    Args:
        path: of the lock file, which is made.
        wait: while another process has it.

    Raises:
        LockError: the file cannot be made.
        LockBusy: another process has it, and ``wait`` is False.
    """
    refusals = 0
    while True:
        try:
            stream = take_lock(path)
        except PermissionError as error:
            # On Windows also while the last holder's file is being removed.
            refusals += 1
            if not WINDOWS or refusals > _MOST_REFUSALS:
                raise LockError(error.errno, error.strerror or str(error)) from error
            time.sleep(0.01)
            continue
        except OSError as error:
            raise LockError(error.errno, error.strerror or str(error)) from error
        # Its last holder may have removed the file after it was opened here.
        if stream is not None and _is_still(stream, path):
            break
        if stream is not None:
            stream.close()
        elif not wait:
            raise LockBusy("it is in use")
        time.sleep(0.01)
    try:
        yield
    finally:
        if WINDOWS:
            stream.close()  # an open file cannot be removed there
        with contextlib.suppress(OSError):
            os.remove(path)
        stream.close()


def is_locked(path: str | Path) -> bool:
    """Whether a living process holds the lock, shared or alone; False where there is no lock
    file.
    """
    with contextlib.suppress(OSError), open(path, "rb+") as stream:
        return not _take_all(stream)
    return False


def lowest_priority() -> None:
    """Give this process, and those that it starts from now on, the lowest priority of the system.

    To be called before any thread is started: on some systems only new threads inherit it.
    """
    with contextlib.suppress(OSError, AttributeError):
        if WINDOWS:
            kernel: Any = ctypes.windll.kernel32
            kernel.SetPriorityClass(kernel.GetCurrentProcess(), _IDLE_PRIORITY_CLASS)
            return
        os.nice(19)
    # Linux first divides the cores among sessions, and priorities count only among the processes of
    # one; a process may set this only for a session of its own.
    with contextlib.suppress(OSError, AttributeError):
        if os.getsid(0) == os.getpid():
            with open("/proc/self/autogroup", "w", encoding="ascii") as stream:
                stream.write("19")
    # Linux: below every nice process.
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def start_detached(
    command: Sequence[str], output: str | Path, folder: str | Path, environment: dict[str, str]
) -> int:
    """Start a process that outlives this one and its terminal.

    Args:
        command: program and arguments.
        output: file to which its output is appended.
        folder: its working folder.
        environment: all of its variables.

    Returns:
        The number of the process.

    Raises:
        OSError: it cannot be started.
    """
    with open(output, "ab") as stream:
        pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": stream, "stderr": stream}
        if WINDOWS:
            own: dict[str, Any] = {
                "creationflags": _DETACHED_PROCESS | _NEW_GROUP | _IDLE_PRIORITY_CLASS
            }
        else:
            own = {"start_new_session": True}
        return subprocess.Popen(list(command), cwd=folder, env=environment, **pipes, **own).pid


def output_of(
    command: Sequence[str], environment: dict[str, str], seconds: float
) -> tuple[int, str]:
    """Run a short program, without a window of its own on Windows.

    Args:
        command: program and arguments.
        environment: all of its variables.
        seconds: it is ended after these.

    Returns:
        Its exit code and what it wrote to standard output.

    Raises:
        OSError: it cannot be started.
        TimeoutError: it took too long.
    """
    own: dict[str, Any] = {"creationflags": _NO_WINDOW} if WINDOWS else {}
    try:
        ended = subprocess.run(
            list(command),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
            **own,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"no answer within {seconds:g} s") from error
    return ended.returncode, ended.stdout.decode("utf-8", "replace")


def let_go(process: int) -> None:
    """Take note that a process started here has ended, where it has: else its number would be taken
    for that of a living one.
    """
    if not WINDOWS:
        with contextlib.suppress(OSError, OverflowError):
            os.waitpid(process, os.WNOHANG)


def kill(process: int) -> None:
    """End a process at once; it cannot clean up."""
    os.kill(process, signal.SIGTERM if WINDOWS else signal.SIGKILL)


@contextlib.contextmanager
def children_without_ctrl_c() -> Iterator[None]:
    """Processes started within the block are not ended by Ctrl-C, which a terminal sends to all
    processes at once; this one receives it at the end of the block.
    """
    if WINDOWS:
        kernel: Any = ctypes.windll.kernel32
        kernel.SetConsoleCtrlHandler(None, True)  # children inherit it
        try:
            yield
        finally:
            kernel.SetConsoleCtrlHandler(None, False)
        return
    from multiprocessing import resource_tracker

    # Python's helper of spawned processes; where it is started later, the signal is unblocked.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def is_alive(process: int) -> bool:
    """Whether a process of that number runs on this system; True where that cannot be known."""
    if WINDOWS:
        kernel: Any = ctypes.windll.kernel32
        handle = kernel.OpenProcess(_QUERY, False, process)
        if not handle:
            return bool(kernel.GetLastError() == _ACCESS_DENIED)
        code = ctypes.c_ulong()
        known = kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel.CloseHandle(handle)
        return not known or code.value == _STILL_ACTIVE
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # somebody else's
    return True


def owner_mark(process: int | None = None) -> str:
    """What in a file's name says which process made it: system and process, as "1a2b3c4d-4711".

    The system is its name and, in a container, the numbering of its processes, so that on a shared
    drive none takes another's process for its own.

    Args:
        process: on this system; this one where None.
    """
    return f"{_system()}-{os.getpid() if process is None else process}"


def machine_mark() -> str:
    """What in a file's name says which machine writes it, as "1a2b3c4d"; the name of the machine
    cannot be read from it.  The variable ``SOFTCORDSEG_MACHINE`` gives another one, for machines of
    one name that share a folder.
    """
    chosen = re.sub(r"[^A-Za-z0-9-]", "", os.environ.get("SOFTCORDSEG_MACHINE", ""))[:32]
    return chosen or _system()


def owner_is_dead(mark: str) -> bool:
    """Whether the process of an :func:`owner_mark` ran on this system and runs no more."""
    system, _, process = mark.partition("-")
    return system == _system() and process.isdigit() and not is_alive(int(process))


def cores() -> int:
    """Processor cores that this process may use."""
    with contextlib.suppress(AttributeError, OSError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_memory() -> int | None:
    """Bytes that this process can still get: the least of what the computer has free, what its
    container may use, and what a limit on its address space leaves; None where that is not known.
    """
    if WINDOWS:
        status = (ctypes.c_ulonglong * 8)()
        ctypes.cast(status, ctypes.POINTER(ctypes.c_ulong))[0] = ctypes.sizeof(status)
        # MEMORYSTATUSEX: length and load, then total and free physical memory.
        got = ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
        return int(status[2]) if got else None
    known = [size for size in (_free_of_computer(), _free_of_container(), free_addresses()) if size]
    return min(known, default=None)


def _free_of_computer() -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _free_of_container() -> int | None:
    """By Linux's control groups, version 2."""
    folder = Path("/sys/fs/cgroup")
    with contextlib.suppress(OSError, ValueError):
        limit = int((folder / "memory.max").read_text(encoding="ascii"))  # "max" is none
        used = int((folder / "memory.current").read_text(encoding="ascii"))
        lines = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
        cached = sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
        return max(limit - used + cached, 1)
    return None


def free_addresses() -> int | None:
    """Bytes that a limit on the process' address space (``ulimit -v``) leaves; None without one."""
    with contextlib.suppress(OSError, ValueError, ImportError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit == resource.RLIM_INFINITY:
            return None
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        return max(limit - pages * resource.getpagesize(), 1)
    return None


def keep_freed_memory(up_to: int | None = None) -> bool:
    """Keep freed memory: what glibc returns to the system, it has to request again at the network's
    next layer.  Halves the time of a tile on the CPU.

    For processes of our own (the command line, training), not for Slicer: the memory stays with the
    process until it ends.  Does nothing on other systems.

    Args:
        up_to: bytes; larger blocks are returned to the system, so that whole volumes leave no gaps
            among the tiles, which cost up to 0.3 GB.  At most :data:`LARGEST_THRESHOLD`; None keeps
            blocks of every size.

    Returns:
        True where it took effect.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False  # another C library, such as musl
    large = (_M_MMAP_MAX, 0) if up_to is None else (_M_MMAP_THRESHOLD, up_to)
    return all(
        mallopt(option, value)
        for option, value in (large, (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 256 << 20))
    )


def state_folder() -> Path:
    """Where this system keeps states of long work and logs."""
    home = Path.home()
    if WINDOWS:
        return (
            Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
            / "SoftCordSeg"
            / "State"
        )
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "SoftCordSeg" / "State"
    return Path(os.environ.get("XDG_STATE_HOME") or home / ".local" / "state") / "softcordseg"


def _system() -> str:
    numbering = ""
    with contextlib.suppress(OSError, AttributeError):
        numbering = os.readlink("/proc/self/ns/pid")
    return f"{zlib.crc32(f'{platform.node()} {numbering}'.encode()):08x}"


def _opened(path: str | Path) -> IO[bytes]:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    # Made where it is missing and opened in one step: between two, its last holder may remove it.
    return open(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "rb+")


def _is_still(stream: IO[bytes], path: str | Path) -> bool:
    """Whether the path still leads to the open file."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), os.stat(path))
    except OSError:
        return False


def _take_all(stream: IO[bytes]) -> bool:
    """Take the whole lock, if no other process has any of it."""
    if not WINDOWS:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
    try:
        stream.seek(0)
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, _HOLDERS)
    except OSError:
        return False
    return True


def _take_a_byte(stream: IO[bytes]) -> None:
    """On Windows: take the first free byte; wait while there is none."""
    while True:
        for byte in range(_HOLDERS):
            stream.seek(byte)
            with contextlib.suppress(OSError):
                msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
                return
        time.sleep(0.05)
