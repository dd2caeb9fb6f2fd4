"""The spine in front of the cord, straightened, and where along it the image looks as it does at a
disc.

The straightened image has one axis along the cord and one forwards.  Nothing is assumed about
contrast: it is correlated with patches from discs of the same image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage

from ..volume import Volume
from .centreline import Centreline

STEP_MM = 0.5
# The cord's direction is extrapolated so far beyond the ends of its mask.
BEYOND_MM = 60.0
_FRONT_MM = (0.0, 30.0)
_HALF_WIDTH_MM = 3.0
# The direction of the cord changes over centimetres; shorter changes are noise of the mask.
_DIRECTION_SMOOTHING_MM = 8.0


@dataclass(frozen=True, eq=False)
class StraightSpine:
    """A straightened strip of an image.

    Attributes:
        values: (n, m) mean over 6 mm from right to left; NaN outside the image.  Rows run up along
            the cord, columns forwards.
        arc_mm: (n,) position along the cord, from the lowest point of its mask.
        points_mm: (n, 3) the cord's middle, world RAS+.
        axes: (n, 3, 3) columns: unit vectors to the right, to the front and along the cord, world.
    """

    values: np.ndarray
    arc_mm: np.ndarray
    points_mm: np.ndarray
    axes: np.ndarray

    def locate(self, position_mm: np.ndarray) -> tuple[float, float, float]:
        """(row, right mm, front mm) of a world position; the row is an index, continuous."""
        offset = np.asarray(position_mm, dtype=float) - self.points_mm
        along = np.einsum("ni,ni->n", offset, self.axes[:, :, 2])
        aside = np.linalg.norm(offset - along[:, None] * self.axes[:, :, 2], axis=1)
        row = int(np.argmin(np.abs(along) + 1e-3 * aside))
        right, front = offset[row] @ self.axes[row, :, 0], offset[row] @ self.axes[row, :, 1]
        return row + float(along[row]) / STEP_MM, float(right), float(front)

    def world(self, row: float, right: float, front: float) -> np.ndarray:
        """World position (3,), mm RAS+, of a position in the strip."""
        index = int(np.clip(round(row), 0, len(self.arc_mm) - 1))
        return self.points_mm[index] + self.axes[index] @ np.array(
            [right, front, (row - index) * STEP_MM]
        )


def straighten(image: Volume, centreline: Centreline) -> StraightSpine:
    """Sample the strip in front of the cord."""
    arc, points, axes = _frame_along(centreline)
    front = np.arange(_FRONT_MM[0], _FRONT_MM[1] + STEP_MM / 2, STEP_MM)
    right = np.arange(-_HALF_WIDTH_MM, _HALF_WIDTH_MM + 0.5, 1.0)
    where = (
        points[:, None, None, :]
        + axes[:, None, None, :, 0] * right[None, None, :, None]
        + axes[:, None, None, :, 1] * front[None, :, None, None]
    )
    voxels = image.grid.to_voxel(where)
    sampled = ndimage.map_coordinates(
        np.asarray(image.data, dtype=np.float32),
        np.moveaxis(voxels, -1, 0),
        order=1,
        mode="constant",
        cval=np.nan,
    )
    return StraightSpine(sampled.mean(axis=2), arc, points, axes)


def _frame_along(centreline: Centreline) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Evenly spaced arc positions, their points and axes; straight on beyond both ends."""
    own = centreline.arc_mm
    inner = np.arange(0.0, own[-1] + STEP_MM / 2, STEP_MM)
    points = np.column_stack(
        [np.interp(inner, own, centreline.points_mm[:, axis]) for axis in range(3)]
    )
    along = np.gradient(points, axis=0) if len(points) > 1 else np.array([[0.0, 0.0, 1.0]])
    along = ndimage.gaussian_filter1d(
        along, _DIRECTION_SMOOTHING_MM / STEP_MM, axis=0, mode="nearest"
    )
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    beyond = np.arange(STEP_MM, BEYOND_MM + STEP_MM / 2, STEP_MM)
    below, above = (
        points[0] - beyond[::-1, None] * along[0],
        points[-1] + beyond[:, None] * along[-1],
    )
    points = np.concatenate([below, points, above])
    along = np.concatenate(
        [
            np.repeat(along[:1], len(beyond), axis=0),
            along,
            np.repeat(along[-1:], len(beyond), axis=0),
        ]
    )
    right = np.array([1.0, 0.0, 0.0]) - along[:, :1] * along
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    arc = np.concatenate([-beyond[::-1], inner, inner[-1] + beyond])
    return arc, points, np.stack([right, np.cross(along, right), along], axis=-1)


# A patch reaches 8 mm up and down, and over the vertebral body in front of the canal.
_HALF_HEIGHT = int(8 / STEP_MM)
_FRONT = slice(int(8 / STEP_MM), int(22 / STEP_MM))
# The canal is wider or narrower from level to level.
_SHIFTS = tuple(range(-int(3 / STEP_MM), int(3 / STEP_MM) + 1, 2))
_BACKGROUND_MM = 15.0


@dataclass(frozen=True, eq=False)
class Correlation:
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
    """The strip, prepared for comparing patches of it.

    Args:
        spine: the straightened image.

    Attributes:
        flat: (n, m) the strip without its slow changes along the cord, and with even contrast; NaN
            outside the image.
    """

    def __init__(self, spine: StraightSpine):
        self.flat = _flattened(spine)
        self._windows, self._spreads = [], []
        for shift in _SHIFTS:
            strip = self.flat[:, _FRONT.start + shift : _FRONT.stop + shift]
            self._windows.append(sliding_window_view(strip, 2 * _HALF_HEIGHT + 1, axis=0))
            size = (2 * _HALF_HEIGHT + 1) * strip.shape[1]
            self._spreads.append(
                np.sqrt(np.maximum(self._windows[-1].var(axis=(1, 2)) * size, 1e-12))
            )

    def __len__(self) -> int:
        return len(self.flat)

    def patch(self, row: int, shift_mm: float = 0.0) -> np.ndarray | None:
        """The patch (rows, columns) around a row, shifted forwards; None where it leaves the
        image.
        """
        if not _HALF_HEIGHT <= row < len(self.flat) - _HALF_HEIGHT:
            return None
        shift = round(shift_mm / STEP_MM)
        patch = self.flat[
            row - _HALF_HEIGHT : row + _HALF_HEIGHT + 1, _FRONT.start + shift : _FRONT.stop + shift
        ]
        return patch if np.isfinite(patch).all() else None

    def correlate(self, pattern: np.ndarray) -> Correlation:
        """Correlate ``pattern`` (a patch, or a mean of patches) with the strip at every row and
        over small shifts forwards.
        """
        pattern = pattern - pattern.mean()
        pattern /= max(np.linalg.norm(pattern), 1e-12)
        correlations = np.full((len(_SHIFTS), len(self.flat)), np.nan)
        for line, windows, spread in zip(correlations, self._windows, self._spreads):
            line[_HALF_HEIGHT : len(line) - _HALF_HEIGHT] = (
                np.einsum("nci,ic->n", windows, pattern) / spread
            )
        reached = np.isfinite(correlations).all(axis=0)
        which = np.where(
            reached, np.where(reached, correlations, 0.0).argmax(axis=0), len(_SHIFTS) // 2
        )
        best = np.take_along_axis(correlations, which[None], axis=0)[0]
        return Correlation(np.where(reached, best, np.nan), np.array(_SHIFTS)[which] * STEP_MM)


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
