"""A case in a process of its own, with its time and memory taken: a fork, so that the library is
imported once.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stress.tally import LONGEST_S, MOST_BYTES


@dataclass(frozen=True)
class Ended:
    """How it ended: exit code (negative: the signal), what it said, seconds, bytes at its peak."""

    code: int
    said: str
    seconds: float
    peak: int


def in_a_fork(work: Callable[[], int | None], log: Path) -> Ended:
    """Call ``work`` in a child, which ends with what it returns or with the code of its SystemExit;
    its two outputs go to ``log``.
    """
    begin = time.monotonic()
    child = os.fork()
    if not child:
        _run_and_end(work, log)
    while True:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() - begin > LONGEST_S + 5:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)
    seconds = time.monotonic() - begin
    said = log.read_text("utf-8", "replace") if log.exists() else ""
    return Ended(os.waitstatus_to_exitcode(status), said, seconds, used.ru_maxrss * 1024)


def _run_and_end(work: Callable[[], int | None], log: Path) -> None:
    code: object = 1
    try:
        stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(stream, 1)
        os.dup2(stream, 2)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_DATA, (4 * MOST_BYTES,) * 2)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
        code = work() or 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 70
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)
