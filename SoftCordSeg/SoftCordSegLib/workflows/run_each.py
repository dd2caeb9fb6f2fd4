"""One task for each of several images or participants; one that fails does not stop the others."""

from __future__ import annotations

import contextlib
import traceback
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ..errors import Cancelled, OptionError
from ..progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")
Read = TypeVar("Read")
Made = TypeVar("Made")
# So often the user's wish to stop is looked at while a file is read, s.
_PATIENCE_S = 0.1
# Gives the progress of one item, by the item's name.
Bar = Callable[[str], contextlib.AbstractContextManager[Progress]]


@dataclass(frozen=True, eq=False)
class Failure(Generic[Item]):
    """An item that could not be done.

    Attributes:
        item: itself.
        name: of the item.
        error: why.
    """

    item: Item
    name: str
    error: Exception


# Called at once for an item that could not be done.
OnFailure = Callable[[Failure[Any]], None]


@dataclass(frozen=True)
class Outcomes(Generic[Item, Result]):
    """What became of the items, each in the order given.

    Attributes:
        results: of those that could be done.
        failures: the others.
    """

    results: list[Result] = field(default_factory=list)
    failures: list[Failure[Item]] = field(default_factory=list)


@contextlib.contextmanager
def no_bar(_name: str) -> Iterator[Progress]:
    """For callers that show no progress."""
    yield Progress()


def say_nothing(_failure: Failure[Any]) -> None:
    """For callers that look at the failures afterwards."""


def run_each(
    items: Sequence[Item],
    work: Callable[[Item, Progress], Result],
    *,
    name: Callable[[Any], str] = lambda item: item.name,
    bar: Bar = no_bar,
    on_failure: OnFailure = say_nothing,
) -> Outcomes[Item, Result]:
    """Do the same for each item.

    Args:
        items: paths of images, participants, …
        work: what to do.
        name: of an item, for the bar and in :class:`Failure`.
        bar: gives the progress of each item.
        on_failure: called at once for an item that could not be done.

    Raises:
        Cancelled: the user stopped the work; what was finished before is complete.
    """
    outcomes: Outcomes[Item, Result] = Outcomes()
    for item in items:
        try:
            with bar(name(item)) as progress:
                outcomes.results.append(work(item, progress))
        except Cancelled:
            raise
        except Exception as error:
            outcomes.failures.append(Failure(item, name(item), error))
            on_failure(outcomes.failures[-1])
            _let_go(error)
    return outcomes


def run_each_overlapping(
    items: Sequence[Item],
    read: Callable[[Item], Read],
    work: Callable[[Item, Read, Progress], Made],
    write: Callable[[Item, Made], Result],
    *,
    name: Callable[[Any], str] = lambda item: item.name,
    bar: Bar = no_bar,
    on_failure: OnFailure = say_nothing,
) -> Outcomes[Item, Result]:
    """As :func:`run_each`, in three steps: while one item is worked on, the next one is read and
    the last one is written.  No more than three are in memory at once.

    Args:
        items, name, bar, on_failure: as there.
        read: first step; in a thread of its own.
        work: second step, from what was read; in the caller's thread, one item after the other.
        write: third step, from what was made; in a thread of its own.

    Raises:
        Cancelled: the user stopped the work; what was finished before is written completely.
    """
    outcomes: Outcomes[Item, Result] = Outcomes()
    waiting: deque[Future[Read]] = deque()
    written: deque[tuple[Item, Future[Result]]] = deque()

    def fail(item: Item, error: Exception) -> None:
        outcomes.failures.append(Failure(item, name(item), error))
        on_failure(outcomes.failures[-1])
        _let_go(error)

    def collect() -> None:
        while written:
            item, future = written.popleft()
            try:
                outcomes.results.append(future.result())
            except Exception as error:
                fail(item, error)

    with _one_thread("softcord-read") as reader, _one_thread("softcord-write") as writer:

        def read_ahead(number: int) -> None:
            if not waiting and number < len(items):
                waiting.append(reader.submit(read, items[number]))

        def step(number: int) -> None:
            """Of an item; what it holds is gone when it ends or fails."""
            item = items[number]
            read_ahead(number)
            with bar(name(item)) as progress:
                got = _awaited(waiting.popleft(), progress)
                read_ahead(number + 1)
                made = work(item, got, progress)
            collect()
            written.append((item, writer.submit(write, item, made)))

        for number, item in enumerate(items):
            try:
                step(number)
            except Cancelled:
                collect()
                raise
            except Exception as error:
                collect()
                fail(item, error)
        collect()
    return outcomes


def _one_thread(name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, name)


def _awaited(future: Future[Result], progress: Progress) -> Result:
    progress.report(0.0, "Reading")
    progress.check_cancelled()
    while not wait([future], _PATIENCE_S).done:
        progress.check_cancelled()
    return future.result()


def _let_go(error: BaseException | None) -> None:
    """Forget the local variables of the failed work: whole volumes, and files that are open."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def check_contrasts(names: Iterable[str], there: Collection[str]) -> None:
    """Refuse the name of a contrast that no participant has.

    Args:
        names: of contrasts.
        there: those of all participants.

    Raises:
        OptionError: one is not there.
    """
    for name in names:
        if name not in there:
            raise OptionError(
                f"No participant has the contrast {name}.",
                hint=f"Choose among {', '.join(sorted(there))}.",
            )
