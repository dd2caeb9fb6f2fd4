"""What is doubtful in a vertebral level: an end that is not known or not in the mask, a length that
no such vertebra has.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .centreline import Centreline
from .discs import DiscLabel
from .level_names import LAST_DISC, disc_name, level_name

# Lengths of levels, mm: cervical, thoracic, lumbar and below; the template's are 12 to 20, 16 to
# 27, 28 to 37.
_LENGTHS_MM = ((7, (7.0, 30.0)), (19, (8.0, 45.0)), (LAST_DISC, (12.0, 60.0)))


def notes_from_discs(
    discs: Sequence[DiscLabel],
    positions: np.ndarray,
    centreline: Centreline,
    levels: np.ndarray,
) -> dict[int, tuple[str, ...]]:
    """What is doubtful in levels that discs divide.

    Args:
        discs: from above to below.
        positions: (m,) their slices, continuous, falling.
        centreline: of the mask.
        levels: (n,) of its slices.

    Returns:
        Notes by level; a level with both its discs on the mask and of a usual length has none.
    """
    at = {disc.value: float(position) for disc, position in zip(discs, positions)}
    values = sorted(at)
    lowest, highest = float(centreline.slices[0]), float(centreline.slices[-1])
    notes: dict[int, tuple[str, ...]] = {}
    for level in sorted({int(number) for number in levels} - {0}):
        said = []
        below = [value for value in values if value > level]
        if level not in at:
            said.append(f"upper end not known: {disc_name(level)} is not marked")
        elif at[level] > highest + 0.5:
            said.append("its upper part is not in the mask")
        if not below:
            said.append(f"lower end not known: {disc_name(level + 1)} is not marked")
        else:
            if below[0] > level + 1 and level in at:
                more = [level_name(value) for value in range(level + 1, below[0])]
                said.append(f"has {', '.join(more)} too: the disc between is not marked")
            if at[below[0]] < lowest - 0.5:
                said.append("its lower part is not in the mask")
        if not said or any("not known" in one for one in said):
            said += _length_note(level, float(_lengths_mm(centreline)[levels == level].sum()))
        if said:
            notes[level] = tuple(said)
    return notes


def notes_from_level_image(
    data: np.ndarray, slices: np.ndarray, levels: np.ndarray, lengths_mm: np.ndarray
) -> dict[int, tuple[str, ...]]:
    """What is doubtful in levels of a labelled segmentation.

    Args:
        data: its values (R-L, A-P, slices), whole image.
        slices: (n,) of the mask.
        levels: (n,) of these slices.
        lengths_mm: (n,) of cord in each slice.
    """
    notes: dict[int, tuple[str, ...]] = {}
    above, below = data[:, :, slices[-1] + 1 :], data[:, :, : slices[0]]
    for level in sorted({int(number) for number in levels} - {0}):
        said = []
        if (above == level).any():
            said.append("its upper part is not in the mask")
        if (below == level).any():
            said.append("its lower part is not in the mask")
        if not said:
            said += _length_note(level, float(np.nansum(lengths_mm[levels == level])))
        if said:
            notes[level] = tuple(said)
    return notes


def _length_note(level: int, length_mm: float) -> list[str]:
    low, high = next(limits for last, limits in _LENGTHS_MM if level <= last)
    if low <= length_mm <= high:
        return []
    if length_mm < low:
        return [f"{length_mm:.0f} mm long, shorter than any {level_name(level)}"]
    return [f"{length_mm:.0f} mm long, longer than any {level_name(level)}"]


def _lengths_mm(centreline: Centreline) -> np.ndarray:
    """(n,) length of cord in each slice, mm."""
    points = centreline.points_mm
    if len(points) < 2:
        return np.array([centreline.grid.spacing[2]])
    return np.linalg.norm(np.gradient(points, axis=0), axis=1)
