"""In which order the cases of a review are read, which are shown, and how long the rest takes."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeVar, get_args

from .review_cases import ReviewCase, natural
from .verdicts import Verdict

Order = Literal["doubt", "teach", "name"]
ORDERS: tuple[str, ...] = get_args(Order)
# A case that was open for longer was left alone; its time says nothing of the next ones.
LONGEST_LOOK_S = 600.0
RECENT = 20
_Row = TypeVar("_Row")


def in_order(
    rows: Iterable[_Row],
    case: Callable[[_Row], ReviewCase],
    worth: Callable[[_Row], float | None],
    is_broken: Callable[[_Row], bool],
    broken_first: bool = False,
) -> list[_Row]:
    """Rows with the most worth first, then those of unknown worth by name; then cases without a
    mask, last those that cannot be opened.

    Args:
        rows: of the list.
        case: of a row.
        worth: of a row; None where it is not known.
        is_broken: whether a file of a row cannot be opened.
        broken_first: such rows come first, since they are to be mended before the rest is read.
    """

    def key(row: _Row) -> tuple:
        value = worth(row)
        return (
            is_broken(row) != broken_first,
            case(row).mask is None,
            value is None,
            -(value or 0.0),
            natural(case(row).key),
        )

    return sorted(rows, key=key)


def shuffled(keys: Iterable[str], seed: int, secret: str) -> list[str]:
    """Keys in an order that tells nothing, the same for one seed and secret on every machine.

    Args:
        keys: of cases.
        seed: the rater's choice.
        secret: of the data set, see :mod:`.blinding`.
    """
    found = sorted(keys)
    random.Random(f"{secret} {seed}").shuffle(found)
    return found


def matching(text: str, *names: str) -> bool:
    """Whether every word of a search stands in one of the names, capitals or not."""
    there = "\n".join(names).casefold()
    return all(word in there for word in text.casefold().split())


def seconds_left(verdicts: Sequence[Verdict], open_cases: int) -> float | None:
    """How long the open cases will take: as many times the median of the last verdicts.

    Args:
        verdicts: of one rater, oldest first; those over ten minutes, and without a time, are left
            out.
        open_cases: how many.

    Returns:
        Seconds; None where nothing is known yet.
    """
    looked = [one.seconds for one in verdicts if 0 < one.seconds <= LONGEST_LOOK_S][-RECENT:]
    return open_cases * statistics.median(looked) if looked else None
