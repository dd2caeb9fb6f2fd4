"""Area, centre and direction of the section of a mask in each slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .volume import Volume

# Below this a voxel of a mask is empty (the authors' pad_seg.py and remove_slices_seg.py use the
# same).
EMPTY = 1e-6


@dataclass(frozen=True)
class SliceMoments:
    """Of the sections of a mask, slice by slice along k; NaN where a slice is empty.

    Attributes:
        area: (n,) mm², partial volumes counted.
        centre: (n, 2) centre of mass (u, v), mm: voxel index times spacing along the first and
            second axis.
        angle: (n,) direction of the longer principal axis, radians in (-π/2, π/2], from the first
            axis towards the second.
        elongation: (n,) variance along the longer principal axis over that along the shorter one; 1
            for a round section.
    """

    area: np.ndarray
    centre: np.ndarray
    angle: np.ndarray
    elongation: np.ndarray


def slice_moments(mask: np.ndarray, spacing: np.ndarray) -> SliceMoments:
    """Moments of order 0 to 2 of each slice, weighted by the mask's values.

    SCT computes the same two axes from a principal component analysis of the voxels that are not 0
    (spinalcordtoolbox, registration/algorithms.py, register2d_centermassrot); weighting uses
    the soft values too.

    Args:
        mask: (i, j, k), 0 to 1.
        spacing: (3,) or (2,) voxel size, mm.
    """
    mask = np.asarray(mask)
    u, v = (np.arange(count)[:, None] * size for count, size in zip(mask.shape[:2], spacing))
    # Sums along lines first, so that no array of the mask's own size is made.
    along_u, along_v = mask.sum(axis=1, dtype=float), mask.sum(axis=0, dtype=float)
    total = along_u.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = (
            np.stack([(along_u * u).sum(axis=0), (along_v * v).sum(axis=0)], axis=1)
            / total[:, None]
        )
        uu = (along_u * (u - centre[:, 0]) ** 2).sum(axis=0) / total
        vv = (along_v * (v - centre[:, 1]) ** 2).sum(axis=0) / total
        uv = (np.einsum("ijk,i->jk", mask, u[:, 0]) * (v - centre[:, 1])).sum(axis=0) / total
        root = np.hypot((uu - vv) / 2, uv)
        middle = (uu + vv) / 2
        elongation = (middle + root) / np.maximum(middle - root, 1e-9)
    return SliceMoments(
        total * spacing[0] * spacing[1], centre, 0.5 * np.arctan2(2 * uv, uu - vv), elongation
    )


def slices_with_mask(mask: Volume, axis: int = 2) -> np.ndarray:
    """Numbers of the slices along ``axis`` in which the mask is not empty."""
    others = tuple(a for a in range(3) if a != axis)
    return np.flatnonzero((np.asarray(mask.data) > EMPTY).any(axis=others))
