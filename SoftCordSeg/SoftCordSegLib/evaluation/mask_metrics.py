"""Agreement of two masks, and the pieces of one: plain functions on arrays.

The paper had Dice and the relative volume error from ANIMA's ``animaSegPerfAnalyzer``, of masks cut
at 0.5; these are the same definitions. Its surface distance is another matter, see
:func:`average_surface_distance`.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from ..errors import InputError

# Voxels that share a corner belong together: thick slices of a bent cord often touch no other way.
_TOUCHING = np.ones((3, 3, 3), bool)


def dice(mask: np.ndarray, reference: np.ndarray) -> float:
    """2 |A ∩ B| / (|A| + |B|) of two boolean arrays; 1 where both are empty.

    Raises:
        InputError: their shapes differ.
    """
    mask, reference = _same_shape(np.asarray(mask, bool), np.asarray(reference, bool))
    total = int(mask.sum()) + int(reference.sum())
    return 2.0 * int((mask & reference).sum()) / total if total else 1.0


def soft_dice(mask: np.ndarray, reference: np.ndarray) -> float:
    """2 Σ p y / (Σ p + Σ y) of values in [0, 1]; 1 where both are 0 everywhere.

    It is the authors' measure during training. Only binary masks can reach 1: a soft mask is not
    fully like itself.

    Raises:
        InputError: their shapes differ.
    """
    mask, reference = _same_shape(np.asarray(mask), np.asarray(reference))
    total = mask.sum(dtype=float) + reference.sum(dtype=float)
    return float(2.0 * np.multiply(mask, reference, dtype=float).sum() / total) if total else 1.0


def relative_volume_error(mask: np.ndarray, reference: np.ndarray) -> float:
    """100 (V − V_ref) / V_ref of two boolean arrays, %: below 0 the mask is too small. NaN for an
    empty reference.

    Raises:
        InputError: their shapes differ.
    """
    return 100.0 * (volume_ratio(np.asarray(mask, bool), np.asarray(reference, bool)) - 1.0)


def volume_ratio(mask: np.ndarray, reference: np.ndarray) -> float:
    """Σ p / Σ y, partial volumes counted; NaN for an empty reference.

    Raises:
        InputError: their shapes differ.
    """
    mask, reference = _same_shape(np.asarray(mask), np.asarray(reference))
    total = reference.sum(dtype=float)
    return float(mask.sum(dtype=float) / total) if total else math.nan


def average_surface_distance(mask: np.ndarray, reference: np.ndarray, affine: np.ndarray) -> float:
    """Mean distance from each surface voxel of one mask to the nearest surface voxel of the other,
    both ways pooled, mm.

    A surface voxel has a face in common with a voxel outside its mask. What lies beyond the image
    counts as more of the same: where the field of view cuts the cord there is no surface. The
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
    mask, reference = _same_shape(np.asarray(mask, bool), np.asarray(reference, bool))
    if not mask.any() or not reference.any():
        return math.nan
    box = _box_around(mask | reference)
    one, other = _surface(mask[box]), _surface(reference[box])
    if not one.any() or not other.any():
        return 0.0 if np.array_equal(one, other) else math.nan
    spacing = np.linalg.norm(np.asarray(affine, float)[:3, :3], axis=0)
    distances = np.concatenate([_distances(one, other, spacing), _distances(other, one, spacing)])
    return float(distances.mean())


def count_components(mask: np.ndarray) -> int:
    """Number of pieces of a boolean array (i, j, k); voxels that share a face, an edge or a corner
    are of one piece.
    """
    return int(ndimage.label(mask, _TOUCHING)[1])


def count_false_positives(mask: np.ndarray, reference: np.ndarray | None = None) -> int:
    """Number of pieces that are not cord.

    Args:
        mask: boolean (i, j, k).
        reference: boolean, of the same shape: a piece that has no voxel in common with it is not
            cord. Without a reference the largest piece is taken for the cord, and all others count;
            that is fair only in a whole field of view.

    Raises:
        InputError: their shapes differ.
    """
    labels, count = ndimage.label(mask, _TOUCHING)
    if reference is None:
        return max(count - 1, 0)
    _same_shape(mask, reference)
    hit = np.unique(labels[np.asarray(reference, bool)])
    return count - int(np.count_nonzero(hit))


def _same_shape(mask: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if mask.shape != reference.shape:
        raise InputError(
            f"The mask has the shape {mask.shape} and the reference {reference.shape}, so that they"
            " cannot be compared voxel by voxel.",
            hint="Bring the mask to the grid of the reference first.",
        )
    return mask, reference


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
