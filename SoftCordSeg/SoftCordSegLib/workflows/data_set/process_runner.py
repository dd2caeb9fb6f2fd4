"""Cases of a data set in several processes of this machine, each of which loads the model once.

A process works on one case at a time, from a pipe of its own.  One that dies (a crash, the system
short of memory) costs the case that it had in hand, and another takes its place.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import connection as pipes
from typing import TYPE_CHECKING, Any

from ...errors import Cancelled, OptionError, SoftCordSegError
from ...processes import children_without_ctrl_c, cores
from ...progress import Progress
from .data_set_case import CaseJob, CaseResult, Work, failed_case, prepare_worker, run_case
from .data_set_options import DataSetOptions
from .data_set_run import OnResult

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

# Between two looks whether to stop.
_LOOK_S = 0.2
# A process that was asked to end drops its case at the next tile.
_END_S = 20.0
# One that somebody else asked to end: perhaps all of the run are, and this one is the first to say.
_TOGETHER_S = 2.0
_MOST_FAILED_STARTS = 3
_READY, _RESULT, _FAILED, _STOPPED, _ENDED = "ready", "result", "failed", "stopped", "ended"
# Libraries of numbers read these when they are loaded.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def threads_of_each(processes: int, threads: int | None = None) -> int:
    """Threads of the network in each of several processes.

    Args:
        processes: at work at the same time.
        threads: that the user wants for each; None divides the cores.
    """
    return threads if threads is not None else max(cores() // processes, 1)


class ProcessRunner:
    """Runs cases in processes of this machine; a :class:`.data_set_run.Runner`.

    Args:
        processes: how many, at least 1.
        threads: of the network in each; None divides the cores of this machine among them.
        work: what is done with a case; a function of a module, since it is sent by its name.

    Raises:
        OptionError: fewer than one process.
    """

    def __init__(self, processes: int, threads: int | None = None, work: Work = run_case):
        if processes < 1:
            raise OptionError(
                f"{processes} processes cannot work.", hint="Choose a number of 1 or more."
            )
        self.processes, self.threads = processes, threads_of_each(processes, threads)
        self._work = work

    def run(
        self,
        jobs: Sequence[CaseJob],
        on_result: OnResult,
        should_stop: Callable[[], bool],
    ) -> None:
        """As :class:`.data_set_run.Runner` says; the cases in hand are dropped when the user stops.

        Raises:
            SoftCordSegError: no process can be started.
        """
        crew = _Crew(jobs, self._work, self.threads)
        try:
            while crew.has_work:
                if should_stop():
                    crew.stop()
                crew.employ(self.processes)
                for result in crew.results():
                    crew.add(on_result(result) or ())
        finally:
            crew.dismiss()


@dataclass(eq=False)
class _Worker:
    """A process, our end of its pipe, and the case it has in hand."""

    process: SpawnProcess
    pipe: pipes.Connection
    ready: bool = False
    job: CaseJob | None = None


class _Crew:
    """The processes at work, and the cases that wait for one."""

    def __init__(self, jobs: Sequence[CaseJob], work: Work, threads: int):
        self._waiting = deque(jobs)
        self._work, self._threads = work, threads
        self._workers: list[_Worker] = []
        self._stopping = False
        self._failed_starts = 0

    @property
    def has_work(self) -> bool:
        """Whether a case waits or is in hand."""
        return bool(self._waiting) or any(worker.job is not None for worker in self._workers)

    def stop(self) -> None:
        """Drop the cases that wait, and ask all processes to drop theirs."""
        if self._stopping:
            return
        self._stopping = True
        self._waiting.clear()
        for worker in self._workers:
            _send(worker, None)

    def add(self, jobs: Sequence[CaseJob]) -> None:
        """Further cases, to be done next."""
        if not self._stopping:
            self._waiting.extendleft(reversed(jobs))

    def employ(self, processes: int) -> None:
        """Start processes up to this number, while cases wait for one.

        Raises:
            SoftCordSegError: several ended before they were ready.
        """
        if self._failed_starts >= _MOST_FAILED_STARTS:
            raise SoftCordSegError(
                "The processes end before they have begun.",
                hint="Use fewer processes: memory may be short. With one process the reason is"
                " seen.",
            )
        free = sum(worker.job is None for worker in self._workers)
        while len(self._workers) < processes and free < len(self._waiting):
            self._workers.append(_start(self._work, self._threads))
            free += 1

    def results(self) -> Iterator[CaseResult]:
        """Wait a moment for what the processes say, and give them their next cases."""
        for pipe in pipes.wait([worker.pipe for worker in self._workers], _LOOK_S):
            worker = next(one for one in self._workers if one.pipe is pipe)
            try:
                kind, content = worker.pipe.recv()
            except (EOFError, OSError):
                kind, content = _ENDED, None
            job, worker.job = worker.job, None
            if kind in (_STOPPED, _ENDED):
                yield from self._lost(worker, job, kind)
                continue
            worker.ready, self._failed_starts = True, 0
            if kind == _RESULT:
                yield content
            elif kind == _FAILED and job is not None:
                yield failed_case(job, content)
            if self._waiting and _send(worker, self._waiting[0]):
                worker.job = self._waiting.popleft()

    def dismiss(self) -> None:
        """End all processes: those in the middle of a case drop it."""
        for worker in self._workers:
            _send(worker, None)
            worker.pipe.close()
        until = time.monotonic() + _END_S
        for worker in self._workers:
            worker.process.join(max(until - time.monotonic(), 0.1))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._workers.clear()

    def _lost(self, worker: _Worker, job: CaseJob | None, kind: str) -> Iterator[CaseResult]:
        """A process has ended; what becomes of the case that it had in hand."""
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.join(_END_S)
        if not worker.ready:
            self._failed_starts += 1
        if job is None or self._stopping:
            return
        if kind == _STOPPED or worker.process.exitcode == 0:
            # Asked to end by somebody else, who may mean the whole run, or this process alone.
            time.sleep(_TOGETHER_S)
            self._waiting.append(job)
            return
        yield failed_case(job, _died(worker.process.exitcode))


def _start(work: Work, threads: int) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, work, threads), daemon=True)
    with _thread_variables(threads), children_without_ctrl_c():
        process.start()
    theirs.close()  # so that the pipe ends with the process
    return _Worker(process, ours)


@contextlib.contextmanager
def _thread_variables(threads: int) -> Iterator[None]:
    """Within the block the environment, which new processes get, names the threads."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _send(worker: _Worker, message: CaseJob | None) -> bool:
    """False where the process has ended, which is noticed when it is read from."""
    try:
        worker.pipe.send(message)
    except OSError:
        return False
    return True


