"""Claims: two runs into one folder share the work, and none does a case that another one has in
hand.

A claim is a file that only one process can make (``O_EXCL``, which holds on network drives and on
Windows).  Its holder touches it every minute.  It is stale where its process is gone, on the same
machine, or where it was not touched for a quarter of an hour.  A stale claim is never removed by
those who take over, which could hit the claim of a third: they make the claim of the next number,
which again only one can.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from ...errors import OutputError
from ...processes import owner_is_dead, owner_mark

_TOUCHED_EVERY_S = 60.0
_STALE_AFTER_S = 15 * 60.0
_MOST_AHEAD_S = 24 * 3600.0
_MOST_TRIES = 5


@contextlib.contextmanager
def claimed(folder: Path, key: str) -> Iterator[bool]:
    """Within the block the case is this process's own, where True is given; False where another
    run has it in hand.

    Args:
        folder: of the claims, the same for all runs.
        key: of the case.

    Raises:
        OutputError: the folder cannot be written.
    """
    claim = _take(folder, key)
    if claim is None:
        yield False
        return
    ended = threading.Event()
    touching = threading.Thread(target=_touch, args=(claim, ended), daemon=True)
    touching.start()
    try:
        yield True
    finally:
        ended.set()
        touching.join()
        _release(claim)


def is_claimed(folder: Path, key: str) -> bool:
    """Whether a living run has the case in hand."""
    number = 0
    while True:
        path = folder / f"{_stem(key)}.{number}"
        text = _text_of(path)
        if text is None:
            return False
        if not _is_stale(path, text):
            return True
        number += 1


def remove_empty(folder: Path) -> None:
    """Remove the folder of the claims where there is none, and the folder it is in."""
    for one in (folder, folder.parent):
        with contextlib.suppress(OSError):
            one.rmdir()


def _take(folder: Path, key: str) -> Path | None:
    stem = _stem(key)
    token = f"{owner_mark()} {secrets.token_hex(8)}"
    for _ in range(_MOST_TRIES):
        number, before = 0, ""
        while True:
            path = folder / f"{stem}.{number}"
            text = _text_of(path)
            if text is None:
                break
            if not _is_stale(path, text):
                return None
            number, before = number + 1, text
        if _made(path, token):
            if _is_mine(path, number, before, token):
                return path
            with contextlib.suppress(OSError):
                path.unlink()
        time.sleep(0.01 + secrets.randbelow(50) / 1000)
    return None


def _stem(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _made(path: Path, token: str) -> bool:
    """Whether the claim could be made: no other has made it meanwhile."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        handle = os.open(path, flags, 0o666)
    except FileExistsError:
        return False
    except FileNotFoundError:
        return False  # the folder was just removed by a run that ended
    except OSError as error:
        raise OutputError(
            f"Cannot write into this folder: {error.strerror or error}.",
            path=path.parent,
            hint="Choose another folder.",
        ) from error
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(token)
    return True


def _is_mine(path: Path, number: int, before: str, token: str) -> bool:
    """Whether no other took over, or began anew, between reading the claims and making this one."""
    above = path.with_suffix(f".{number + 1}")
    if os.path.lexists(above) or _text_of(path) != token:
        return False
    return number == 0 or _text_of(path.with_suffix(f".{number - 1}")) == before


def _text_of(path: Path) -> str | None:
    """None where there is no claim; "" of one whose process has not written its mark yet."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError:
        return ""


def _is_stale(path: Path, text: str) -> bool:
    if text and owner_is_dead(text.split(" ")[0]):
        return True
    try:
        touched = path.stat().st_mtime
    except OSError:
        return False
    # By the clock of this machine first; where that says stale, by that of the drive itself.
    return _is_old(time.time() - touched) and _is_old(_time_of(path.parent) - touched)


def _is_old(seconds: float) -> bool:
    """Also of a claim out of the future, whose machine had a wrong clock: it would never end."""
    return seconds > _STALE_AFTER_S or seconds < -_MOST_AHEAD_S


def _time_of(folder: Path) -> float:
    """The present time as the drive has it; NaN where it does not say."""
    probe = folder / f"time-{secrets.token_hex(8)}"
    try:
        probe.touch()
        return probe.stat().st_mtime
    except OSError:
        return math.nan
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


def _touch(claim: Path, ended: threading.Event) -> None:
    while not ended.wait(_TOUCHED_EVERY_S):
        with contextlib.suppress(OSError):
            os.utime(claim)


def _release(claim: Path) -> None:
    """Remove the stale claims below, then this one: while one is there, the case is taken."""
    for number in range(int(claim.suffix[1:]) + 1):
        with contextlib.suppress(OSError):
            claim.with_suffix(f".{number}").unlink()
