"""Python's collector of cycles does not run on our threads.

It runs on whichever thread happens to allocate.  On a worker's it would destroy what the window has
thrown away, Qt and VTK objects among it, which end Slicer when they are destroyed there.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

import qt

# How often is looked whether the work has ended, ms.
_LOOK_MS = 30

_running: set[_Work] = set()
_was_enabled = [True]


def hold_collection(ended: Callable[[], bool]) -> None:
    """Switch the collector off until the work on another thread has ended; called on the main
    thread.

    Args:
        ended: whether it has, however it ended.
    """
    if not _running:
        _was_enabled[0] = gc.isenabled()
        gc.disable()
    _running.add(_Work(ended))


class _Work:
    """Looks whether one piece of work has ended, on the main thread."""

    def __init__(self, ended: Callable[[], bool]):
        self._ended = ended
        self._timer = qt.QTimer()
        self._timer.setInterval(_LOOK_MS)
        self._timer.connect("timeout()", self._look)
        self._timer.start()

    def _look(self) -> None:
        if not self._ended():
            return
        self._timer.stop()
        self._timer.disconnect("timeout()", self._look)  # or each would keep the other
        _running.discard(self)
        if not _running and _was_enabled[0]:
            # Here, or the next allocation on any thread would do it.
            gc.collect(0)
            gc.enable()
