"""Where along the cord areas are compared: vertebral levels, slices, or wherever all images of one
grid show the cord.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..cases import Case
from .slices import SliceArea

COMMON = "common slices"


@dataclass(frozen=True)
class Place:
    """A piece of cord; at most one of the two is given.

    Attributes:
        levels: vertebral levels (2 = C2): each image has its own slices there.
        slices: slice numbers (0 is the lowest).
        name: as it stands in tables.

    Without either it is what the images have in common: on a grid the slices in which all contrasts
    have cord, without the first and the last; of an image without a grid, all its own slices but
    the first and the last.
    """

    levels: tuple[int, ...] = ()
    slices: tuple[int, ...] = ()
    name: str = COMMON

    @property
    def is_common(self) -> bool:
        """True if the images themselves say where."""
        return not self.levels and not self.slices


C2_C3 = Place(levels=(2, 3), name="C2:C3")


def usual_place(cases: Iterable[Case]) -> Place:
    """C2 and C3, as the paper's, where the levels of all images are known; else what the images
    have in common.
    """
    return C2_C3 if all(case.discs or case.levels for case in cases) else Place()


def slices_there(
    rows: Iterable[SliceArea], place: Place
) -> dict[tuple[str, str, str], dict[str, dict[int, float]]]:
    """Areas of the slices in a place.

    Args:
        rows: of any methods, of one cut.
        place: which slices to keep.

    Returns:
        (method, dataset, participant) to contrast to area by slice, mm².
    """
    found: dict[tuple[str, str, str], dict[str, dict[int, float]]] = {}
    grids: dict[tuple[tuple[str, str, str], str], str] = {}
    for row in rows:
        key = (row.method, row.dataset, row.participant)
        inside = (
            place.is_common
            or row.level in place.levels
            or (not place.levels and row.slice in place.slices)
        )
        if inside:
            found.setdefault(key, {}).setdefault(row.contrast, {})[row.slice] = row.area_mm2
            grids[key, row.contrast] = row.grid
    if place.is_common:
        return {
            key: _common(areas, {name: grids[key, name] for name in areas})
            for key, areas in found.items()
        }
    return found


def _common(
    areas: dict[str, dict[int, float]], grids: dict[str, str]
) -> dict[str, dict[int, float]]:
    """Of each contrast the slices that all contrasts of its grid have, without the ends."""
    kept = {}
    for contrast, own in areas.items():
        group = [
            other
            for name, other in areas.items()
            if name == contrast or (grids[name] and grids[name] == grids[contrast])
        ]
        numbers = sorted(set.intersection(*(set(other) for other in group)))[1:-1]
        if numbers:
            kept[contrast] = {number: own[number] for number in numbers}
    return kept
