"""The spine in front of the cord, straightened: an image whose one axis runs along the cord and
whose other runs forwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...volume import Volume
from ..slices.centreline import Centreline

STEP_MM = 0.5
# How far the cord's direction is trusted beyond the ends of its mask.
_BEYOND_MM = 60.0
_FRONT_MM = (0.0, 30.0)
_HALF_WIDTH_MM = 3.0
# The direction of the cord changes over centimetres; what is shorter is noise of the mask.
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
        """World position (3,), mm RAS+, of a place in the strip."""
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
    beyond = np.arange(STEP_MM, _BEYOND_MM + STEP_MM / 2, STEP_MM)
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
