"""The corrected soft mask: as predicted where nothing was said, soft-rimmed where something was."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .boxes import Box, bounding_box, grown, moved
from .ramp import depths, reach, soft_value
from .threshold import sides


def merge(
    p0: np.ndarray, edits: np.ndarray, threshold: float, spacing: Sequence[float]
) -> np.ndarray:
    """The corrected soft mask.

    Args:
        p0: float32 (i, j, k) in [0, 1], the mask as predicted.
        edits: int8, same shape: +1 cord, -1 not cord, 0 as predicted.
        threshold: in (0, 1], of the segment.
        spacing: (3,) mm.

    Returns:
        float32, same shape, in [0, 1]: bit for bit ``p0`` where ``edits`` is 0; at least
        ``threshold`` where it is +1 and below where it is -1, by a ramp over the distance in mm
        from the edge (:mod:`.ramp`), never less cord than predicted where cord was added and never
        more where it was removed.  Outside 0.25 to 0.75 the threshold itself bends the ramp.

    Raises:
        ValueError: types, shapes or threshold are not as described.
    """
    return merge_box(p0, edits, threshold, spacing, tuple(slice(0, size) for size in np.shape(p0)))


def merge_box(
    p0: np.ndarray, edits: np.ndarray, threshold: float, spacing: Sequence[float], box: Box
) -> np.ndarray:
    """``merge(p0, edits, threshold, spacing)[box]``, computed for the box alone."""
    if p0.dtype != np.float32 or edits.dtype != np.int8 or p0.ndim != 3 or p0.shape != edits.shape:
        given = f"{p0.dtype} {p0.shape} and {edits.dtype} {edits.shape}"
        raise ValueError(
            f"Give p0 as float32 and edits as int8, both 3D of one shape, not {given}."
        )
    merged = p0[box].copy(order="K")
    edited = _edited(edits[box])
    voxels = edited + np.array([[part.start] for part in box])
    merged[tuple(edited)] = _values(voxels, p0, edits, threshold, spacing)
    return merged


def merge_into(
    merged: np.ndarray,
    p0: np.ndarray,
    edits: np.ndarray,
    threshold: float,
    spacing: Sequence[float],
    box: Box,
) -> Box | None:
    """Bring a merge up to date after a change of the edits, where it matters only.

    Args:
        merged: float32, written in place: the merge before the change, at the same threshold.
        p0, edits, threshold, spacing: as for :func:`merge`; ``edits`` after the change.
        box: where the edits changed; softness follows as far as :func:`~.ramp.reach` around it.

    Returns:
        The smallest box around the voxels of ``merged`` that have another value now; None if there
        are none.
    """
    box = grown(box, reach(spacing), p0.shape)
    after = merge_box(p0, edits, threshold, spacing, box)
    changed = bounding_box(after != merged[box])
    if changed is None:
        return None
    written = moved(changed, [part.start for part in box])
    merged[written] = after[changed]
    return written


def _values(
    voxels: np.ndarray,
    p0: np.ndarray,
    edits: np.ndarray,
    threshold: float,
    spacing: Sequence[float],
) -> np.ndarray:
    """(n,) float32, the merged values of edited voxels (3, n)."""
    below, not_below = sides(threshold)
    if voxels.shape[1] == 0:
        return np.empty(0, np.float32)
    added = edits[tuple(voxels)] > 0
    predicted = p0[tuple(voxels)]
    depth = depths(voxels, p0, edits, spacing)
    more = np.maximum(np.maximum(predicted, soft_value(depth, spacing)), not_below)
    less = np.minimum(np.minimum(predicted, soft_value(-depth, spacing)), below)
    return np.where(added, more, less)


def _edited(edits: np.ndarray) -> np.ndarray:
    """(3, n) indices of voxels that are not 0, fast for large sparse arrays in either memory
    order.
    """
    edited = edits != 0
    order = "F" if edited.flags.f_contiguous else "C"
    return np.array(
        np.unravel_index(np.flatnonzero(edited.ravel(order=order)), edited.shape, order=order)
    )
