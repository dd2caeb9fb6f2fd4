"""One task for each of several images or participants; one that fails does not stop the others."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ..errors import Cancelled, OptionError
from ..progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")
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
