"""nnU-Net's change of spacing: a spline in all directions, or, where slices are thick, within them
and across them apart.

Source: ``nnunetv2/preprocessing/resampling/default_resampling.py``, which calls scikit-image's
``resize``; that is scipy's ``zoom`` with voxel edges held and values clipped to the range of the
input.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from ...network.plans import Resampling

# Slices that many times as thick as their pixels are wide are resampled apart (nnU-Net's
# ANISO_THRESHOLD).
_THICK = 3.0


def new_shape(shape: Sequence[int], old: Sequence[float], new: Sequence[float]) -> tuple[int, ...]:
    """Voxels along each axis after a change of spacing from ``old`` to ``new``, mm."""
    return tuple(int(round(a / b * n)) for a, b, n in zip(old, new, shape))


def resampled(
    data: np.ndarray,
    shape: Sequence[int],
    old: Sequence[float],
    new: Sequence[float],
    how: Resampling,
) -> np.ndarray:
    """The array with another number of voxels in the same place.

    Args:
        data: (channels, i, j, k).
        shape: wanted, (i, j, k).
        old, new: spacings, mm.
        how: orders of the splines.

    Returns:
        (channels, i, j, k); float64 where something changed.
    """
    if tuple(data.shape[1:]) == tuple(shape):
        return data
    axis = thick_axis(old, new, how.separate_z)
    if axis is None:
        return np.stack([_resized(channel, shape, how.order) for channel in data])
    return np.stack([_resized_apart(channel, shape, axis, how) for channel in data])


def thick_axis(old: Sequence[float], new: Sequence[float], separate: bool | None) -> int | None:
    """The axis across the slices, where it is to be treated apart; None where none is."""
    if separate is None:
        thick = next(
            (spacing for spacing in (old, new) if max(spacing) / min(spacing) > _THICK), None
        )
    else:
        thick = old if separate else None
    if thick is None:
        return None
    coarsest = [axis for axis in range(3) if max(thick) / thick[axis] == 1]
    # Two thick axes are thin slabs: nothing to treat apart.
    return coarsest[0] if len(coarsest) == 1 else None


def _resized(data: np.ndarray, shape: Sequence[int], order: int) -> np.ndarray:
    data = np.asarray(data, float)
    if data.shape == tuple(shape):
        return data
    zoom = [1 / (before / after) for before, after in zip(data.shape, shape)]
    result = ndimage.zoom(data, zoom, order=order, mode="nearest", grid_mode=True)
    return np.clip(result, data.min(), data.max(), out=result)


def _resized_apart(
    data: np.ndarray, shape: Sequence[int], axis: int, how: Resampling
) -> np.ndarray:
    within = tuple(n for other, n in enumerate(shape) if other != axis)
    slices = [_resized(plane, within, how.order) for plane in np.moveaxis(data, axis, 0)]
    flat = np.stack(slices)
    if len(slices) != shape[axis]:
        # Positions of the new slices among the old ones, as voxel centres.
        positions = len(slices) / shape[axis] * (np.arange(shape[axis]) + 0.5) - 0.5
        if how.order_z == 0:
            chosen = ndimage.map_coordinates(
                np.arange(len(slices)), [positions], order=0, mode="nearest"
            )
            flat = flat[chosen]
        else:
            grid = np.meshgrid(positions, *(np.arange(n) for n in within), indexing="ij")
            flat = ndimage.map_coordinates(flat, grid, order=how.order_z, mode="nearest")
    return np.moveaxis(flat, 0, axis)
