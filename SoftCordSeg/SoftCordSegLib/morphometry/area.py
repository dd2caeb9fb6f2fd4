"""Cross-sectional area of each slice, and its interval.

SCT refines a slice to 0.1 mm by linear interpolation: a product with two small matrices.  Because
refinement is linear, the sum over the refined slice (the area) needs only the column sums of these
matrices, not the refined slice itself.

The interval of a slice reaches from the area within the contour at 0.75 (``area_low``) to that
within the contour at 0.25 (``area_high``) of the refined soft slice: a sharp border with little
partial volume gives a narrow interval, a blurred or an uncertain one a wide interval.  It is not a
confidence interval of repeated scans, and errors that shift the whole contour in a confident mask
are not in it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .upright import UprightSlices

# SCT measures on pixels of 0.1 mm, whatever the resolution of the image.
FINE_MM = 0.1


@lru_cache(maxsize=4096)
def refinement(count: int, spacing: float) -> np.ndarray:
    """The matrix (fine, count) that interpolates ``count`` voxels of ``spacing`` mm linearly to
    pixels of 0.1 mm.

    Outer edges of the first and last voxels and pixels coincide; outside is 0.  The number of
    pixels is rounded, so that a pixel can differ from 0.1 mm by a fraction of a per cent where
    ``spacing`` is not a multiple of it, as in SCT.
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


def areas(slices: UprightSlices, spacing: np.ndarray) -> np.ndarray:
    """(n,) area of each slice, mm²; NaN where there is nothing to measure.

    Equal to refining each slice to 0.1 mm and summing values x 0.01 mm², as SCT does, without
    refining anything.
    """
    rows = placed_sums(
        slices.crop_start[:, 0], slices.crop_size[:, 0], slices.patches.shape[1], float(spacing[0])
    )
    columns = placed_sums(
        slices.crop_start[:, 1], slices.crop_size[:, 1], slices.patches.shape[2], float(spacing[1])
    )
    sums = np.einsum("nr,nr->n", rows, np.einsum("nrc,nc->nr", slices.patches, columns))
    return np.where(slices.measurable, sums * FINE_MM**2, np.nan)


HALF_WIDTH = 0.25


def area_interval(
    slices: UprightSlices, spacing: np.ndarray, middle: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Area within the contours at ``middle`` ± 0.25, for each slice.

    Args:
        slices: soft, angle-corrected.
        spacing: of the slices' voxels, mm.
        middle: the value at the border.

    Returns:
        (area_low, area_high), each (n,) mm²; NaN where there is nothing to measure.
    """
    low, high = np.full(len(slices.patches), np.nan), np.full(len(slices.patches), np.nan)
    for index in np.flatnonzero(slices.measurable):
        fine = refine(slices.crop(index), spacing)
        low[index] = np.count_nonzero(fine >= middle + HALF_WIDTH) * FINE_MM**2
        high[index] = np.count_nonzero(fine >= middle - HALF_WIDTH) * FINE_MM**2
    return low, high
