"""What the user sees in the shell: sentences, tables and progress bars on stderr, one JSON object
on stdout; and Ctrl-C.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from ..progress import Progress

_console = Console(stderr=True, highlight=False)


def say(sentence: str, style: str | None = None) -> None:
    """One sentence on stderr, never broken up by the width of the window."""
    _console.print(sentence, style=style, markup=False, soft_wrap=True)


def warn(sentence: str) -> None:
    """Something the user should know."""
    say(f"Note: {sentence}", "yellow")


def fail(sentence: str) -> None:
    """Something that could not be done."""
    say(f"Error: {sentence}", "red")


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on stderr; columns after the first are right-aligned where they hold numbers."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(
            isinstance(row[index], (int, float)) or str(row[index])[:1].isdigit() for row in rows
        )
        table.add_column(column, justify="right" if numeric and index else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    _console.print(table)


def print_json(content: dict[str, Any]) -> None:
    """The one object on stdout; nothing else is ever written there."""
    sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()


class Interrupt:
    """Whether the user pressed Ctrl-C."""

    def __init__(self):
        self._pressed = threading.Event()

    def is_set(self) -> bool:
        """True once the user asked to stop."""
        return self._pressed.is_set()

    def press(self, *_signal) -> None:
        """As the handler of SIGINT.

        Raises:
            KeyboardInterrupt: on the second press; files being written are still removed.
        """
        if self._pressed.is_set():
            raise KeyboardInterrupt
        self._pressed.set()


@contextlib.contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Within the block Ctrl-C sets the :class:`Interrupt` that is given."""
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt  # only the main thread may set handlers
        return
    before = signal.signal(signal.SIGINT, interrupt.press)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)


def end_like_ctrl_c() -> None:
    """From now on a request to end (``kill``, the end of a job's time, a terminal that is closed)
    does what Ctrl-C does: files being written are removed.
    """
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        # One that is ignored stays so: nohup means it.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _as_ctrl_c)


def _as_ctrl_c(_number: int, frame: Any) -> None:
    handler = signal.getsignal(signal.SIGINT)
    # A shell starts its background jobs with Ctrl-C ignored; they must end all the same.
    if not callable(handler):
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)


@contextlib.contextmanager
def progress_bars(interrupt: Interrupt) -> Iterator[ProgressBars]:
    """Bars on stderr, gone when the work is done."""
    bars = Bars(
        TextColumn("{task.fields[name]}", style="bold"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", style="dim"),
        console=_console,
        transient=True,
        disable=not _console.is_terminal,
    )
    with bars:
        yield ProgressBars(bars, interrupt)


class ProgressBars:
    """Makes the library's :class:`Progress` objects that draw a bar each."""

    def __init__(self, bars: Bars, interrupt: Interrupt):
        self._bars = bars
        self._interrupt = interrupt

    @contextlib.contextmanager
    def bar(self, name: str) -> Iterator[Progress]:
        """A bar that goes away at the end of the block."""
        task = self._bars.add_task("", total=1.0, name=name)

        def report(fraction: float, message: str) -> None:
            self._bars.update(task, completed=fraction, description=message)

        try:
            yield Progress(report, self._interrupt.is_set)
        finally:
            self._bars.remove_task(task)


def _cell(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
