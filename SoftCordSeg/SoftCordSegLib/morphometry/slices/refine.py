"""SCT's refinement of a slice to 0.1 mm, written as what it is: a product with two small
interpolation matrices.

Because refinement is linear, the sum over the refined slice (the area) needs only the column sums
of these matrices, not the refined slice itself.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

# SCT measures on pixels of 0.1 mm whatever the image's own resolution.
FINE_MM = 0.1


@lru_cache(maxsize=4096)
def refinement(count: int, spacing: float) -> np.ndarray:
    """The matrix (fine, count) that interpolates ``count`` voxels of ``spacing`` mm linearly to
    pixels of 0.1 mm.

    Outer edges of the first and last voxels and pixels coincide; outside is 0.  The number of
    pixels is rounded, so that a pixel can differ from 0.1 mm by a fraction of a per cent where
    ``spacing`` is no multiple of it: as in SCT.
    """
    fine = max(int(round(count * (spacing / FINE_MM))), 1)
    position = (np.arange(fine) + 0.5) * (count / fine) - 0.5
    matrix = np.maximum(1.0 - np.abs(position[:, None] - np.arange(count)), 0.0)
    matrix.setflags(write=False)
    return matrix


@lru_cache(maxsize=4096)
def refinement_sums(count: int, spacing: float) -> np.ndarray:
    """(count,) how much one voxel adds to the sum over the refined row."""
    sums = refinement(count, spacing).sum(axis=0)
    sums.setflags(write=False)
    return sums


def refine(crop: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """``crop`` (rows, columns) on pixels of 0.1 mm."""
    rows = refinement(crop.shape[0], float(spacing[0]))
    columns = refinement(crop.shape[1], float(spacing[1]))
    return rows @ crop @ columns.T


def placed_sums(start: np.ndarray, size: np.ndarray, length: int, spacing: float) -> np.ndarray:
    """(n, length) weights of patch rows in the refined sums of crops that begin at ``start`` and
    have ``size`` rows.
    """
    kinds, kind = np.unique(size, return_inverse=True)
    table = np.zeros((len(kinds), max(int(kinds.max()), 1)))
    for line, count in zip(table, kinds):
        if count:
            line[:count] = refinement_sums(int(count), spacing)
    local = np.arange(length) - start[:, None]
    inside = (local >= 0) & (local < size[:, None])
    return np.where(inside, table[kind[:, None], np.clip(local, 0, table.shape[1] - 1)], 0.0)
