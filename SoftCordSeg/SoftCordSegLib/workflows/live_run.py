"""Long work in a process of its own, which another one watches and may stop: the panel a training,
or a second terminal.

In the folder of the work, ``progress.json`` says how far it is, and a file ``stop`` asks it to
stop; both work on every system, across terminals, and after the program that started it was closed.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ..bids import read_sidecar
from ..errors import Cancelled, OptionError, OutputError, SoftCordSegError
from ..files import json_text, write_text_atomically
from ..processes import let_go, owner_is_dead, owner_mark
from ..progress import Progress

PROGRESS_FILE, STOP_FILE, LOG_FILE = "progress.json", "stop", "log.txt"
# Between two writes, and between two looks for the file that asks to stop.
_WRITE_S, _LOOK_S = 1.0, 0.5
# A process that says nothing for so long has ended, whatever its number says: numbers return.
_SILENT_S = 1800.0


class RunState(str, Enum):
    """Of long work."""

    NONE = "none"
    STARTING = "starting"
    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"
    FINISHED = "finished"

    @property
    def is_alive(self) -> bool:
        """Whether a process works on it."""
        return self in (RunState.STARTING, RunState.RUNNING)


@dataclass(frozen=True)
class LiveState:
    """How far long work is.

    Attributes:
        state: of it.
        fraction: 0 to 1.
        message: what is being done; where it failed, why.
        hint: what to do where it failed; "" else.
        seconds: since it began.
    """

    state: RunState = RunState.NONE
    fraction: float = 0.0
    message: str = ""
    hint: str = ""
    seconds: float = 0.0


def read_live(folder: Path) -> LiveState:
    """How far the work in a folder is; work whose process has ended without a word has failed."""
    content = read_sidecar(folder / PROGRESS_FILE)
    try:
        state = LiveState(
            RunState(content["state"]),
            min(max(float(content["fraction"]), 0.0), 1.0),
            str(content["message"]),
            str(content.get("hint", "")),
            float(content["seconds"]),
        )
        owner = str(content["owner"])
    except (KeyError, TypeError, ValueError):
        return LiveState()
    if not state.state.is_alive or not _has_ended(owner, folder / PROGRESS_FILE):
        return state
    # It may have ended properly between the two looks.
    again = read_sidecar(folder / PROGRESS_FILE)
    if again != content:
        return read_live(folder)
    return LiveState(
        RunState.FAILED,
        state.fraction,
        "The process has ended without a result.",
        f"Its last words are in '{LOG_FILE}'; the same again goes on from the last saved state.",
        state.seconds,
    )


def request_stop(folder: Path) -> None:
    """Ask the work in a folder to stop; it ends at its next check, resumable.

    Raises:
        OutputError: the folder cannot be written.
    """
    write_text_atomically(folder / STOP_FILE, "")


def wait_for(folder: Path, progress: Progress) -> LiveState:
    """Wait for the process that works in a folder, and pass on how far it is.

    Args:
        folder: of the work.
        progress: receives progress; where it is cancelled, the process is asked to stop and waited
            for.

    Returns:
        How it ended.
    """
    stopping = False
    while (live := read_live(folder)).state.is_alive:
        progress.report(live.fraction, live.message)
        if not stopping:
            try:
                progress.check_cancelled()
            except Cancelled:
                stopping = True
                request_stop(folder)
        time.sleep(_LOOK_S)
    return live


def check_not_running(folder: Path) -> None:
    """Refuse to begin work in a folder where a process is at it.

    Raises:
        OptionError: one is.
    """
    if read_live(folder).state.is_alive:
        raise OptionError(
            "A process is working in this folder.",
            path=folder,
            hint="Wait for it, or stop it.",
        )


def note_start(folder: Path, process: int) -> None:
    """Say that a process was started and is loading, where it has not said anything itself.

    Raises:
        OutputError: the folder cannot be written.
    """
    if (folder / PROGRESS_FILE).exists():
        return
    content = {**_content(RunState.STARTING, 0.0, "Starting"), "owner": owner_mark(process)}
    write_text_atomically(folder / PROGRESS_FILE, json_text(content))


@contextlib.contextmanager
def live_run(folder: Path, progress: Progress) -> Iterator[Progress]:
    """Within the block the folder says how far the work is, and may stop it.

    Args:
        folder: of the work; while it is not there, nothing is written.
        progress: receives all reports too; checked for cancellation.

    Raises:
        Cancelled: by ``progress``, or by the file that asks to stop.
    """
    live = _Live(folder, progress)
    try:
        yield live
    except (Cancelled, KeyboardInterrupt) as stopped:
        live.write(RunState.STOPPED, message=_sentence(stopped) or "Stopped.")
        with contextlib.suppress(OSError):
            os.remove(folder / STOP_FILE)
        raise
    except Exception as error:
        live.fail(error)
        raise
    live.write(RunState.FINISHED, fraction=1.0, message="Finished")


@contextlib.contextmanager
def before_run(folder: Path) -> Iterator[None]:
    """Within the block something is prepared for a :func:`live_run`; where that fails, the folder
    says why.
    """
    try:
        yield
    except Exception as error:
        _Live(folder, Progress()).fail(error)
        raise


class _Live(Progress):
    """A progress that a folder tells of."""

    def __init__(self, folder: Path, inner: Progress):
        super().__init__(self._heard, self._is_to_stop)
        self._folder, self._inner = folder, inner
        self._began = time.monotonic()
        self._written = self._looked = -_SILENT_S
        self._fraction, self._stop = 0.0, False

    def write(
        self, state: RunState, *, fraction: float | None = None, message: str = "", hint: str = ""
    ) -> None:
        """The file; work is never lost because it cannot be written, or is being read."""
        if not self._folder.is_dir():
            return
        self._written = time.monotonic()
        content = _content(state, self._fraction if fraction is None else fraction, message, hint)
        content["seconds"] = round(self._written - self._began, 1)
        with contextlib.suppress(OSError, OutputError):
            write_text_atomically(self._folder / PROGRESS_FILE, json_text(content))

    def fail(self, error: Exception) -> None:
        """The file of work that an error has ended."""
        hint = error.hint if isinstance(error, SoftCordSegError) else ""
        self.write(RunState.FAILED, message=_sentence(error), hint=hint)

    def _heard(self, fraction: float, message: str) -> None:
        self._fraction = fraction
        self._inner.report(fraction, message)
        if time.monotonic() - self._written >= _WRITE_S:
            self.write(RunState.RUNNING, message=message)

    def _is_to_stop(self) -> bool:
        self._inner.check_cancelled()
        if not self._stop and time.monotonic() - self._looked >= _LOOK_S:
            self._looked = time.monotonic()
            self._stop = (self._folder / STOP_FILE).exists()
        return self._stop


def _content(state: RunState, fraction: float, message: str, hint: str = "") -> dict[str, Any]:
    return {
        "state": state.value,
        "fraction": round(fraction, 4),
        "message": message,
        "hint": hint,
        "seconds": 0.0,
        "owner": owner_mark(),
    }


def _has_ended(owner: str, file: Path) -> bool:
    process = owner.partition("-")[2]
    if process.isdecimal():
        let_go(int(process))
    if owner_is_dead(owner):
        return True
    with contextlib.suppress(OSError):
        return time.time() - file.stat().st_mtime > _SILENT_S
    return False


def _sentence(error: BaseException) -> str:
    """Without folders: the file travels with the data set."""
    if isinstance(error, SoftCordSegError):
        return error.sentence if error.path is None else f"'{error.path.name}': {error.sentence}"
    return f"An unexpected error: {type(error).__name__}." if isinstance(error, Exception) else ""
