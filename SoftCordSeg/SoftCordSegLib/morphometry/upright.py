"""Slices at right angles to the cord: SCT's angle correction, for all slices at once.

SCT shrinks each slice by the cosines of the cord's angles with a bilinear warp whose origin is
voxel (0, 0) of the full slice, then rescales it to a maximum of 1.  Both are done here on the small
patches only, with the same sampling positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .slice_stack import NEAR_ZERO, SliceStack

# SCT keeps so many voxels around the cord before it refines the grid.
_MARGIN = 3


@dataclass(frozen=True, eq=False)
class UprightSlices:
    """Patches after angle correction and rescaling.

    Attributes:
        patches: (n, R, C) float64.
        crop_start: (n, 2) first voxel, in the patch, of the part that SCT refines; may be negative
            (zeros are meant there).
        crop_size: (n, 2) its size in voxels; (0, 0) where there is nothing to measure.
    """

    patches: np.ndarray
    crop_start: np.ndarray
    crop_size: np.ndarray

    @property
    def measurable(self) -> np.ndarray:
        """(n,) True where the slice has anything in it."""
        return self.crop_size[:, 0] > 0

    def crop(self, index: int | np.integer) -> np.ndarray:
        """The part of slice ``index`` that SCT refines, (rows, columns), zeros included."""
        (row, column), (rows, columns) = self.crop_start[index], self.crop_size[index]
        patch = self.patches[index]
        crop = np.zeros((rows, columns))
        top, left = max(row, 0), max(column, 0)
        part = patch[top : row + rows, left : column + columns]
        crop[
            top - row : top - row + part.shape[0], left - column : left - column + part.shape[1]
        ] = part
        return crop


def shrink_factors(angles: np.ndarray, tilt: str) -> np.ndarray:
    """How much slices shrink when they are turned to right angles to the cord.

    Args:
        angles: (n, 2) angle_AP and angle_RL, radians.
        tilt: "sct" or "exact", see :class:`~.cord_shape.MeasureOptions`.

    Returns:
        (n, 2) factors for rows (R-L) and columns (A-P); slice thickness over their product is the
        length of cord in the slice.
    """
    if tilt == "sct":
        return np.cos(angles)
    # After the correction from side to side, the rest of the lean forwards is smaller than its
    # angle.
    left = np.arctan(np.tan(angles[:, 1]) * np.cos(angles[:, 0]))
    return np.cos(np.column_stack([angles[:, 0], left]))


def upright(stack: SliceStack, shrink: np.ndarray | None, rescale: bool) -> UprightSlices:
    """Angle-correct and rescale.

    Args:
        stack: n slices.
        shrink: (n, 2) factor for rows (R-L) and columns (A-P), see :func:`shrink_factors`; None
            does not change the slices.
        rescale: divide each slice by its own maximum, as SCT does; otherwise values above 1 are cut
            to 1.
    """
    full = np.array(stack.grid.shape[:2])
    patches, first = stack.patches, stack.first
    if shrink is not None:
        patches, rows = _shrink_rows(patches, first[:, 0], stack.size[:, 0], shrink[:, 0], full[0])
        patches, columns = _shrink_rows(
            patches.transpose(0, 2, 1), first[:, 1], stack.size[:, 1], shrink[:, 1], full[1]
        )
        patches, first = patches.transpose(0, 2, 1), np.column_stack([rows, columns])
    peak = patches.max(axis=(1, 2))
    if rescale:
        floor = _floor(patches, first, full)
        span = np.where(peak > floor, peak - floor, 1.0)
        patches = (
            patches / span[:, None, None]
            if not floor.any()
            else (patches - floor[:, None, None]) / span[:, None, None]
        )
    else:
        patches = np.minimum(patches, 1.0)
    start, size = _crops(patches, first, full)
    size[peak < NEAR_ZERO] = 0
    return UprightSlices(patches, start, size)


def _shrink_rows(
    patches: np.ndarray, first: np.ndarray, size: np.ndarray, factor: np.ndarray, full: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sample row r of the result at row r / factor of the full slice, linearly; the new patches and
    their first rows.
    """
    count = patches.shape[1]
    start = np.clip(np.ceil((first - 1) * factor), 0, full - 1).astype(int)
    stop = np.minimum(np.floor((first + size) * factor).astype(int), full - 1) + 1
    length = max(int((stop - start).max()), 1)
    rows = start[:, None] + np.arange(length)
    position = rows * (1.0 / factor)[:, None]
    lower = np.floor(position)
    weight = position - lower
    local = lower.astype(int) - first[:, None]
    above_weight = np.where((local + 1 >= 0) & (local + 1 < count) & (rows < full), weight, 0.0)
    below_weight = np.where((local >= 0) & (local < count) & (rows < full), 1.0 - weight, 0.0)
    index = np.arange(len(patches))[:, None]
    result = patches[index, np.clip(local, 0, count - 1)] * below_weight[:, :, None]
    result += patches[index, np.clip(local + 1, 0, count - 1)] * above_weight[:, :, None]
    return result, start


def _floor(patches: np.ndarray, first: np.ndarray, full: np.ndarray) -> np.ndarray:
    """(n,) lowest value of each full slice: 0 unless the cord fills the whole field of view."""
    fills = (first == 0).all(axis=1) & bool((np.array(patches.shape[1:]) >= full).all())
    floor = np.zeros(len(patches))
    if fills.any():
        floor[fills] = patches[fills, : full[0], : full[1]].min(axis=(1, 2))
    return floor


def _crops(
    patches: np.ndarray, first: np.ndarray, full: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Each slice's box of values above 0 with SCT's margin, cut at the edge of the image that it
    does not touch.
    """
    inside = np.asarray(patches > NEAR_ZERO)
    start, size = np.empty_like(first), np.empty_like(first)
    for axis, other in enumerate((2, 1)):
        hit = np.asarray(inside.any(axis=other))
        found = np.asarray(hit.any(axis=1))
        low = hit.argmax(axis=1) + first[:, axis]
        high = hit.shape[1] - hit[:, ::-1].argmax(axis=1) + first[:, axis]
        # Where the cord touches the edge of the image, a blank voxel beyond it ends the cord there,
        # as anywhere else: its area does not depend on the margin that a file has.
        low = np.where(low <= 0, -1, np.maximum(low - _MARGIN, 0))
        high = np.where(high >= full[axis], full[axis] + 1, np.minimum(high + _MARGIN, full[axis]))
        start[:, axis] = low - first[:, axis]
        size[:, axis] = np.where(found, high - low, 0)
    return start, size
