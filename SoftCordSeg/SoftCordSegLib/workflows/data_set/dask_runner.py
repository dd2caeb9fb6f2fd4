"""Cases of a data set on a cluster that has a Dask scheduler (dask.distributed): it hands them to
its workers, on any number of machines, and gives those of a worker that dies to another one.

The package ``distributed`` is needed, and folders that all machines see under the same paths.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...errors import InputError, OptionError, SoftCordSegError
from ...progress import Progress
from .data_set_case import CaseJob, CaseResult, Work, failed_case, prepare_worker, run_case
from .data_set_options import DataSetOptions
from .data_set_run import OnResult

if TYPE_CHECKING:
    from distributed import Client, Future

_CONNECT_S = 30.0
# Between two looks at what has come back.
_LOOK_S = 0.2
# Cases at the scheduler for each thread of its workers, and at least.
_AHEAD, _LEAST_AHEAD = 2, 32
# A case whose result does not arrive although no worker died at it.
_MOST_TRIES = 4
# A process runs one network at a time: it uses all threads of its worker.
_ONE_AT_A_TIME = threading.Lock()


def read_resources(text: str) -> dict[str, float]:
    """{"GPU": 1.0} of "GPU=1", several with commas, as Dask's own workers are given them.

    Raises:
        OptionError: not that.
    """
    resources = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        try:
            resources[name.strip()] = float(value)
        except ValueError:
            resources[""] = 0.0
    if "" in resources:
        raise OptionError(
            f"'{text}' does not say what a worker must have.", hint="Give, for example, GPU=1."
        )
    return resources


class DaskRunner:
    """Runs cases on the workers of a Dask scheduler; a :class:`.data_set_run.Runner`.

    Args:
        address: of the scheduler, as "tcp://10.0.0.1:8786", or the path of its file.
        threads: of the network in each worker; None for as many as the worker has.
        resources: that a worker must have for a case, as ``{"GPU": 1}``; workers say what they have
            when they are started.
        retries: how often a case is given to a worker again after the worker's own failure.
        work: what is done with a case; a function of a module that the workers have.
    """

    def __init__(
        self,
        address: str,
        threads: int | None = None,
        resources: Mapping[str, float] | None = None,
        retries: int = 2,
        work: Work = run_case,
    ):
        self.address, self.threads = address, threads
        self.resources, self.retries = dict(resources or {}), retries
        self._work = work

    def run(
        self,
        jobs: Sequence[CaseJob],
        on_result: OnResult,
        should_stop: Callable[[], bool],
    ) -> None:
        """As :class:`.data_set_run.Runner` says; what a worker has in hand it finishes when the
        user stops.  Image and results are under the same paths on all machines.

        Raises:
            InputError: ``distributed`` is not installed, or no scheduler answers.
            SoftCordSegError: the scheduler is gone.
        """
        with _connected(self.address) as client:
            _Queue(client, self).run(jobs, on_result, should_stop)

    def submit(self, client: Client, job: CaseJob) -> Future:
        """Hand one case to the scheduler."""
        return client.submit(
            _on_worker,
            self._work,
            job,
            self.threads,
            __version__,
            key=f"softcord-{job.key}-{time.time_ns()}",
            pure=False,
            retries=self.retries,
            resources=self.resources or None,
        )


class _Queue:
    """The cases at the scheduler: a few more than its workers can do, so that thirty thousand cost
    it no more memory than thirty.

    Where workers die, the scheduler suspects all cases that they held, finished ones too, and after
    several deaths gives them up.  These are sent again at the end, each alone, so that the one that
    ends workers is found, and costs itself only.
    """

    def __init__(self, client: Client, runner: DaskRunner):
        from distributed import as_completed

        self._client, self._runner = client, runner
        self._sent: dict[Any, tuple[CaseJob, Future]] = {}
        self._suspects: list[CaseJob] = []
        self._alone = False
        self._tries: Counter[str] = Counter()
        self._finished = as_completed(loop=client.loop)

    def run(
        self,
        jobs: Sequence[CaseJob],
        on_result: OnResult,
        should_stop: Callable[[], bool],
    ) -> None:
        waiting = deque(jobs)
        while self._fill(waiting):
            if should_stop():
                self._client.cancel([future for _, future in self._sent.values()])
                return
            for future in self._finished.next_batch(block=False):
                result = self._result(future)
                if result is not None:
                    waiting.extendleft(reversed(on_result(result) or ()))
                future.release()
            if not self._finished.has_ready():
                time.sleep(_LOOK_S)

    def _fill(self, waiting: deque[CaseJob]) -> bool:
        """Send as many cases as there is room for; False where all are done."""
        if len(self._sent) < _LEAST_AHEAD:
            room = _LEAST_AHEAD - len(self._sent)
        else:
            room = _AHEAD * sum(self._client.nthreads().values()) - len(self._sent)
        for _ in range(min(max(room, 0), len(waiting))):
            self._alone = False
            self._send(waiting.popleft())
        if not self._sent and not waiting and self._suspects:
            self._alone = True
            self._send(self._suspects.pop())
        return bool(self._sent)

    def _send(self, job: CaseJob) -> None:
        future = self._runner.submit(self._client, job)
        self._sent[future.key] = job, future
        self._finished.add(future)

    def _result(self, future: Future) -> CaseResult | None:
        """None of a case that is sent again later."""
        from distributed import KilledWorker

        job, _ = self._sent.pop(future.key)
        error = None
        if future.status == "finished":
            # The result may be gone with its worker by now.
            with contextlib.suppress(CancelledError, KeyError, OSError):
                result: CaseResult = future.result()
                return result
        elif future.status == "error":
            error = future.exception()
        if self._client.status != "running":
            raise _scheduler_gone()
        if error is None or isinstance(error, KilledWorker):
            self._tries[job.key] += 1
            if self._tries[job.key] < _MOST_TRIES and not (error is not None and self._alone):
                self._suspects.append(job)
                return None
        return failed_case(job, _reason(error))


@contextlib.contextmanager
def _connected(address: str) -> Iterator[Client]:
    """A connection to the scheduler.

    Raises:
        InputError: ``distributed`` is not installed, or no scheduler answers.
        SoftCordSegError: the scheduler is gone.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(
            "A Dask scheduler is reached with the package 'distributed', which is not installed.",
            hint="Install SoftCordSeg with its extra 'cluster': pip install 'softcordseg[cluster]'"
            " (Python 3.10 or newer).",
        ) from error
    where: dict[str, Any] = {"address": address}
    if address.endswith(".json"):
        where = {"scheduler_file": address}
    try:
        if address.endswith(".json") and not Path(address).is_file():
            raise FileNotFoundError(address)  # distributed would wait for it without an end
        client = Client(timeout=_CONNECT_S, set_as_default=False, **where)
    except (OSError, ValueError) as error:
        raise InputError(
            f"No Dask scheduler answers at '{address}'.",
            hint="Give the address that it says when it starts, such as tcp://10.0.0.1:8786, or"
            " the path of its scheduler file.",
        ) from error
    # What it says of a lost connection are tracebacks, and ours is a sentence.
    logger = logging.getLogger("distributed.client")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield client
    except OSError as error:  # of the connection: results are written elsewhere
        raise _scheduler_gone() from error
    finally:
        client.close()
        logger.setLevel(before)


