"""What a file of discs says of each: known or found, where and how surely.

So a point that somebody moved, renamed or added later can be told from one that was left where the
program found it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ...files import file_stem
from .files import is_points_file, read_discs, read_points

if TYPE_CHECKING:
    from ...morphometry import DiscLabel

KNOWN, FOUND, CARRIED = "known", "found", "carried over"
# Values from here on are no discs (49 pontomedullary groove, 50 pontomedullary junction, 60 conus).
FIRST_LANDMARK = 49


@dataclass(frozen=True)
class PlacedDisc:
    """A disc with what is known about it.

    Attributes:
        label: value and position.
        source: ``KNOWN``, ``FOUND`` or ``CARRIED``.
        confidence: 0 to 1; 1 for one that is not found.
    """

    label: DiscLabel
    source: str
    confidence: float = 1.0

    def as_json(self) -> dict[str, Any]:
        """In plain types; positions world RAS+, mm."""
        return {
            "Value": self.label.value,
            "Name": self.label.name,
            "PositionMm": [round(float(x), 3) for x in self.label.position_mm],
            "Source": self.source,
            "Confidence": round(self.confidence, 3),
        }

    @property
    def remark(self) -> str:
        """The same in words, for the description of a point."""
        if self.source != FOUND:
            return self.source
        from ...morphometry import found_remark

        return found_remark(self.label, self.confidence)


def sidecar_of(path: Path) -> Path:
    """Where the same stands beside a label image."""
    return path.with_name(f"{file_stem(path)}.json")


def told_apart(path: Path) -> tuple[list[DiscLabel], list[DiscLabel]]:
    """The discs of a file of ours after somebody worked on it.

    Returns:
        The discs that somebody placed: known from the first, added, moved or renamed; and those
        left where they were found.

    Raises:
        InputError: as :func:`~.files.read_discs`.
    """
    from ...morphometry import is_where_found

    discs, found = read_discs(path), _found_before(path)
    left = [disc for disc in discs if any(is_where_found(disc, *one) for one in found)]
    return [disc for disc in discs if disc not in left], left


def _found_before(path: Path) -> list[tuple[str, tuple[float, float, float]]]:
    """(name, position) of each disc that the program found, as the file says."""
    if is_points_file(path):
        from ...morphometry import found_before

        return [
            found
            for point in read_points(path)
            if (found := found_before(point.description)) is not None
        ]
    sidecar = sidecar_of(path)
    if not sidecar.exists():
        return []
    try:
        discs = json.loads(sidecar.read_text(encoding="utf-8")).get("Discs", [])
        return [
            (disc["Name"], tuple(disc["PositionMm"])) for disc in discs if disc["Source"] == FOUND
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"'{sidecar}' cannot be read. Delete it to take all discs of '{path.name}' as known."
        ) from error
