"""Errands on a thread while the user goes on, one after the other; none is dropped."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import qt

# As in background.py: Slicer's idle loop holds Python's lock, and a timer gives it to the thread.
_LOOK_MS, _WAIT_MS = 5, 10
# How long a closing panel waits for what is to be written, s.
_CLOSE_S = 60.0


class Errands:
    """A queue of tasks for one thread, which knows no Qt and no MRML.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str):
        self._name = name
        self._executor: ThreadPoolExecutor | None = None
        self._waiting: deque = deque()
        self._timer = qt.QTimer()
        self._timer.setInterval(_LOOK_MS)
        self._timer.connect("timeout()", self._look)

    def run(
        self, task: Callable[[], Any], on_done: Callable[[Future], None] | None = None
    ) -> Future:
        """Do a task after those before it.

        Args:
            task: gets copies of all that it needs.
            on_done: called on this thread with the finished future.
        """
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, self._name)
        future = self._executor.submit(task)
        self._waiting.append((future, on_done))
        self._timer.start()
        return future

    def finish(self) -> None:
        """Wait until everything is done, and tell of it."""
        while self._waiting:
            future, _ = self._waiting[0]
            wait([future])
            self._hand_over()

    def forget(self) -> None:
        """Cancel what has not begun; what was done is not told of."""
        for future, _ in self._waiting:
            future.cancel()
        self._waiting.clear()
        self._timer.stop()

    def close(self, finish: bool) -> None:
        """Stop for good.

        Args:
            finish: wait for what is to be done.
        """
        if finish:
            wait([future for future, _ in self._waiting], _CLOSE_S)
        self.forget()
        self._timer.disconnect("timeout()", self._look)  # or each would keep the other
        self._timer.deleteLater()  # here, and not by Python's collector on some thread
        if self._executor is not None:
            self._executor.shutdown(wait=False)
            self._executor = None

    def _look(self) -> None:
        if not self._waiting:
            self._timer.stop()
        elif wait([self._waiting[0][0]], _WAIT_MS / 1000).done:
            self._hand_over()

    def _hand_over(self) -> None:
        future, on_done = self._waiting.popleft()
        if on_done is not None and not future.cancelled():
            on_done(future)
