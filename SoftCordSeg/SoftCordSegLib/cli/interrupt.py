"""Ctrl-C: the first press asks the work to stop where it can, the second stops it at once."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator


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
