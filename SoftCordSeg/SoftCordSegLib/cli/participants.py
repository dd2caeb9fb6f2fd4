"""What commands have in common that go through the participants of a study, one by one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol, TypeVar

from ..errors import Cancelled
from ..progress import Progress
from .console import fail, progress_bars
from .guard import UsageProblem, sentence_of
from .interrupt import interruptible


class Named(Protocol):
    """Whoever has a name."""

    name: str


Someone = TypeVar("Someone", bound=Named)
Result = TypeVar("Result")


def run_each(
    people: Sequence[Someone], work: Callable[[Someone, Progress], Result], debug: bool
) -> tuple[list[Result], dict[str, str]]:
    """Do the same for each participant, with a bar; one who cannot be done does not stop the
    others.

    Args:
        people: whose names differ.
        work: what to do.
        debug: show the traceback of an unexpected error.

    Returns:
        What was done, and the sentence of each participant that could not be, by name.

    Raises:
        Cancelled: the user stopped the work; what was finished before is whole.
    """
    results: list[Result] = []
    errors: dict[str, str] = {}
    with interruptible() as interrupt, progress_bars(interrupt) as bars:
        for one in people:
            with bars.bar(one.name) as progress:
                try:
                    results.append(work(one, progress))
                except Cancelled:
                    raise
                except Exception as error:
                    errors[one.name] = sentence_of(error, debug)
                    fail(
                        errors[one.name] if len(people) == 1 else f"{one.name}: {errors[one.name]}"
                    )
    return results, errors


def failed(errors: dict[str, str]) -> list[dict[str, str]]:
    """The participants who could not be done, for the JSON."""
    return [{"participant": name, "error": sentence} for name, sentence in errors.items()]


def check_contrasts(option: str, names: Iterable[str], there: Collection[str]) -> None:
    """A contrast that nobody has is a slip of the pen.

    Args:
        option: that names them.
        names: of contrasts.
        there: those of all participants.

    Raises:
        UsageProblem: one is not there.
    """
    for name in names:
        if name not in there:
            raise UsageProblem(
                f"{option} names {name}, which nobody has. There are {', '.join(sorted(there))}."
            )
