"""What makes a number of the table doubtful, said in its row: angles and areas that no cord has,
jumps from slice to slice, and what is doubtful in a level.

The numbers stay SCT's; a note only says that they are to be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .cord_shape import MeasureOptions
from .level_names import level_name, slice_ranges
from .slice_stack import SliceStack, count_pieces_and_holes

# From this angle between cord and slice normal on, the correction by its cosine is more than a
# doubling, and a small error of the angle a large one of the area.
_STEEP_DEG = 60.0
# No cord, and no level of one, has a smaller or larger section, mm²: 25 to 100 in adults
# (PAM50-normalized metrics), less at the tip, more in a syrinx or a tumour.
_AREA_MM2 = (5.0, 200.0)
# A slice whose soft values do not come this near to 1 is inflated by the rescaling to its own
# maximum, which SCT does.
_PEAK = 0.9
# From slice to slice the centre moves by the tangent of the cord's angle; what moves further than
# at 60°, and by more than a voxel's rounding, was displaced.
_STEP_MM, _STEP_SLOPE = 2.0, 1.732


def slice_notes(
    stack: SliceStack,
    area: np.ndarray,
    shrink: np.ndarray | None,
    centres: np.ndarray,
    options: MeasureOptions,
) -> dict[str, tuple[int, ...]]:
    """What is doubtful in single slices.

    Args:
        stack: n slices.
        area: (n,) mm², NaN where there is none.
        shrink: (n, 2) cosines of the angle correction; None without.
        centres: (n, 2) of :func:`~.centreline.slice_centres`.
        options: of the measurement.

    Returns:
        A short note to the numbers of its slices.
    """
    known = np.isfinite(area)
    peak = stack.patches.max(axis=(1, 2))
    found = {
        f"area under {_AREA_MM2[0]:g} mm²": known & (area < _AREA_MM2[0]),
        f"area over {_AREA_MM2[1]:g} mm²": known & (area > _AREA_MM2[1]),
    }
    if shrink is not None:
        cosine = np.clip(shrink.prod(axis=1), -1, 1)
        found[f"angle over {_STEEP_DEG:g}°"] = known & (np.degrees(np.arccos(cosine)) > _STEEP_DEG)
    if options.threshold is None:
        word = ", scaled up to 1" if options.rescaling == "sct" else ""
        found[f"soft values below {_PEAK:g}{word}"] = known & (peak < _PEAK) & (peak > 0)
    pieces, holes = count_pieces_and_holes(stack)
    found["more than one piece"], found["holes"] = known & (pieces > 1), known & (holes > 0)
    notes = {
        note: tuple(int(number) for number in stack.slices[where])
        for note, where in found.items()
        if where.any()
    }
    return {**notes, **_jumps(stack, centres)}


def _jumps(stack: SliceStack, centres: np.ndarray) -> dict[str, tuple[int, ...]]:
    """Slices that lie aside of the others: the shortest runs between jumps, taken out one after the
    other until the rest goes on without a jump.
    """
    at = np.flatnonzero(np.isfinite(centres[:, 0]))
    places, heights = centres[at] * stack.grid.spacing[:2], at * stack.grid.spacing[2]
    notes: dict[str, tuple[int, ...]] = {}
    while len(at) > 2:
        steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
        jumps = steps > _STEP_MM + _STEP_SLOPE * np.diff(heights)
        if not jumps.any():
            break
        run = np.concatenate([[0], np.cumsum(jumps)])
        aside = run == np.bincount(run).argmin()
        members = np.flatnonzero(aside)
        beside = [steps[i] for i in (members[0] - 1, members[-1]) if 0 <= i < len(steps)]
        note = f"jump of {max(beside):.0f} mm from the slice beside"
        slices = (*notes.get(note, ()), *(int(n) for n in stack.slices[at[members]]))
        notes[note] = tuple(sorted(slices))
        at, places, heights = at[~aside], places[~aside], heights[~aside]
    return notes


def row_note(
    slices: Sequence[int],
    levels: Sequence[int],
    by_slice: Mapping[str, Sequence[int]],
    by_level: Mapping[int, Sequence[str]],
) -> str:
    """The note of one row: "" where nothing is doubtful.

    Args:
        slices, levels: of the row.
        by_slice: of :func:`slice_notes`.
        by_level: of :func:`~.level_notes.notes_from_discs`.
    """
    parts, members = [], set(slices)
    for level in levels:
        name = f"{level_name(level)}: " if len(set(levels)) > 1 else ""
        parts += [f"{name}{note}" for note in by_level.get(level, ())]
    for note, numbers in by_slice.items():
        here = sorted(members.intersection(numbers))
        if here:
            word = "slice" if len(here) == 1 else "slices"
            parts.append(note if len(members) == 1 else f"{note} in {word} {slice_ranges(here)}")
    return "; ".join(parts)
