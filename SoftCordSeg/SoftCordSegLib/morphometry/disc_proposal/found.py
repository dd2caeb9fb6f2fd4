"""What is written beside a disc that was found, so that one that somebody moved or renamed since
can be told from it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ..levels.discs import DiscLabel

_REMARK = re.compile(
    r"found as (?P<name>.+) at R (?P<r>\S+) A (?P<a>\S+) S (?P<s>\S+) with confidence"
)
# Less than this is rounding, not a move.
_MOVED_MM = 0.05


def found_remark(disc: DiscLabel, confidence: float) -> str:
    """The name, place (world RAS+, mm) and confidence (0 to 1) of a found disc in words, for the
    description of its point.
    """
    r, a, s = disc.position_mm
    return f"found as {disc.name} at R {r:.3f} A {a:.3f} S {s:.3f} with confidence {confidence:.2f}"


def found_before(remark: str) -> tuple[str, tuple[float, float, float]] | None:
    """Name and position that :func:`found_remark` wrote; None for any other text."""
    match = _REMARK.search(remark)
    if match is None:
        return None
    try:
        return match["name"], (float(match["r"]), float(match["a"]), float(match["s"]))
    except ValueError:
        return None


def is_where_found(disc: DiscLabel, name: str, position_mm: Sequence[float]) -> bool:
    """Whether a disc still has the name and place that it was found with."""
    return disc.name == name and math.dist(disc.position_mm, position_mm) <= _MOVED_MM
