"""Which way the cord is turned in its slice, seen from the image: the symmetry of its gradients.

After Sun, "Symmetry detection using gradient information", Pattern Recognition Letters 16 (1995),
with SCT's settings: a histogram of gradient directions around the cord, mirrored onto itself.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage, signal

_SIGMA_MM = 10.0
# Weights beyond this many sigma do not matter.
_REACH = 4.0
_BINS = 359
_MEDIAN = 5
_LARGEST_DEG = 40.0
_SOBEL = np.array([[1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -2.0, -1.0]]) / 4.0


def symmetry_angle(section: np.ndarray, centre: np.ndarray, spacing: np.ndarray) -> float:
    """Rotation of the axis of symmetry from the A-P axis.

    Args:
        section: (rows R-L, columns P-A) image slice.
        centre: (row, column) of the cord's middle.
        spacing: (2,) mm.

    Returns:
        Radians, at most 40° to either side; the sign is that of SCT's rotation.
    """
    reach = np.ceil(_REACH * _SIGMA_MM / spacing).astype(int)
    low = np.maximum(np.floor(centre).astype(int) - reach, 0)
    high = np.minimum(np.ceil(centre).astype(int) + reach + 1, section.shape)
    part = np.asarray(section[low[0] : high[0], low[1] : high[1]], dtype=float)
    by_column = ndimage.convolve(part, _SOBEL.T) / spacing[1]
    by_row = ndimage.convolve(part, _SOBEL) / spacing[0]
    row = (np.arange(part.shape[0]) + low[0] - centre[0]) * spacing[0] / _SIGMA_MM
    column = (np.arange(part.shape[1]) + low[1] - centre[1]) * spacing[1] / _SIGMA_MM
    weight = np.exp(-0.5 * (row[:, None] ** 2 + column[None, :] ** 2)) * np.hypot(by_row, by_column)
    edge = np.pi * _BINS / (_BINS + 1)
    histogram, _ = np.histogram(
        np.arctan2(by_row, by_column), bins=_BINS, range=(-edge, edge), weights=weight
    )
    smooth = signal.medfilt(np.tile(histogram, 3), _MEDIAN)[_BINS : 2 * _BINS]
    # Mirroring about a direction a maps direction d to 2a - d: the overlap with itself is a
    # circular convolution at 2a.
    overlap = np.convolve(smooth, np.tile(smooth, 3), mode="same")[_BINS : 2 * _BINS]
    directions = np.linspace(-1.0, 1.0, _BINS) * np.pi * (_BINS - 1) / (_BINS + 1)
    searched = np.abs(directions) <= np.radians(2 * _LARGEST_DEG)
    return float(directions[searched][np.argmax(overlap[searched])] / 2)


def smoothed_along(angles: np.ndarray, slices: float = 5.0) -> np.ndarray:
    """Angles smoothed over neighbouring slices (Gaussian, sigma in slices), as SCT does."""
    return ndimage.gaussian_filter1d(angles, slices) if len(angles) else angles
