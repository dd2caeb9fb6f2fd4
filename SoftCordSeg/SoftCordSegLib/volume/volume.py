"""The value type that all rooms exchange."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .grid import Grid

if TYPE_CHECKING:
    from .nifti_header import HeaderForms


@dataclass(frozen=True, eq=False)
class Volume:
    """A 3D image or mask in the world.

    Attributes:
        data: array (i, j, k) of any real type.  Not to be written to: rooms share it without a
            copy.
        affine: 4x4, voxel indices to world millimetres, RAS+.
        forms: how a file says where its image is, for what is written on the same grid; None where
            the image is from no file.
        notes: sentences on what was contradictory in the file.
    """

    data: np.ndarray
    affine: np.ndarray
    forms: HeaderForms | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if np.ndim(self.data) != 3:
            raise ValueError(
                f"a Volume is three-dimensional; this array has the shape {np.shape(self.data)}"
            )
        object.__setattr__(self, "affine", np.array(self.affine, dtype=float))

    @property
    def grid(self) -> Grid:
        """The voxel grid: shape and affine."""
        return Grid(self.data.shape, self.affine)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of voxels along (i, j, k)."""
        return self.data.shape

    @property
    def spacing(self) -> np.ndarray:
        """Voxel edge lengths along (i, j, k), mm."""
        return self.grid.spacing

    @property
    def letters(self) -> str:
        """Where i, j and k point **to** (nibabel letters)."""
        return self.grid.letters

    def with_data(self, data: np.ndarray) -> Volume:
        """The same grid with other values (i, j, k)."""
        if data.shape != self.shape:
            raise ValueError(f"data of shape {data.shape} do not fit a grid of shape {self.shape}")
        return Volume(data, self.affine, self.forms)