def _died(code: int | None) -> SoftCordSegError:
    return SoftCordSegError(
        f"The process that worked on this image has ended (exit code {code}).",
        hint="Memory may have run out: use fewer processes, and run it again.",
    )


class _Orders:
    """In the process: whether it is to stop, by word of the one that started it, by its end, or by
    a signal.
    """

    def __init__(self, pipe: pipes.Connection):
        self._pipe = pipe
        self._stop = False
        self.idle = False

    def is_to_stop(self) -> bool:
        """Within a case: what comes through the pipe can only mean to stop."""
        if not self._stop:
            try:
                self._stop = self._pipe.poll()
            except OSError:
                self._stop = True
        return self._stop

    def on_signal(self, *_: Any) -> None:
        """As the handler of SIGTERM: the case in hand is dropped at its next check."""
        self._stop = True
        if self.idle:
            raise SystemExit(0)

    def next_job(self) -> CaseJob | None:
        """Wait for the next case; None where there are no more."""
        self.idle = True
        try:
            job: CaseJob | None = self._pipe.recv()
        finally:
            self.idle = False
        return job


def _serve(pipe: pipes.Connection, work: Work, threads: int) -> None:
    """What a process does: one case after the other, until the pipe says or brings nothing more."""
    orders = _Orders(pipe)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal; the one that started us is told
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, orders.on_signal)
    prepare_worker(DataSetOptions(threads=threads))
    with contextlib.suppress(EOFError, OSError):
        pipe.send((_READY, None))
        while (job := orders.next_job()) is not None:
            answer = _do(work, job, orders)
            pipe.send(answer)
            if answer[0] == _STOPPED:
                return


def _do(work: Work, job: CaseJob, orders: _Orders) -> tuple[str, Any]:
    try:
        return _RESULT, work(job, Progress(None, orders.is_to_stop))
    except Cancelled:
        return _STOPPED, None
    except SoftCordSegError as error:
        return _FAILED, error
    except Exception as error:  # of the work itself, not of the case: its text may name folders
        return _FAILED, SoftCordSegError(f"An unexpected error: {type(error).__name__}.")
