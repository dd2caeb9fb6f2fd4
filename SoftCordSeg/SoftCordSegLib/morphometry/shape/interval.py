"""How sure the area is, from the soft mask alone: where the border could as well be drawn.

The interval of a slice reaches from the area within the contour at 0.75 (``area_low``) to that
within the contour at 0.25 (``area_high``) of the refined soft slice: a sharp border with little
partial volume gives a narrow interval, a blurred or an uncertain one a wide interval.  It is not a
confidence interval of repeated scans, and errors that shift the whole contour in a confident mask
are not in it.
"""

from __future__ import annotations

import numpy as np

from ..slices.refine import FINE_MM, refine
from ..slices.upright import UprightSlices

HALF_WIDTH = 0.25


def area_interval(
    slices: UprightSlices, spacing: np.ndarray, middle: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Area within the contours at ``middle`` ± 0.25, for each slice.

    Args:
        slices: soft, angle-corrected.
        spacing: of the slices' voxels, mm.
        middle: the value at which the border is thought to be.

    Returns:
        (area_low, area_high), each (n,) mm²; NaN where there is nothing to measure.
    """
    low, high = np.full(len(slices.patches), np.nan), np.full(len(slices.patches), np.nan)
    for index in np.flatnonzero(slices.measurable):
        fine = refine(slices.crop(index), spacing)
        low[index] = np.count_nonzero(fine >= middle + HALF_WIDTH) * FINE_MM**2
        high[index] = np.count_nonzero(fine >= middle - HALF_WIDTH) * FINE_MM**2
    return low, high
