"""Cords by formula, on any grid and moved as one likes, so that every answer is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from SoftCordSegLib.volume import Grid, Volume, reorient

LEFT_ANTERIOR_SUPERIOR = np.diag([-1.0, 1.0, 1.0])
# A voxel's value is the part of so many by so many points in it that are inside the cord.
_PARTS = 5


def turned_axes(degrees=(0.0, 0.0, 0.0)) -> np.ndarray:
    """Unit vectors, in columns, that point Left, Anterior and Superior of a frame tilted about x, y
    and z.
    """
    turns = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        a, b = (n for n in range(3) if n != axis)
        one = np.eye(3)
        one[a, a] = one[b, b] = np.cos(angle)
        one[a, b], one[b, a] = -np.sin(angle), np.sin(angle)
        turns = one @ turns
    return turns @ LEFT_ANTERIOR_SUPERIOR


def grid(spacing, shape, axes=LEFT_ANTERIOR_SUPERIOR, middle=(0.0, 0.0, 0.0)) -> Grid:
    """A grid of this voxel size (mm) and shape whose middle is at ``middle``."""
    affine = np.eye(4)
    affine[:3, :3] = axes * np.broadcast_to(np.asarray(spacing, float), 3)
    affine[:3, 3] = np.asarray(middle) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid(shape, affine)


class Cord:
    """An elliptical cord that bends a little, in a frame of its own.

    Args:
        axes: the frame's unit vectors in columns; sections are in the plane of the first two.
        radii: semi-axes, mm.
        direction: of the longer axis, degrees from the first axis to the second.
        bend: mm that the middle moves per 100 mm along the cord.
    """

    def __init__(
        self, axes=LEFT_ANTERIOR_SUPERIOR, radii=(6.5, 4.0), direction=0.0, bend=(0.0, 0.0)
    ):
        self.axes, self.radii, self.direction, self.bend = (
            axes,
            radii,
            np.radians(direction),
            np.array(bend) / 100,
        )

    def mask(
        self,
        grid: Grid,
        shift: Callable[[np.ndarray], np.ndarray] | tuple[float, float] = (0.0, 0.0),
        degrees: Callable[[np.ndarray], np.ndarray] | float = 0.0,
        soft: bool = True,
        length: tuple[float, float] = (-1e9, 1e9),
    ) -> Volume:
        """The cord, shifted (mm) and turned about its middle in its frame's planes, as float32
        partial volumes.

        Args:
            grid: where to draw.
            shift: (u, v), or a function of w (mm along the third axis) that gives (n, 2).
            degrees: from the first axis to the second, or a function of w.
            soft: partial volumes at the edge; else 0 and 1.
            length: from and to, mm along the third axis.
        """
        voxels = (
            np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
            .reshape(-1, 3)
            .astype(float)
        )
        parts = (np.arange(_PARTS) + 0.5) / _PARTS - 0.5
        # The two axes of a voxel that lie most nearly in the sections' plane.
        first, second = np.sort(
            np.argsort(np.abs(self.axes[:, 2] @ grid.affine[:3, :3] / grid.spacing))[:2]
        )
        values = np.zeros(len(voxels))
        for a in parts:
            for b in parts:
                step = np.zeros(3)
                step[first], step[second] = a, b
                values += (
                    self._inside(grid.to_world(voxels + step) @ self.axes, shift, degrees, length)
                    / _PARTS**2
                )
        values = values if soft else (values >= 0.5).astype(float)
        return Volume(values.reshape(grid.shape).astype(np.float32), grid.affine)

    def _inside(self, places, shift, degrees, length) -> np.ndarray:
        u, v, w = places.T
        moved = np.asarray(shift(w) if callable(shift) else np.broadcast_to(shift, (len(w), 2)))
        turn = (
            np.radians(degrees(w) if callable(degrees) else np.full(len(w), degrees))
            + self.direction
        )
        u, v = u - self.bend[0] * w - moved[:, 0], v - self.bend[1] * w - moved[:, 1]
        a = np.cos(turn) * u + np.sin(turn) * v
        b = -np.sin(turn) * u + np.cos(turn) * v
        inside = (a / self.radii[0]) ** 2 + (b / self.radii[1]) ** 2 <= 1
        return inside & (w >= length[0]) & (w <= length[1])


def stored(volume: Volume, letters: str) -> Volume:
    """The same volume, stored in another order of axes."""
    turned = reorient(volume, letters)
    return Volume(np.ascontiguousarray(turned.data), turned.affine)
