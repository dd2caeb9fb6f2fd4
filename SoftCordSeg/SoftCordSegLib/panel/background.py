"""Work on a thread of its own while the user goes on: for what takes longer than an interface may
stand still, and needs no button to be stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import qt

from ..errors import Cancelled
from ..progress import Progress
from .collector import hold_collection

# Slicer's idle loop holds Python's lock, so that a thread left to itself starves.  A timer looks
# after it so often, and waits for it so long each time, ms: the window does not notice either.
_LOOK_MS, _WAIT_MS = 5, 15


class Background:
    """One task at a time; a new one replaces the one that is running, whose result is dropped.

    The thread knows no Qt and no MRML: a task gets copies of all that it needs.
    """

    def __init__(self):
        self._executor: ThreadPoolExecutor | None = None
        self._future: Future | None = None
        self._stopped = [False]
        self._on_done: Callable[[Future], None] | None = None
        self._timer = qt.QTimer()
        self._timer.setInterval(_LOOK_MS)
        self._timer.connect("timeout()", self._look)

    @property
    def busy(self) -> bool:
        """True from :meth:`start` until the result was handed over."""
        return self._future is not None

    def start(self, task: Callable[[Progress], Any], on_done: Callable[[Future], None]) -> None:
        """Run ``task(progress)`` on the thread.

        Args:
            task: asks ``progress.check_cancelled()`` often.
            on_done: called on this thread with the finished future, whose ``result()`` returns or
                raises what the task did; not called for a task that was replaced or stopped.
        """
        self.stop()
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, "SoftCordSeg-measure")
        stopped = self._stopped = [False]
        progress = Progress(lambda _fraction, _message: None, lambda: stopped[0])
        self._on_done = on_done
        futures: list[Future] = []
        hold_collection(lambda: all(future.done() for future in futures))
        futures.append(self._executor.submit(task, progress))
        self._future = futures[0]
        self._timer.start()

    def stop(self) -> None:
        """Drop the running task, which ends when it looks at its progress."""
        self._stopped[0] = True
        self._future = self._on_done = None
        self._timer.stop()

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        self._timer.disconnect("timeout()", self._look)  # or each would keep the other
        if self._executor is not None:
            self._executor.shutdown(wait=False)
            self._executor = None

    def _look(self) -> None:
        future, on_done = self._future, self._on_done
        if future is None or on_done is None:
            self._timer.stop()
        elif wait([future], _WAIT_MS / 1000).done:
            self.stop()
            if not isinstance(future.exception(), Cancelled):
                on_done(future)
