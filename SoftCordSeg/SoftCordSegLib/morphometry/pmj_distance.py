"""Distance along the cord from the pontomedullary junction, with SCT's rules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..volume import Volume
from .centreline import slice_centres
from .cord_shape import CordShape
from .slice_stack import axial, extract_slices

# SCT's: a straight line between slices, then a Hanning window of this length, mm.  Robust where the
# top of the mask is poor.
_SMOOTHING_MM = 50.0
EXTENT_MM = 20.0


def add_distance_pmj(shape: CordShape, mask: Volume, pmj_mm: Sequence[float]) -> CordShape:
    """``shape`` with the distance of each slice from the pontomedullary junction, along the
    centreline.

    Args:
        shape: of :func:`~.measure.measure`.
        mask: the mask that was measured.
        pmj_mm: (x, y, z) of the junction, world RAS+, mm; value 50 among disc labels.

    Returns:
        The same with ``distance_pmj``, mm; NaN for slices above the junction.

    Raises:
        InputError: a junction below the whole mask, or outside the image.
    """
    volume, _ = axial(mask, shape.options.threshold)
    stack = extract_slices(volume, shape.options.threshold)
    grid = volume.grid
    junction = np.round(grid.to_voxel(np.asarray(pmj_mm, dtype=float))).astype(int)
    if not (0 <= junction[2] < grid.shape[2]):
        raise InputError(
            "The pontomedullary junction is above or below the image.",
            hint="Move its point into the image.",
        )
    if junction[2] <= stack.slices[0]:
        raise InputError(
            "The pontomedullary junction is below the mask of the cord.",
            hint="Move its point to the junction.",
        )
    centres = slice_centres(stack)
    known = np.isfinite(centres[:, 0]) & (stack.slices < junction[2])
    height = np.append(stack.slices[known], junction[2])
    slices = np.arange(height[0], height[-1] + 1)
    points = np.column_stack(
        [
            _smoothed(
                np.interp(slices, height, np.append(centres[known, axis], junction[axis])),
                grid.spacing[2],
            )
            for axis in (0, 1)
        ]
    )
    positions = grid.to_world(np.column_stack([points, slices]))
    steps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    distance = np.append(np.cumsum(steps[::-1])[::-1], 0.0)
    found = np.full(len(shape), np.nan)
    inside = (shape.slices >= slices[0]) & (shape.slices <= slices[-1])
    found[inside] = distance[shape.slices[inside] - slices[0]]
    return shape.with_distance_pmj(found)


def slices_at_pmj_distance(
    shape: CordShape, distance_mm: float, extent_mm: float = EXTENT_MM
) -> list[int]:
    """The slices around a distance from the pontomedullary junction.

    Args:
        shape: with distances, see :func:`add_distance_pmj`.
        distance_mm: of the middle, along the cord.
        extent_mm: length of cord to take.

    Returns:
        Slice numbers, from the one nearest to ``distance_mm`` + half the extent to just below that
        nearest to it - half.

    Raises:
        InputError: no distances, or a distance that the mask does not reach.
    """
    if shape.distance_pmj is None:
        raise InputError(
            "The distance from the pontomedullary junction is not known.",
            hint="Mark the junction (value 50) first.",
        )
    reached = np.flatnonzero(np.isfinite(shape.distance_pmj))
    distance = shape.distance_pmj[reached]
    low, high = distance.min(), distance.max()
    if not (low <= distance_mm - extent_mm / 2 + 1.0 and distance_mm + extent_mm / 2 - 1.0 <= high):
        raise InputError(
            f"The mask reaches from {low:.0f} to {high:.0f} mm below the pontomedullary"
            f" junction, which does not include {distance_mm:g} ± {extent_mm / 2:g} mm.",
            hint="Choose another distance.",
        )
    first = reached[np.argmin(np.abs(distance - (distance_mm + extent_mm / 2)))]
    last = reached[np.argmin(np.abs(distance - (distance_mm - extent_mm / 2)))]
    return [int(number) for number in shape.slices[first:last]]


def _smoothed(values: np.ndarray, spacing: float) -> np.ndarray:
    """Mean under a Hanning window; the ends are continued by point reflection."""
    length = min(int(np.ceil(_SMOOTHING_MM / spacing) // 2 * 2 + 1), len(values))
    if length < 3:
        return values
    padded = np.pad(values, length - 1, mode="reflect", reflect_type="odd")
    window = np.hanning(length)
    smooth = np.convolve(window / window.sum(), padded, mode="valid")
    return smooth[int(np.ceil(length / 2 - 1)) : -int(np.floor(length / 2))]
