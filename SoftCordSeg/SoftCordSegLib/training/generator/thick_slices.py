"""Slices thicker than the working grid: averaged over their thickness, and brought back by the
spline by which images are read.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import ndimage

# So many samples scipy repeats at either end before its spline filter, in the mode "nearest".
_PADDING = 12


def slices_matrix(size: int, thickness: float, step: float, phase: float, order: int) -> np.ndarray:
    """What cutting into slices and reading them again does along one axis.

    Args:
        size: voxels of the working grid.
        thickness, step: of the slices and from one to the next, voxels; above 1.
        phase: of the first slice, 0 to 1 steps.
        order: of the spline, 1 or 2.

    Returns:
        (size, size) float32.
    """
    centres = slice_centres(size, step, phase)
    places = (np.arange(size) + 0.5 - centres[0]) / step
    return (
        spline_matrix(len(centres), places, order) @ _averages(size, centres, thickness)
    ).astype(np.float32)


def slice_centres(size: int, step: float, phase: float) -> np.ndarray:
    """From edge 0 of the first voxel, voxels; so many that both ends of the grid lie between two of
    them.
    """
    return np.arange((phase - 1.0) * step, size + step, step)


def spline_matrix(count: int, places: np.ndarray, order: int) -> np.ndarray:
    """(places, count) values at places (in samples) of the spline through ``count`` samples, the
    last repeated beyond the ends.

    For order 2 that is ``scipy.ndimage`` with mode "nearest": a filter turns samples into
    coefficients of quadratic B-splines.
    """
    if order == 1:
        places = np.clip(places, 0, count - 1)
        return np.clip(1 - np.abs(places[:, None] - np.arange(count)), 0, None)
    padded = np.arange(-_PADDING, count + _PADDING)
    apart = np.abs(np.clip(places, 1 - _PADDING, count + _PADDING - 2)[:, None] - padded)
    basis = np.where(apart < 0.5, 0.75 - apart**2, 0.5 * np.clip(1.5 - apart, 0, None) ** 2)
    return basis @ _coefficients(count)


@lru_cache(maxsize=256)
def _coefficients(count: int) -> np.ndarray:
    return ndimage.spline_filter1d(
        np.pad(np.eye(count), ((_PADDING,) * 2, (0, 0)), mode="edge"), 2, axis=0, mode="nearest"
    )


def _averages(size: int, centres: np.ndarray, thickness: float) -> np.ndarray:
    """(slices, size) means over each slice's thickness; where a slice lies outside, the voxel at
    the edge.
    """
    edges = np.arange(size)
    low, high = np.clip([centres - thickness / 2, centres + thickness / 2], 0, size)
    covered = np.clip(
        np.minimum(high[:, None], edges + 1) - np.maximum(low[:, None], edges), 0, None
    )
    nothing = covered.sum(axis=1) < 1e-3
    covered[nothing & (centres <= 0), 0] = 1
    covered[nothing & (centres > 0), -1] = 1
    return covered / covered.sum(axis=1, keepdims=True)
