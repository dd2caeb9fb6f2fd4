"""The cases of a data set, one after the other or many at once: what becomes of each, a line in the
log for each, progress with the time left; until all are settled, by this run or by another one.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ...bids import (
    DESCRIPTION,
    DerivativeLayout,
    derivative_description,
    read_description,
)
from ...errors import Cancelled, OptionError
from ...files import check_folder, json_text, safe_cell, write_text_atomically
from ...processes import machine_mark
from ...progress import Progress
from .case_claims import is_claimed, remove_empty
from .data_set_case import (
    STATUS_DONE,
    STATUS_FAILED,
    STATUS_KEPT,
    STATUS_TAKEN,
    CaseJob,
    CaseResult,
    Work,
    prepare_worker,
    run_case,
    settled_elsewhere,
)
from .data_set_plan import DataSetPlan

NAME = "SoftCordSeg"
_COLUMNS = ("time", "case", "status", "seconds", "message")
# How often is looked at whether other runs have done what they have in hand.
_POLL_S = 2.0
# The rate is that of the last cases.
_LAST = 50


# Called for each result; returns what can be done now that it is there.
OnResult = Callable[[CaseResult], Sequence[CaseJob]]


class Runner(Protocol):
    """Does cases: in this process, in several, or on several machines."""

    def run(
        self,
        jobs: Sequence[CaseJob],
        on_result: OnResult,
        should_stop: Callable[[], bool],
    ) -> None:
        """Do all jobs, in their order as far as that is possible.

        Args:
            jobs: what is to be done.
            on_result: called in this thread for each that was done, in any order; the jobs that it
                returns are to be done too, as soon as possible.
            should_stop: True once the user asked to stop: then the cases in hand are finished or
                dropped, and the rest is left.
        """


@dataclass(frozen=True)
class SerialRunner:
    """One case after the other, in this process.

    Attributes:
        work: what is done.
        on_report: receives the progress of the case in hand, and its key.
    """

    work: Work = run_case
    on_report: Callable[[str, float, str], None] | None = None

    def run(
        self,
        jobs: Sequence[CaseJob],
        on_result: OnResult,
        should_stop: Callable[[], bool],
    ) -> None:
        """As :class:`Runner` says."""
        if jobs:
            prepare_worker(jobs[0].options)
        waiting = deque(jobs)
        while waiting and not should_stop():
            job = waiting.popleft()
            try:
                result = self.work(job, Progress(self._report_of(job), should_stop))
            except Cancelled:
                return
            waiting.extendleft(reversed(on_result(result) or ()))

    def _report_of(self, job: CaseJob) -> Callable[[float, str], None] | None:
        report = self.on_report
        if report is None:
            return None
        return lambda fraction, message: report(job.key, fraction, message)


@dataclass
class DataSetOutcome:
    """What became of a data set.

    Attributes:
        finished: how many were done before this run.
        done: how many by this run.
        kept: how many by another run meanwhile.
        failed: the results of those that could not be done.
        not_found: keys of those in which no cord was found.
        left: how many were not done, since the user stopped the run or all workers were lost.
        log: its file.
    """

    finished: int = 0
    done: int = 0
    kept: int = 0
    failed: list[CaseResult] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)
    left: int = 0
    log: Path | None = None


def run_data_set(
    plan: DataSetPlan,
    runner: Runner | None = None,
    *,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_result: Callable[[CaseResult], None] = lambda _: None,
) -> DataSetOutcome:
    """Do what a plan says is to be done.

    Args:
        plan: of :func:`.data_set_plan.plan_data_set`.
        runner: one case after the other where None.
        progress: receives how many cases are settled, the rate and the time left.
        should_stop: True once the user asked to stop.
        on_result: called for each case when it is settled.

    Returns:
        What became of the cases; ``left`` is above 0 where the user stopped the run.

    Raises:
        OutputError: the folder of the results cannot be written.
        OptionError: that folder holds another program's derivatives.
    """
    layout = DerivativeLayout(plan.out, plan.options.standard_names)
    check_folder(plan.out)
    describe_results(plan.dataset, plan.out)
    log = _Log(layout.logs)
    outcome = DataSetOutcome(finished=plan.finished, log=log.path)
    book = _Book(plan, outcome, progress or Progress(), log, on_result)
    book.report()
    runner = runner or SerialRunner()
    waiting: Sequence[CaseJob] = plan.to_do
    while waiting and not should_stop():
        runner.run(waiting, book.enter, should_stop)
        waiting = book.next_jobs(should_stop)
    outcome.left = book.unsettled
    remove_empty(layout.claims)
    log.end(outcome)
    return outcome


def describe_results(dataset: Path, out: Path) -> None:
    """Write ``dataset_description.json`` where there is none.

    Raises:
        OptionError: there is one of raw images, or of another program.
        OutputError: it cannot be written.
    """
    known = read_description(out)
    if known:
        by = known.get("GeneratedBy")
        names = [one.get("Name") for one in by if isinstance(one, dict)] if by else []
        if NAME not in names:
            raise OptionError(
                "This folder is another data set, not one of our results.",
                path=out,
                hint="Choose a new folder.",
            )
        return
    content = derivative_description("SoftCordSeg: spinal cord", dataset)
    try:
        link = Path(os.path.relpath(dataset.resolve(), out.resolve())).as_posix()
        content["DatasetLinks"] = {"raw": link}
    except ValueError:  # on another drive of Windows
        pass
    write_text_atomically(out / DESCRIPTION, json_text(content))


class _Book:
    """What is settled, and what has to wait."""

    def __init__(
        self,
        plan: DataSetPlan,
        outcome: DataSetOutcome,
        progress: Progress,
        log: _Log,
        on_result: Callable[[CaseResult], None],
    ):
        self._outcome, self._progress, self._log = outcome, progress, log
        self._on_result = on_result
        self._open = {job.key: job for job in plan.to_do}
        self._total = len(plan.jobs)
        # Wait for levels from other images of the visit; are in the hands of another run.
        self._held: dict[str, CaseJob] = {}
        self._taken: dict[str, CaseJob] = {}
        # Those of the first that were given to the runner again.
        self._given: set[str] = set()
        self._times: deque[float] = deque([time.monotonic()], maxlen=_LAST)

    @property
    def unsettled(self) -> int:
        """How many cases are open."""
        return len(self._open)

    def enter(self, result: CaseResult) -> list[CaseJob]:
        """Take note of a result; returns the cases of its visit that have waited for it."""
        job = self._open.get(result.key)
        if job is None:
            return []  # settled before: a worker was taken for dead
        if result.waits:
            self._taken.pop(result.key, None)
            self._held[result.key] = replace(job, last=True, notes=result.notes)
            return self._released(job)
        if result.status == STATUS_TAKEN:
            self._taken[result.key] = self._held.pop(result.key, job)
            self._given.discard(result.key)
            return []
        for waiting in (self._open, self._held, self._taken):
            waiting.pop(result.key, None)
        self._count(result)
        self._log.add(result)
        self._times.append(time.monotonic())
        self.report()
        self._on_result(result)
        return self._released(job)

    def _released(self, job: CaseJob) -> list[CaseJob]:
        """What is held of the visit of a case, once no other of it is to come."""
        visit = sorted((job.key, *job.others))
        if any(key in self._open and key not in self._held for key in visit):
            return []
        keys = [key for key in visit if key in self._held and key not in self._given]
        self._given.update(keys)
        return [self._held[key] for key in keys]

    def next_jobs(self, should_stop: Callable[[], bool]) -> list[CaseJob]:
        """What can be done now; waits where all that is open is in the hands of other runs."""
        while not should_stop():
            for job in list(self._taken.values()):
                settled = settled_elsewhere(job)
                if settled is not None:
                    self.enter(settled)
            ready = [
                job for job in self._taken.values() if not is_claimed(job.layout.claims, job.key)
            ]
            ready += [
                job
                for job in self._held.values()
                if not any(key in self._taken for key in job.others)
            ]
            if ready or not self._taken:
                for job in ready:
                    self._open[job.key] = job
                self._given.update(job.key for job in ready)
                return ready
            time.sleep(_POLL_S / 10 if should_stop() else _POLL_S)
        return []

    def report(self) -> None:
        """How many are settled, the rate and the time left."""
        settled = self._total - len(self._open)
        parts = [f"{settled} of {self._total} images"]
        seconds = self._times[-1] - self._times[0]
        if len(self._times) > 1 and seconds > 0:
            rate = (len(self._times) - 1) / seconds
            parts.append(f"{60 * rate:.3g} a minute")
            parts.append(f"{in_words(len(self._open) / rate)} left")
        if self._outcome.failed:
            parts.append(f"{len(self._outcome.failed)} failed")
        self._progress.report(settled / max(self._total, 1), ", ".join(parts))

    def _count(self, result: CaseResult) -> None:
        if result.status == STATUS_FAILED:
            self._outcome.failed.append(result)
            return
        if result.status == STATUS_DONE:
            self._outcome.done += 1
        elif result.status == STATUS_KEPT:
            self._outcome.kept += 1
        if not result.found:
            self._outcome.not_found.append(result.key)


class _Log:
    """One line a case, written at once."""

    def __init__(self, folder: Path):
        when = datetime.now().strftime("%Y%m%dT%H%M%S")
        self.path = folder / f"participant_{when}_{machine_mark()}-{os.getpid()}.tsv"
        folder.mkdir(parents=True, exist_ok=True)
        self._write(_COLUMNS)

    def add(self, result: CaseResult) -> None:
        """Of one case."""
        self._write((_now(), result.key, result.status, f"{result.seconds:.1f}", result.message))

    def end(self, outcome: DataSetOutcome) -> None:
        """How the run ended."""
        words = (
            f"{outcome.done} done, {outcome.finished + outcome.kept} done before or by another run,"
            f" {len(outcome.failed)} failed, {outcome.left} left"
        )
        self._write((_now(), "", "end", "", words))

    def _write(self, cells: Sequence[str]) -> None:
        line = "\t".join(str(safe_cell(" ".join(cell.split()))) for cell in cells)
        with open(self.path, "a", encoding="utf-8", newline="\n") as stream:
            stream.write(f"{line}\n")


def in_words(seconds: float) -> str:
    """ "2 d 3 h", "3 h 10 min", "4 min", "20 s"."""
    whole = int(seconds)
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{whole} s"


def _now() -> str:
    return datetime.now().strftime("%Y-%m-%d %H:%M:%S")
