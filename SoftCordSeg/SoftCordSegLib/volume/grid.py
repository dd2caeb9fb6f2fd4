"""Where voxels are: the shape of an array and its affine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Grid:
    """A voxel grid in the world.

    Attributes:
        shape: numbers of voxels along (i, j, k).
        affine: 4x4, from voxel indices (of voxel centres) to world millimetres, RAS+ (x to the
            Right, y to the Anterior, z to the Superior), as in NIfTI and nibabel.
    """

    shape: tuple[int, int, int]
    affine: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        object.__setattr__(self, "affine", np.array(self.affine, dtype=float))

    @property
    def spacing(self) -> np.ndarray:
        """Voxel edge lengths along (i, j, k), mm."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    @property
    def letters(self) -> str:
        """Where i, j and k point **to** (nibabel letters; "LAS" here is what SCT calls "RPI")."""
        import nibabel

        return "".join(nibabel.aff2axcodes(self.affine))

    @property
    def voxel_volume(self) -> float:
        """Volume of one voxel, mm³."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    def to_world(self, voxels: np.ndarray) -> np.ndarray:
        """Voxel indices (…, 3) to world positions (…, 3), mm RAS+."""
        return np.asarray(voxels, dtype=float) @ self.affine[:3, :3].T + self.affine[:3, 3]

    def to_voxel(self, positions: np.ndarray) -> np.ndarray:
        """World positions (…, 3), mm RAS+, to continuous voxel indices (…, 3)."""
        inverse = np.linalg.inv(self.affine)
        return np.asarray(positions, dtype=float) @ inverse[:3, :3].T + inverse[:3, 3]

    def same_as(self, other: Grid, tolerance_mm: float = 1e-3) -> bool:
        """True if every voxel of both grids is at the same position, to within ``tolerance_mm`` at
        the corners.
        """
        if self.shape != other.shape:
            return False
        corners = (
            np.array(np.meshgrid(*[(0, n - 1) for n in self.shape], indexing="ij")).reshape(3, -1).T
        )
        return bool(np.abs(self.to_world(corners) - other.to_world(corners)).max() <= tolerance_mm)

    def with_spacing(self, spacing: float | np.ndarray) -> Grid:
        """A grid of another voxel size (mm) that covers the same box, rounded up to whole voxels.

        Both grids share the outer corner of their first voxel, so that voxel *edges*, not centres,
        coincide.
        """
        spacing = np.broadcast_to(np.asarray(spacing, dtype=float), 3)
        ratio = spacing / self.spacing
        shape = np.maximum(np.ceil(np.array(self.shape) / ratio - 1e-6), 1).astype(int)
        affine = self.affine.copy()
        affine[:3, :3] *= ratio
        affine[:3, 3] = self.to_world(ratio / 2 - 0.5)
        return Grid(tuple(shape), affine)

    def resting(self, spacing: float | np.ndarray) -> Grid:
        """A grid of another voxel size (mm) that covers the same box, and whose voxels stay where
        they are when this grid is cropped or padded by whole voxels.

        One of its voxel edges lies on that edge of this grid, continued as far as need be, that is
        next to the world's origin along each axis.  So where both have one voxel size, the voxels
        coincide.
        """
        ratio = np.broadcast_to(np.asarray(spacing, dtype=float), 3) / self.spacing
        # Edges are counted in voxels from this grid's outer corner.
        edge = np.floor(self.to_voxel(np.zeros(3)) + 0.5 + 1e-3)
        first = np.floor(-edge / ratio + 1e-6)
        last = np.maximum(np.ceil((np.array(self.shape) - edge) / ratio - 1e-6), first + 1)
        affine = self.affine.copy()
        affine[:3, :3] *= ratio
        affine[:3, 3] = self.to_world(edge + (first + 0.5) * ratio - 0.5)
        return Grid(tuple((last - first).astype(int)), affine)

    def crop(self, start: np.ndarray, stop: np.ndarray) -> Grid:
        """The sub-grid of voxels ``start`` (inclusive) to ``stop`` (exclusive); may reach beyond
        this grid.
        """
        affine = self.affine.copy()
        affine[:3, 3] = self.to_world(start)
        return Grid(tuple(np.asarray(stop) - np.asarray(start)), affine)
