"""Boxes of voxels: three slices with start and stop, ready to index an array with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Box = tuple[slice, slice, slice]


def bounding_box(inside: np.ndarray) -> Box | None:
    """The smallest box (i, j, k) around the True voxels of a 3D array; None if there are none."""
    box = []
    for axis in range(3):
        there = np.flatnonzero(inside.any(axis=tuple(other for other in range(3) if other != axis)))
        if there.size == 0:
            return None
        box.append(slice(int(there[0]), int(there[-1]) + 1))
    return tuple(box)


def union(*boxes: Box | None) -> Box | None:
    """The smallest box around all the boxes; None counts as empty."""
    there = [box for box in boxes if box is not None]
    if not there:
        return None
    return tuple(
        slice(min(part.start for part in parts), max(part.stop for part in parts))
        for parts in zip(*there)
    )


def grown(box: Box, margin: Sequence[int], shape: Sequence[int]) -> Box:
    """The box with ``margin`` (3,) voxels more on every side, as far as an array of ``shape`` has
    them.
    """
    return tuple(
        slice(max(part.start - more, 0), min(part.stop + more, size))
        for part, more, size in zip(box, margin, shape)
    )


def moved(box: Box, start: Sequence[int]) -> Box:
    """A box given within a crop that begins at ``start``, in the indices of the whole array."""
    return tuple(slice(part.start + first, part.stop + first) for part, first in zip(box, start))
