"""A mask with its edge moved inwards or outwards, less than a voxel at a time."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .orientation import slice_axis
from .volume import Volume

# Distances are measured on a grid at least that fine, mm.
_FINE_MM = 0.15
# A drawn contour follows the voxels: its steps are smoothed away first, standard deviation in
# voxels.
_SMOOTH = 0.6
# Margin around the mask, beyond the distance that the edge moves, mm.
_MARGIN_MM = 3.0


def moved_edge(mask: Volume, by_mm: float) -> Volume:
    """Move the edge of a mask within each slice, and give each voxel the part of it that is inside.

    The contour of a slice is the level line of the slightly smoothed mask that encloses the drawn
    area, so that moving by 0 keeps every slice's area; it is moved by its signed distance in the
    plane.

    Args:
        mask: binary or soft, 0 to 1.
        by_mm: outwards where positive.

    Returns:
        float32, 0 to 1, on the same grid.
    """
    axis = slice_axis(mask.affine)
    spacing = np.delete(mask.spacing, axis)
    planes = np.moveaxis(np.asarray(mask.data, np.float32), axis, 0)
    result = np.zeros(planes.shape, np.float32)
    margin = np.ceil((max(by_mm, 0) + _MARGIN_MM) / spacing).astype(int)
    for index in np.flatnonzero(planes.any(axis=(1, 2))):
        filled = np.argwhere(planes[index])
        start = np.maximum(filled.min(axis=0) - margin, 0)
        stop = np.minimum(filled.max(axis=0) + margin + 1, planes.shape[1:])
        part = tuple(slice(a, b) for a, b in zip(start, stop))
        result[index][part] = _moved_plane(planes[index][part], spacing, by_mm)
    return mask.with_data(np.ascontiguousarray(np.moveaxis(result, 0, axis)))


def signed_distance(plane: np.ndarray, spacing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distance to the contour of one slice on a finer grid; both grids share the outer corner
    of their first voxel.

    Args:
        plane: (i, j) 0 to 1, not empty.
        spacing: (2,) mm.

    Returns:
        (i·m, j·n) mm, positive inside, and (2,) the factors m and n.
    """
    factors = np.maximum(np.ceil(spacing / _FINE_MM), 1).astype(int)
    smooth = ndimage.gaussian_filter(np.asarray(plane, np.float32), _SMOOTH, mode="nearest")
    size = np.array(plane.shape) * factors
    fine = ndimage.affine_transform(
        smooth, 1 / factors, 0.5 / factors - 0.5, tuple(size), order=1, mode="nearest"
    )
    count = int(np.clip(round(float(plane.sum()) * factors.prod()), 1, fine.size - 1))
    inside = fine >= np.partition(fine.ravel(), -count)[-count]
    step = spacing / factors
    # Half a fine voxel lies between its centre and the edge, on both sides.
    half = step.mean() / 2
    inner, outer = (ndimage.distance_transform_edt(one, sampling=step) for one in (inside, ~inside))
    return np.where(inside, inner - half, half - outer), factors


def _moved_plane(plane: np.ndarray, spacing: np.ndarray, by_mm: float) -> np.ndarray:
    distance, factors = signed_distance(plane, spacing)
    part = np.clip((distance + by_mm) / (spacing / factors).mean() + 0.5, 0, 1)
    blocks = part.reshape(plane.shape[0], factors[0], plane.shape[1], factors[1])
    return blocks.mean(axis=(1, 3)).astype(np.float32)
