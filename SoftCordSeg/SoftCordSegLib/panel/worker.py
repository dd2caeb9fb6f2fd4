"""One thread for the network, one for Slicer.

Slicer's idle loop holds Python's lock, so that a thread left to itself starves.  Here the main
thread waits in Python with short timeouts, which lets the worker run, and handles events in
between, which keeps the window alive.  The worker knows no Qt and no MRML: how events are handled
is given to it.
"""

from __future__ import annotations

import queue
import threading
import traceback
from collections.abc import Callable
from typing import Any

from ..errors import Cancelled, SoftCordSegError
from ..progress import Progress

# How long the main thread waits between two looks at events, s.
_WAIT_S = 0.03
# How long a closing panel waits for a worker in the middle of a tile, s; the thread is a daemon and
# does not outlive Slicer.
_CLOSE_S = 10.0

Task = Callable[[Progress], Any]


class WorkerBusy(SoftCordSegError):
    """Something is running already."""


class Worker:
    """A persistent thread that runs one task at a time.

    It is persistent because what a GPU learns about a network is kept for each thread.

    Args:
        process_events: called again and again on the calling thread while a task runs.
    """

    def __init__(self, process_events: Callable[[], None]):
        self._process_events = process_events
        self._tasks: queue.Queue = queue.Queue()
        self._thread: threading.Thread | None = None
        self._job: _Job | None = None
        self._closed = False

    @property
    def busy(self) -> bool:
        """True from the start of :meth:`run` to its end."""
        return self._job is not None

    def run(self, task: Task, on_report: Callable[[float, str], None] | None = None) -> Any:
        """Run ``task(progress)`` on the worker's thread, handling events until it is done.

        Args:
            task: does the work; it must not touch the scene or Qt, and asks
                ``progress.check_cancelled()`` often.
            on_report: called on the calling thread with the newest (fraction, message).

        Returns:
            What the task returned.

        Raises:
            WorkerBusy: a task is running (handled events let the user press anything).
            Cancelled: :meth:`cancel` was called.
            Exception: whatever the task raised, with its message.
        """
        if self.busy:
            raise WorkerBusy("A segmentation is running already. Wait for it, or cancel it.")
        if self._closed:
            raise WorkerBusy("The panel was closed. Open it again.")
        self._start()
        job = self._job = _Job(task)
        self._tasks.put(job)
        try:
            while not job.done.wait(_WAIT_S):
                self._deliver(job, on_report)
                self._process_events()
            self._deliver(job, on_report)
            return job.answer()
        except BaseException:
            # an error in what we were told to call must not leave the worker at work
            job.cancelled.set()
            raise
        finally:
            self._job = None

    def cancel(self) -> None:
        """Ask the running task to stop at its next look, for the network at its next tile; nothing
        where none runs.
        """
        if self._job is not None:
            self._job.cancelled.set()

    def close(self) -> None:
        """Cancel what runs and let the thread end; for good."""
        self._closed = True
        self.cancel()
        if self._thread is not None:
            self._tasks.put(None)
            self._thread.join(_CLOSE_S)
            self._thread = None

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(
                target=_work, args=(self._tasks,), name="SoftCordSeg", daemon=True
            )
            self._thread.start()

    @staticmethod
    def _deliver(job: _Job, on_report) -> None:
        report, job.report = job.report, None
        if report is not None and on_report is not None:
            on_report(*report)


class _Job:
    """A task and what came of it; the two threads share nothing else."""

    def __init__(self, task: Task):
        self.done = threading.Event()
        self.cancelled = threading.Event()
        self.report: tuple[float, str] | None = None
        self._task: Task | None = task
        self._result = None
        self._error: BaseException | None = None

    def execute(self) -> None:
        """On the worker's thread."""
        progress = Progress(self._keep_report, self.cancelled.is_set)
        try:
            progress.check_cancelled()
            self._result = self._task(progress)
        except BaseException as error:
            # The frames of the failed work hold the image and the network.
            _clear_frames(error)
            self._error = error
        finally:
            self._task = None
            self.done.set()

    def answer(self) -> Any:
        """On the main thread, once: the result leaves the job."""
        result, error, self._result, self._error = self._result, self._error, None, None
        if error is not None:
            raise error
        if self.cancelled.is_set():
            raise Cancelled("Stopped by the user. Nothing was written.")
        return result

    def _keep_report(self, fraction: float, message: str) -> None:
        self.report = (fraction, message)


def _work(tasks: queue.Queue) -> None:
    while True:
        job = tasks.get()
        if job is None:
            return
        job.execute()
        del job  # or it would live until the next task comes


def _clear_frames(error: BaseException | None) -> None:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
