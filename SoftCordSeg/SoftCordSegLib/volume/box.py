"""A box in the world: a region of interest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .grid import Grid


@dataclass(frozen=True, eq=False)
class Box:
    """A rectangular box.

    Attributes:
        center_mm: (3,), world RAS+.
        axes: (3, 3), its unit axes as columns, world RAS+.
        size_mm: (3,), edge lengths along the axes.
    """

    center_mm: np.ndarray
    axes: np.ndarray
    size_mm: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "center_mm", np.array(self.center_mm, dtype=float).reshape(3))
        object.__setattr__(self, "axes", np.array(self.axes, dtype=float).reshape(3, 3))
        object.__setattr__(self, "size_mm", np.array(self.size_mm, dtype=float).reshape(3))
        if not _at_right_angles(self.axes):
            raise ValueError("the axes of a box are at right angles and of length 1")
        if not (self.size_mm > 0).all():
            raise ValueError("the edges of a box are longer than 0 mm")

    @classmethod
    def of_grid(cls, grid: Grid) -> Box:
        """The box that the voxels of ``grid`` fill, to their outer edges."""
        size = np.array(grid.shape)
        middle, axes = grid.to_world((size - 1) / 2), grid.affine[:3, :3] / grid.spacing
        if _at_right_angles(axes):
            return cls(middle, axes, size * grid.spacing)
        # Registration leaves axes a little off the right angle: the nearest right-angled box that
        # has all voxels in it.
        left, _, right = np.linalg.svd(axes)
        nearest = left @ right
        ends = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in grid.shape], indexing="ij"))
        along = (grid.to_world(ends.reshape(3, -1).T) - middle) @ nearest
        return cls(middle, nearest, 2 * np.abs(along).max(axis=0))

    @property
    def corners_mm(self) -> np.ndarray:
        """(8, 3), world RAS+."""
        signs = np.array(np.meshgrid(*[(-0.5, 0.5)] * 3, indexing="ij")).reshape(3, -1).T
        return self.center_mm + (signs * self.size_mm) @ self.axes.T

    def inside(self, grid: Grid) -> np.ndarray:
        """Which voxels of ``grid`` have their centres in the box, its faces included (to a
        thousandth of a millimetre).

        Returns:
            (i, j, k) bool.
        """
        result = np.ones(grid.shape, bool)
        # Position along each axis of the box, from its middle: linear in the indices.
        steps = self.axes.T @ grid.affine[:3, :3]
        origin = self.axes.T @ (grid.affine[:3, 3] - self.center_mm)
        indices = np.ogrid[tuple(slice(n) for n in grid.shape)]
        for step, start, size in zip(steps, origin, self.size_mm):
            along = sum((s * at for s, at in zip(step, indices)), start)
            result &= np.abs(along) <= size / 2 + 1e-3
        return result

    def voxels_of(self, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
        """The smallest range of voxels of ``grid``, (start, stop), that contains the box; it may
        reach beyond the grid.
        """
        corners = grid.to_voxel(self.corners_mm)
        # A face that coincides with a voxel edge, to rounding, does not take in the next voxel.
        return np.floor(corners.min(axis=0) + 0.5 + 1e-4).astype(int), np.ceil(
            corners.max(axis=0) + 0.5 - 1e-4
        ).astype(int)


def _at_right_angles(axes: np.ndarray) -> bool:
    return np.allclose(axes.T @ axes, np.eye(3), atol=1e-3)
