"""Names of vertebrae and discs and their numbers in SCT's convention; lists of levels and slices as
SCT writes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from ..errors import InputError

# A disc's value is the number of the vertebra below it: 3 is C2/C3, 8 is C7/T1, 20 is T12/L1, 25 is
# L5/S1.
_VERTEBRAE = (
    [f"C{i}" for i in range(1, 8)]
    + [f"T{i}" for i in range(1, 13)]
    + [f"L{i}" for i in range(1, 6)]
    + [f"S{i}" for i in range(1, 6)]
)
PONTOMEDULLARY_GROOVE = 49
PONTOMEDULLARY_JUNCTION = 50
CONUS = 60
_LANDMARKS = {PONTOMEDULLARY_GROOVE: "PMG", PONTOMEDULLARY_JUNCTION: "PMJ", CONUS: "Conus"}
_LANDMARK_WORDS = {
    "pmg": PONTOMEDULLARY_GROOVE,
    "pontomedullarygroove": PONTOMEDULLARY_GROOVE,
    "pmj": PONTOMEDULLARY_JUNCTION,
    "pontomedullaryjunction": PONTOMEDULLARY_JUNCTION,
    "conus": CONUS,
    "conusmedullaris": CONUS,
    "topofc1": 1,
    "c1top": 1,
}
LAST_DISC = 25


def level_name(level: int) -> str:
    """1 is "C1", 8 is "T1", 20 is "L1"; other numbers keep their digits."""
    return _VERTEBRAE[level - 1] if 1 <= level <= len(_VERTEBRAE) else str(level)


def disc_name(value: int) -> str:
    """3 is "C2/C3"; 1 is "top of C1"; 50 is "PMJ"."""
    if value in _LANDMARKS:
        return _LANDMARKS[value]
    if value == 1:
        return "top of C1"
    if 2 <= value <= len(_VERTEBRAE):
        return f"{_VERTEBRAE[value - 2]}/{_VERTEBRAE[value - 1]}"
    return str(value)


def parse_level(text: str | int) -> int:
    """The number of a vertebra written as "C2", "c2", "T01", "2" or 2.

    Raises:
        InputError: not the name of a vertebra.
    """
    word = str(text).strip().upper()
    match = re.fullmatch(r"([CTLS])0*(\d+)", word)
    if match and f"{match[1]}{match[2]}" in _VERTEBRAE:
        return _VERTEBRAE.index(f"{match[1]}{match[2]}") + 1
    if re.fullmatch(r"\d+", word) and 1 <= int(word) <= len(_VERTEBRAE):
        return int(word)
    between = (
        " It names a disc, the border of two levels."
        if re.fullmatch(r"[CTLS]\d+[-/_|]?[CTLS]\d+", word)
        else ""
    )
    raise InputError(
        f"'{text}' is not a vertebral level.{between}",
        hint="Write a level as C2 or as its number (C2 = 2, T1 = 8, L1 = 20).",
    )


def parse_disc(text: str | int) -> int:
    """The value of a disc written as "C2-C3", "C2/C3", "C2C3", "c2_3", "disc 3", "3", "PMJ" …

    Raises:
        InputError: not the name of a disc, or the vertebrae are not neighbours, or it names one
            vertebra only.
    """
    word = re.sub(r"\s+", "", str(text)).lower()
    bare = re.sub(r"^(discs?|disks?|labels?|ivd)[-_#:]*", "", word)
    bare = re.sub(r"[-_]?(discs?|disks?)$", "", bare)
    if bare in _LANDMARK_WORDS:
        return _LANDMARK_WORDS[bare]
    match = re.fullmatch(r"(\d+)(\.0*)?", bare)
    if match and (1 <= int(match[1]) <= len(_VERTEBRAE) or int(match[1]) in _LANDMARKS):
        return int(match[1])
    match = re.fullmatch(r"([ctls])0*(\d+)[-/_|.–]?([ctls]?)0*(\d+)", bare)
    if match:
        upper, lower = match[1] + match[2], (match[3] or match[1]) + match[4]
        upper, lower = parse_level(upper), parse_level(lower)
        if lower - upper == 1:
            return lower
        raise InputError(
            f"'{text}' names two vertebrae that are not neighbours from above to below.",
            hint="Write the disc as C2/C3, for example.",
        )
    if re.fullmatch(r"[ctls]\d+", bare):
        raise InputError(
            f"'{text}' is a vertebra, not a disc.",
            hint="Name the disc by both its vertebrae, as C2/C3, or by its value, as 3.",
        )
    raise InputError(
        f"'{text}' is not a disc.",
        hint="Write it as C2/C3, C2-C3 or by its value, as 3 (the number of the vertebra"
        " below it).",
    )


def parse_levels(text: str) -> list[int]:
    """Levels written as SCT does: "2:3", "2,4", "2;4:6", or by name: "C2:C4".

    Raises:
        InputError: as :func:`parse_level`.
    """
    return _parse_list(text, parse_level)


def parse_slices(text: str) -> list[int]:
    """Slice numbers written as SCT does: "5:15", "3,5", "3;5:7".

    Raises:
        InputError: not a number.
    """

    def number(part: str) -> int:
        if not re.fullmatch(r"[0-9]{1,5}", part.strip()):
            raise InputError(
                f"'{part[:40]}' is not a slice number.",
                hint="Write slices as 5:15 or 3,5,7 (from 0, the lowest).",
            )
        return int(part)

    return _parse_list(text, number)


def _parse_list(text: str, parse: Callable[[str], int]) -> list[int]:
    numbers: dict[int, None] = {}
    for part in re.split(r"[;,]", str(text)):
        ends = [parse(end) for end in part.split(":")]
        if len(ends) > 2 or ends[0] > ends[-1]:
            raise InputError(
                f"'{part}' is not a range.",
                hint="Write it from the lower to the higher number, as 2:3.",
            )
        numbers.update(dict.fromkeys(range(ends[0], ends[-1] + 1)))
    return list(numbers)


def level_ranges(levels: Iterable[int]) -> str:
    """Levels as ranges of names: "C2:C3", "C1;C3"."""
    runs = (part.split(":") for part in slice_ranges(levels).split(";"))
    return ";".join(":".join(level_name(int(end)) for end in run) for run in runs)


def slice_ranges(numbers: Iterable[int]) -> str:
    """SCT's short form of a list of integers: [1, 2, 3, 5, 7, 8] becomes "1:3;5;7:8"."""
    numbers = sorted({int(number) for number in numbers})
    parts = []
    start = previous = None
    for number in [*numbers, None]:
        if previous is not None and number != previous + 1:
            parts.append(f"{start}" if start == previous else f"{start}:{previous}")
            start = number
        elif start is None:
            start = number
        previous = number
    return ";".join(parts)