def _on_worker(work: Work, job: CaseJob, threads: int | None, version: str) -> CaseResult:
    """What a worker of the cluster does with one case.

    Raises:
        SoftCordSegError: the worker has another version of this software.
    """
    from distributed import get_worker

    if version != __version__:
        raise SoftCordSegError(
            f"The worker has SoftCordSeg {__version__}, and the run {version}.",
            hint="Install the same version on all machines.",
        )
    with _ONE_AT_A_TIME:
        prepare_worker(DataSetOptions(threads=threads or get_worker().state.nthreads))
        return work(job, Progress())


def _reason(error: BaseException | None) -> SoftCordSegError:
    """Why a case came back without a result; the text of an unexpected error may name folders."""
    from distributed import KilledWorker

    if isinstance(error, SoftCordSegError):
        return error
    if error is None or isinstance(error, KilledWorker):
        return SoftCordSegError(
            "The workers that had this image have ended, one after the other.",
            hint="Memory may have run out: give the workers more, and run it again.",
        )
    return SoftCordSegError(
        f"The worker failed: {type(error).__name__}.",
        hint="Install the same version of SoftCordSeg on all machines, and see the worker's log.",
    )


def _scheduler_gone() -> SoftCordSegError:
    return SoftCordSegError(
        "The connection to the Dask scheduler was lost.",
        hint="Finished results are kept: start the scheduler, and run it again.",
    )
