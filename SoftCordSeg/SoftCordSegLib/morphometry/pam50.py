"""Measures on the slices of the PAM50 template, so that participants can be compared; SCT's rules.

PAM50: De Leener et al., NeuroImage 2018.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..volume.grid import Grid
from .cord_shape import CordShape
from .level_names import level_name

# First slice of each vertebral level in PAM50 (0.5 mm, from below), C1 to L1; each level ends where
# the one above begins.
_FIRST_SLICE = (
    939, 908, 871, 834, 801, 770, 736, 693, 647, 601,
    552, 501, 450, 397, 343, 290, 232, 169, 106, 40,
)  # fmt: skip
_TOP = 985
_SLICES = 991
_SPACING_MM = 0.5


def pam50_slices(level: int) -> np.ndarray:
    """The template's slices of a level (1 = C1 … 20 = L1), lowest first; empty for levels that it
    does not have.
    """
    if not 1 <= level <= len(_FIRST_SLICE):
        return np.empty(0, dtype=int)
    ends = (_TOP, *_FIRST_SLICE)
    return np.arange(ends[level], ends[level - 1])


def to_pam50(shape: CordShape) -> CordShape:
    """Interpolate every measure, level by level, to the template's slices.

    A complete level is stretched to the template's length.  The first and the last level may be cut
    off, so they are stretched by the mean ratio of the levels between, and aligned with their inner
    end.  Lengths are not carried over (NaN), as in SCT.

    Args:
        shape: with levels.

    Returns:
        A shape whose slices are the template's 0 to 990; NaN where the participant has none.

    Raises:
        InputError: no levels, or only levels that the template does not have.
    """
    if shape.levels is None:
        raise InputError(
            "Normalising to PAM50 needs vertebral levels.",
            hint="Mark the discs, or give a labelled segmentation.",
        )
    levels = [int(level) for level in np.unique(shape.levels) if len(pam50_slices(int(level)))]
    if not levels:
        raise InputError(
            "None of the levels is in the PAM50 template, which reaches from C1 to L1.",
            hint="Check the levels, or measure without normalising.",
        )
    own = {level: np.flatnonzero(shape.levels == level) for level in levels}
    whole = levels[1:-1]
    notes: tuple[str, ...] = ()
    if not whole:
        whole = levels
        notes = (
            f"Only {' and '.join(map(level_name, levels))} can be seen, taken as complete levels"
            " to find the scale to PAM50.",
        )
    ratio = float(np.mean([len(pam50_slices(level)) / len(own[level]) for level in whole]))

    columns = {name: np.full(_SLICES, np.nan) for name in shape.columns}
    for number, level in enumerate(levels):
        above = own[levels[number - 1]] if number > 0 else None
        below = own[levels[number + 1]] if number + 1 < len(levels) else None
        target, source, at = _stretch(level, own[level], above, below, ratio)
        for name, column in shape.columns.items():
            if name != "length":
                columns[name][target] = np.interp(at, source[0], column[source[1]])
    template_levels = np.zeros(_SLICES, dtype=int)
    for level in range(1, len(_FIRST_SLICE) + 1):
        template_levels[pam50_slices(level)] = level
    return replace(
        shape,
        slices=np.arange(_SLICES),
        columns=columns,
        centres_mm=np.full((_SLICES, 3), np.nan),
        grid=Grid((1, 1, _SLICES), np.diag([-_SPACING_MM, _SPACING_MM, _SPACING_MM, 1.0])),
        centreline=None,
        levels=template_levels,
        distance_pmj=None,
        notes=shape.notes + notes + ("Slices are those of the PAM50 template.",),
    )


def _stretch(
    level: int, own: np.ndarray, above: np.ndarray | None, below: np.ndarray | None, ratio: float
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], np.ndarray]:
    """The mapping of one level to the template.

    Returns:
        Template slices to fill; (positions, indices) of the participant's samples; positions to
        interpolate at.  Positions run from 0 (lower disc) to 1 (upper disc).  Samples are half a
        step inside a disc that has a neighbour, and the neighbour's nearest sample is half a step
        beyond it.
    """
    template = pam50_slices(level)
    at_end = above is None or below is None
    count = max(int(ratio * len(own)), 1) if at_end else len(template)
    half, half_template = (0.5 / (n - 1) if n > 1 else 0.5 for n in (len(own), count))
    at = np.linspace(
        half_template if below is not None else 0.0,
        1.0 - (half_template if above is not None else 0.0),
        count,
    )
    position = np.linspace(
        half if below is not None else 0.0, 1.0 - (half if above is not None else 0.0), len(own)
    )
    index = own
    if below is not None:
        position, index = np.append(-half, position), np.append(below[-1], index)
    if above is not None:
        position, index = np.append(position, 1.0 + half), np.append(index, above[0])
    used = min(count, len(template))
    if above is None:  # cut off above: aligned with its lower disc
        return template[:used], (position, index), at[:used]
    return template[-used:], (position, index), at[-used:]
