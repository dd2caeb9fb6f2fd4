"""The average distance between the surfaces of two masks, in millimetres."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from ...errors import InputError


def average_surface_distance(mask: np.ndarray, reference: np.ndarray, affine: np.ndarray) -> float:
    """Mean distance from each surface voxel of one mask to the nearest surface voxel of the other,
    both ways pooled, mm.

    A surface voxel has a face in common with a voxel outside its mask.  What lies beyond the image
    counts as more of the same: where the field of view cuts the cord there is no surface.  The
    paper's distances of soft_all, nnU-Net and the unseen data sets came from masks that were saved
    without their affine, so they are in voxels; ours are in mm for every method.

    Args:
        mask, reference: boolean (i, j, k).
        affine: 4x4, voxel indices to mm; its axes are at right angles (as
            :func:`SoftCordSegLib.volume.read_nifti` makes sure), in whatever direction.

    Returns:
        NaN where one of the masks is empty (or fills the image, so that it has no surface).

    Raises:
        InputError: their shapes differ.
    """
    mask, reference = np.asarray(mask, bool), np.asarray(reference, bool)
    if mask.shape != reference.shape:
        raise InputError(
            f"The mask has the shape {mask.shape} and the reference {reference.shape}: their"
            " surfaces have no common grid."
        )
    if not mask.any() or not reference.any():
        return math.nan
    box = _box_around(mask | reference)
    one, other = _surface(mask[box]), _surface(reference[box])
    if not one.any() or not other.any():
        return 0.0 if np.array_equal(one, other) else math.nan
    spacing = np.linalg.norm(np.asarray(affine, float)[:3, :3], axis=0)
    distances = np.concatenate([_distances(one, other, spacing), _distances(other, one, spacing)])
    return float(distances.mean())


def _box_around(mask: np.ndarray) -> tuple[slice, ...]:
    """The box of a mask and one voxel more, as far as the image goes: that voxel tells a surface
    from the image's edge.
    """
    found = ndimage.find_objects(mask.astype(np.uint8))[0]
    return tuple(slice(max(part.start - 1, 0), part.stop + 1) for part in found)


def _surface(mask: np.ndarray) -> np.ndarray:
    return mask & ~ndimage.binary_erosion(mask, border_value=1)


def _distances(start: np.ndarray, end: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    return ndimage.distance_transform_edt(~end, sampling=spacing)[start]
