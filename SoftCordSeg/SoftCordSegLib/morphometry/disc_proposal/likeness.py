"""Where along the spine it looks as it does at a disc: correlation with patches of the same image.

Nothing is assumed about contrast: the patches come from discs of this very image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage

from .straighten import STEP_MM, StraightSpine

# A patch reaches 8 mm up and down, and over the vertebral body in front of the canal.
_HALF_HEIGHT = int(8 / STEP_MM)
_FRONT = slice(int(8 / STEP_MM), int(22 / STEP_MM))
# The canal is wider or narrower from level to level.
_SHIFTS = tuple(range(-int(3 / STEP_MM), int(3 / STEP_MM) + 1, 2))
_BACKGROUND_MM = 15.0


@dataclass(frozen=True, eq=False)
class Likeness:
    """Correlation with a disc.

    Attributes:
        best: (n,) -1 to 1, the best over shifts forwards; NaN where the image does not reach.
        shift_mm: (n,) that shift.
    """

    best: np.ndarray
    shift_mm: np.ndarray

    @property
    def valid(self) -> np.ndarray:
        """(n,) True where the image reaches."""
        return np.isfinite(self.best)


class DiscPatterns:
    """The strip, made ready for comparing patches of it.

    Args:
        spine: the straightened image.
    """

    def __init__(self, spine: StraightSpine):
        self._flat = _flattened(spine)
        self._windows, self._spreads = [], []
        for shift in _SHIFTS:
            strip = self._flat[:, _FRONT.start + shift : _FRONT.stop + shift]
            self._windows.append(sliding_window_view(strip, 2 * _HALF_HEIGHT + 1, axis=0))
            size = (2 * _HALF_HEIGHT + 1) * strip.shape[1]
            self._spreads.append(
                np.sqrt(np.maximum(self._windows[-1].var(axis=(1, 2)) * size, 1e-12))
            )

    def __len__(self) -> int:
        return len(self._flat)

    def patch(self, row: int, shift_mm: float = 0.0) -> np.ndarray | None:
        """The patch (rows, columns) around a row, shifted forwards; None where it leaves the
        image.
        """
        if not _HALF_HEIGHT <= row < len(self._flat) - _HALF_HEIGHT:
            return None
        shift = round(shift_mm / STEP_MM)
        patch = self._flat[
            row - _HALF_HEIGHT : row + _HALF_HEIGHT + 1, _FRONT.start + shift : _FRONT.stop + shift
        ]
        return patch if np.isfinite(patch).all() else None

    def likeness(self, pattern: np.ndarray) -> Likeness:
        """Correlate ``pattern`` (a patch, or a mean of patches) with the strip at every row and
        over small shifts forwards.
        """
        pattern = pattern - pattern.mean()
        pattern /= max(np.linalg.norm(pattern), 1e-12)
        correlations = np.full((len(_SHIFTS), len(self._flat)), np.nan)
        for line, windows, spread in zip(correlations, self._windows, self._spreads):
            line[_HALF_HEIGHT : len(line) - _HALF_HEIGHT] = (
                np.einsum("nci,ic->n", windows, pattern) / spread
            )
        reached = np.isfinite(correlations).all(axis=0)
        which = np.where(
            reached, np.where(reached, correlations, 0.0).argmax(axis=0), len(_SHIFTS) // 2
        )
        best = np.take_along_axis(correlations, which[None], axis=0)[0]
        return Likeness(np.where(reached, best, np.nan), np.array(_SHIFTS)[which] * STEP_MM)


def _flattened(spine: StraightSpine) -> np.ndarray:
    """The strip without its slow changes along the cord (coil shading), and with even contrast; NaN
    stays NaN.
    """
    known = np.isfinite(spine.values)
    values = np.where(known, spine.values, 0.0)
    sigma = _BACKGROUND_MM / STEP_MM
    weight = np.maximum(ndimage.gaussian_filter1d(known.astype(float), sigma, axis=0), 1e-6)
    mean = ndimage.gaussian_filter1d(values, sigma, axis=0) / weight
    flat = np.where(known, values - mean, 0.0)
    power = ndimage.gaussian_filter1d((flat**2).mean(axis=1), sigma) / weight.mean(axis=1)
    return np.where(known, flat / np.sqrt(np.maximum(power, 1e-12))[:, None], np.nan)
