"""The soft rim of a correction: how much of an edited voxel is cord, by its distance from the edge
in millimetres.

A segment says on which side of the edge the middle of a voxel lies, and no more.  A voxel that
touches the other side is then between half full and full: three quarters, the mean.  So the ramp
goes from 0.5 on the edge to 1 (or 0) at one in-plane voxel from it.  In thick slices the next slice
is farther than that, and only the edge within the slice softens a voxel.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from .boxes import grown

_LARGE = 20000  # edited voxels from which on it pays to look for their rim first


class Neighbours(NamedTuple):
    """The voxels near enough to matter.

    Attributes:
        offsets: (n, 3) int, in voxels.
        near: (n,) float32, mm from the middle of a voxel to the nearest point of that neighbour.
    """

    offsets: np.ndarray
    near: np.ndarray


def width(spacing: Sequence[float]) -> float:
    """Depth in mm from which on a voxel is wholly cord (or wholly not): one voxel in the plane of
    the two finer axes.
    """
    return float(sorted(abs(float(step)) for step in spacing)[1])


def soft_value(depth: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """The soft value of a voxel whose middle lies ``depth`` mm inside the cord (negative: outside);
    float32 in [0, 1].
    """
    depth = np.asarray(depth, dtype=np.float32)
    return np.clip(
        np.float32(0.5) + np.float32(0.5) * (depth / np.float32(width(spacing))), 0, 1
    ).astype(np.float32)


def reach(spacing: Sequence[float]) -> tuple[int, int, int]:
    """How many voxels away along each axis an edit still changes the soft value of an edited
    voxel.
    """
    offsets = neighbours(spacing).offsets
    return tuple(int(n) for n in np.abs(offsets).max(axis=0))


def neighbours(spacing: Sequence[float]) -> Neighbours:
    """All neighbours whose nearest point is less than :func:`width` away."""
    steps = np.abs(np.asarray(spacing, dtype=float))
    limit = width(spacing)
    counts = np.ceil(limit / steps + 0.5).astype(int) - 1
    offsets = np.array(
        [offset for offset in itertools.product(*(range(-n, n + 1) for n in counts)) if any(offset)]
    )
    away = np.abs(offsets)
    near = np.linalg.norm(np.maximum(away - 0.5, 0) * steps, axis=1)
    kept = near < limit
    return Neighbours(offsets[kept], near[kept].astype(np.float32))


def depths(
    voxels: np.ndarray, p0: np.ndarray, edits: np.ndarray, spacing: Sequence[float]
) -> np.ndarray:
    """How deep edited voxels lie on their own side.

    A neighbour that is as predicted lends its soft value: the edge runs through it, not along its
    face, and there is none towards a neighbour that lies half or more on the voxel's own side.  The
    edge of the image is no edge of the cord.

    Args:
        voxels: (3, n) int, indices of voxels where ``edits`` is not 0.
        p0: float32 (i, j, k), the mask as predicted.
        edits: int8 (i, j, k) of -1, 0, +1.
        spacing: (3,) mm.

    Returns:
        (n,) float32, mm, from half the smallest spacing to :func:`width`.
    """
    deepest = np.float32(width(spacing))
    depth = np.full(voxels.shape[1], deepest)
    at_rim = _at_rim(voxels, edits, reach(spacing))
    voxels = np.compress(at_rim, voxels, axis=1)  # contiguous, unlike what a mask in brackets gives
    last = np.array(p0.shape)[:, None] - 1
    added = edits[tuple(voxels)] > 0
    rim = depth[at_rim]
    for offset, near in zip(*neighbours(spacing)):
        # Beyond the edge of the image: a nearer neighbour, which counts for more in its own turn,
        # or the voxel itself.
        there = tuple(np.clip(voxels + offset[:, None], 0, last))
        said = edits[there]
        cord = np.where(said == 0, p0[there], said > 0).astype(np.float32)
        own = np.where(
            added, cord, 1 - cord
        )  # the part of the neighbour that is on the voxel's own side
        np.minimum(rim, near + 2 * (deepest - near) * own, out=rim)
    depth[at_rim] = rim
    return depth


def _at_rim(voxels: np.ndarray, edits: np.ndarray, margin: Sequence[int]) -> np.ndarray:
    """(n,) False where all neighbours have the same edit, so that no edge is near; all True for
    small edits, unlooked at.
    """
    box = grown(
        tuple(slice(int(low), int(high) + 1) for low, high in zip(voxels.min(1), voxels.max(1))),
        margin,
        edits.shape,
    )
    crop = edits[box]
    if voxels.shape[1] < _LARGE or voxels.shape[1] < crop.size // 8:
        return np.ones(voxels.shape[1], bool)
    window = [2 * n + 1 for n in margin]
    alike = ndimage.minimum_filter(crop, window, mode="nearest") == ndimage.maximum_filter(
        crop, window, mode="nearest"
    )
    return ~alike[tuple(voxels - np.array([[part.start] for part in box]))]
