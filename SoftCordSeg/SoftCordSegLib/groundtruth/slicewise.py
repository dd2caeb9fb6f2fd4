"""A transform that shifts and turns each axial slice of the reference within its plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..volume import Grid


@dataclass(frozen=True, eq=False)
class SlicewiseRigid:
    """From points in the reference to points in a contrast, in the scanner's coordinates; exactly
    invertible.

    In slice k of the reference, with in-plane millimetres p = (i, j) · spacing::

        p' = R(angle[k]) (p - pivot[k]) + pivot[k] + shift[k]          and  k' = k

    Between two slices the two results are blended linearly (so that a displacement field with
    linear interpolation is the very same map); beyond the first and last slice theirs is carried
    on.

    Attributes:
        grid: the reference's, third axis along the cord; oblique and left-handed ones included.
        pivot: (n, 2) mm, the middle of the reference's cord in each of the n slices.
        shift: (n, 2) mm along the first and second axis.
        angle: (n,) radians, from the first axis towards the second.
    """

    grid: Grid
    pivot: np.ndarray
    shift: np.ndarray
    angle: np.ndarray

    @classmethod
    def identity(cls, grid: Grid) -> SlicewiseRigid:
        """The transform that moves nothing."""
        count = grid.shape[2]
        return cls(grid, np.zeros((count, 2)), np.zeros((count, 2)), np.zeros(count))

    def to_moving(self, points: np.ndarray) -> np.ndarray:
        """(…, 3) points in the reference, world RAS+ mm, to those in the contrast."""
        voxels = self.grid.to_voxel(points)
        matrix, offset = self._at(voxels[..., 2])
        plane = voxels[..., :2] * self.grid.spacing[:2]
        moved = np.einsum("...ab,...b->...a", matrix, plane) + offset
        return self._world(moved, voxels[..., 2])

    def to_reference(self, points: np.ndarray) -> np.ndarray:
        """(…, 3) points in the contrast, world RAS+ mm, to those in the reference: the exact
        inverse of :meth:`to_moving`.
        """
        voxels = self.grid.to_voxel(points)
        matrix, offset = self._at(voxels[..., 2])
        rest = voxels[..., :2] * self.grid.spacing[:2] - offset
        determinant = matrix[..., 0, 0] * matrix[..., 1, 1] - matrix[..., 0, 1] * matrix[..., 1, 0]
        u = (matrix[..., 1, 1] * rest[..., 0] - matrix[..., 0, 1] * rest[..., 1]) / determinant
        v = (matrix[..., 0, 0] * rest[..., 1] - matrix[..., 1, 0] * rest[..., 0]) / determinant
        return self._world(np.stack([u, v], axis=-1), voxels[..., 2])

    def _at(self, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(…, 2, 2) matrices and (…, 2) offsets, mm, at continuous slice numbers."""
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        matrices = np.stack(
            [np.stack([cosine, -sine], axis=-1), np.stack([sine, cosine], axis=-1)], axis=-2
        )
        offsets = self.pivot + self.shift - np.einsum("nab,nb->na", matrices, self.pivot)
        last = len(self.angle) - 1
        k = np.clip(k, 0, last)
        low = np.minimum(np.floor(k).astype(int), max(last - 1, 0))
        high = np.minimum(low + 1, last)
        part = (k - low)[..., None]
        matrix = matrices[low] + part[..., None] * (matrices[high] - matrices[low])
        return matrix, offsets[low] + part * (offsets[high] - offsets[low])

    def _world(self, plane: np.ndarray, k: np.ndarray) -> np.ndarray:
        return self.grid.to_world(
            np.concatenate([plane / self.grid.spacing[:2], k[..., None]], axis=-1)
        )
