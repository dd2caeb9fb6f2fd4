"""The soft rim goes where the edge goes.

Who erases a bump of the cord, or the cord in a whole slice, erases it in the segment; what was
predicted below the threshold around it is not seen there, and would stay behind as a soft ring
without a cord: counted in the area, and a hollow ring in the segment once the threshold is lowered.
Who paints beside the cord leaves, likewise, the soft rim of before as a seam inside.  So a soft
voxel follows the edge it belongs to: the nearest voxel that was predicted on the other side.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from .boxes import Box, grown
from .ramp import width
from .threshold import at_least

_WIDTHS = 2.0  # how far a rim reaches from its edge, in in-plane voxels


def carry_rims(
    edits: np.ndarray,
    before: np.ndarray,
    p0: np.ndarray,
    threshold: float,
    spacing: Sequence[float],
    box: Box,
) -> Box:
    """Let soft voxels beside changed edits say what their edge says; the segment stays as it is.

    A voxel that is as predicted, 0 < p0 < 1, is said to be on its side (+1 where p0 >= threshold,
    else -1) where all of the nearest voxels on the other side were taken over to its side; it is as
    predicted again where they no longer all are.

    Args:
        edits: int8 (i, j, k), the edit map after a stroke; written in place.
        before: int8, same shape, the edit map before the stroke, rims included.
        p0: float32, same shape, the mask as predicted.
        threshold: in (0, 1].
        spacing: (3,) mm.
        box: where the stroke changed the edits.

    Returns:
        The box in which ``edits`` may differ from ``before``.
    """
    around = grown(box, rim_reach(spacing), p0.shape)
    inside = at_least(p0[around], threshold)
    said, soft = edits[around], (p0[around] > 0) & (p0[around] < 1)
    voxels = np.array(np.nonzero(soft & ((said == 0) | ((said > 0) == inside))))
    if voxels.shape[1] == 0:
        return around
    voxels += np.array([[part.start] for part in around])
    now, then = _taken(voxels, (edits, before), p0, threshold, spacing)
    own = np.where(at_least(p0[tuple(voxels)], threshold), 1, -1).astype(np.int8)
    held = edits[tuple(voxels)] == own
    edits[tuple(voxels)] = np.where(now, own, np.where(held & then, 0, edits[tuple(voxels)]))
    return around


def rim_reach(spacing: Sequence[float]) -> tuple[int, int, int]:
    """How many voxels away along each axis an edge still has a rim."""
    offsets = np.array([offset for offset, _ in _offsets(spacing)])
    return tuple(int(n) for n in np.abs(offsets).max(axis=0))


def _taken(
    voxels: np.ndarray,
    maps: Sequence[np.ndarray],
    p0: np.ndarray,
    threshold: float,
    spacing: Sequence[float],
):
    """For each edit map, (n,) True where all nearest voxels that were predicted on the other side
    are said to be on this one.
    """
    last = np.array(p0.shape)[:, None] - 1
    inside = at_least(p0[tuple(voxels)], threshold)
    own = np.where(inside, 1, -1)
    found = np.zeros(len(inside), bool)
    taken = [np.ones(len(inside), bool) for _ in maps]
    for _, offsets in itertools.groupby(_offsets(spacing), key=lambda pair: pair[1]):
        there_too = np.zeros(len(inside), bool)
        for offset, _ in offsets:
            # Beyond the edge of the image: a nearer neighbour, which was met before, or the voxel
            # itself.
            there = tuple(np.clip(voxels + np.array(offset)[:, None], 0, last))
            other = ~found & (at_least(p0[there], threshold) != inside)
            there_too |= other
            for all_taken, said in zip(taken, maps):
                all_taken &= ~other | (said[there] == own)
        found |= there_too
    return [all_taken & found for all_taken in taken]


def _offsets(spacing: Sequence[float]) -> list[tuple[tuple[int, int, int], float]]:
    """Neighbours as far as a rim reaches, and their distance in mm, the nearest first."""
    steps = np.abs(np.asarray(spacing, dtype=float))
    limit = _WIDTHS * width(spacing) * (1 + 1e-6)
    counts = np.floor(limit / steps).astype(int)
    offsets = [
        offset for offset in itertools.product(*(range(-n, n + 1) for n in counts)) if any(offset)
    ]
    # Rounded, so that neighbours at the same distance are met together.
    distances = [round(float(np.linalg.norm(np.array(offset) * steps)), 6) for offset in offsets]
    near = [(offset, distance) for offset, distance in zip(offsets, distances) if distance <= limit]
    return sorted(near, key=lambda pair: pair[1])
