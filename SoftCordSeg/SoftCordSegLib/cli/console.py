"""What the user sees in the shell: sentences, tables and progress bars on stderr, one JSON object
on stdout; and Ctrl-C.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from ..errors import OutputError
from ..progress import Progress


class _Window(Console):
    """Rich's own ends the process where stderr is a pipe without a reader: the work would be
    lost.
    """

    def print(self, *objects: Any, **settings: Any) -> None:
        """As rich's own; progress bars print too."""
        with _stderr_may_be_full():
            super().print(*objects, **settings)

    def on_broken_pipe(self) -> None:
        """Called while the error is handled."""
        raise


_console = _Window(stderr=True, highlight=False)
# Wider than any table: what is no window has no width, and cells are not to be folded there.
_NO_WINDOW = 10_000
_FILES_ARE_THERE = "The files of the results are complete; run again without --json, or read them."


def printable(text: str) -> str:
    """Text for the window: what would steer the terminal, turn the direction of writing, or is no
    character at all (names that are not UTF-8) is shown by its number, as Python writes it.
    """
    return "".join(
        character
        if unicodedata.category(character) not in ("Cc", "Cf", "Cs")
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def plain_text(text: str) -> Text:
    """Without markup: names may have brackets."""
    return Text(printable(text))


def say(sentence: str, style: str | None = None) -> None:
    """One sentence on stderr, never broken up by the width of the window."""
    with _stderr_may_be_full():
        _console.print(printable(sentence), style=style, markup=False, soft_wrap=True)


def say_lines(text: str) -> None:
    """Several lines on stderr, as those of a traceback."""
    for line in text.rstrip().splitlines():
        say(line)


def warn(sentence: str) -> None:
    """Something the user should know."""
    say(f"Note: {sentence}", "yellow")


def fail(sentence: str) -> None:
    """Something that could not be done."""
    say(f"Error: {sentence}", "red")


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on stderr; columns after the first are right-aligned where they hold numbers."""
    table = Table(title=plain_text(title), title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(
            isinstance(row[index], (int, float)) or str(row[index])[:1].isdigit() for row in rows
        )
        justify: Literal["left", "right"] = "right" if numeric and index else "left"
        table.add_column(plain_text(column), justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(plain_text(_cell(value)) for value in row))
    print_table(table)


def print_table(table: Table) -> None:
    """A table on stderr; each row is one line where that is a file or a pipe."""
    console = _console
    if not console.is_terminal:
        console = _Window(stderr=True, highlight=False, width=_NO_WINDOW)
    with _stderr_may_be_full():
        console.print(table)


def print_json(content: dict[str, Any]) -> None:
    """The one object on stdout; nothing else is ever written there.

    Raises:
        OutputError: stdout is closed, or the disk or pipe that it leads to takes no more.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    if sys.stdout is None:  # as Python has it where the shell closed it
        raise OutputError("Standard output is closed, so the JSON is lost.", hint=_FILES_ARE_THERE)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(content, indent=2) + "\n"
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        _silence(sys.stdout)
        sentence = f"The JSON could not be written to standard output: {error.strerror}."
        raise OutputError(sentence, hint=_FILES_ARE_THERE) from error


def flush_stdout() -> None:
    """Bring to its place what was printed by others than :func:`print_json` (help, versions).

    Raises:
        OutputError: the disk or pipe that stdout leads to takes no more.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError as error:
        _silence(sys.stdout)
        raise OutputError(f"Standard output takes no more: {error.strerror}.") from error


def prepare_streams() -> None:
    """Make stdin, stdout and stderr safe, whatever the shell gave.

    What the shell closed leads to nowhere; else the next file that is opened takes that number, and
    what a library prints would end up in it. What the encoding lacks is written by its number.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(OSError):  # a pipe without a reader
                stream.reconfigure(errors="backslashreplace")
    try:
        number = os.open(os.devnull, os.O_RDWR)
        while number <= 2:
            number = os.dup(number)
        os.close(number)
    except OSError:  # a system without such a device
        return


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
        TextColumn("{task.fields[name]}", style="bold", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", style="dim", markup=False),
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
        task = self._bars.add_task("", total=1.0, name=printable(name))

        def report(fraction: float, message: str) -> None:
            self._bars.update(task, completed=fraction, description=printable(message))

        try:
            yield Progress(report, self._interrupt.is_set)
        finally:
            self._bars.remove_task(task)


@contextlib.contextmanager
def _stderr_may_be_full() -> Iterator[None]:
    """Where stderr takes no more, the work goes on without it."""
    try:
        yield
    except OSError:
        _silence(sys.stderr)


def _silence(stream: Any) -> None:
    """Lead a stream that takes no more to nowhere, so that Python does not fail at its end on what
    is still waiting.
    """
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _cell(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
