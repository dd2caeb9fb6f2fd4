"""A series of volumes on one grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import nibabel
import numpy as np

from ..volume import Grid, Volume, read_nifti, reorient, time_points

# The frame in which slices are worked on: the third axis along the cord (SCT's RPI).
FRAME = "LAS"


@dataclass(frozen=True, eq=False)
class Series:
    """Volumes over time, echoes or directions.

    Attributes:
        data: (i, j, k, t) of any real type.  Not to be written to.
        affine: 4x4, voxel indices to world millimetres, RAS+.
    """

    data: np.ndarray
    affine: np.ndarray

    def __post_init__(self) -> None:
        if np.ndim(self.data) != 4:
            raise ValueError(
                f"a Series is four-dimensional; this array has the shape {np.shape(self.data)}"
            )
        object.__setattr__(self, "affine", np.array(self.affine, dtype=float))

    def __len__(self) -> int:
        return self.data.shape[3]

    @property
    def letters(self) -> str:
        """Where i, j and k point **to** (nibabel letters)."""
        return Grid(self.data.shape[:3], self.affine).letters

    def volume(self, index: int) -> Volume:
        """One volume; a view, not a copy."""
        return Volume(self.data[..., index], self.affine)

    def framed(self, index: int) -> Volume:
        """One volume with its axes pointing Left, Anterior, Superior; a view, not a copy."""
        return reorient(self.volume(index), FRAME)


def read_series(path: str | Path) -> Series:
    """Read a series; a 3D image is one of a single volume.

    Raises:
        InputError: as :func:`SoftCordSegLib.volume.read_nifti`.
    """
    path = Path(path)
    if time_points(path) == 1:
        one = read_nifti(path)
        return Series(np.asarray(one.data)[..., None], one.affine)
    # Its mean is not needed here, but reading it makes every check of the volume room; a NaN
    # anywhere is one in the mean.
    affine = read_nifti(path, "mean").affine
    image = cast(nibabel.Nifti1Image, nibabel.load(path, mmap=False))
    data = np.asanyarray(image.dataobj)
    return Series(data.reshape(data.shape[:4]), affine)


def mean_volume(series: Series) -> Volume:
    """The plain mean over the series, float32."""
    return Volume(series.data.mean(axis=3, dtype=np.float64).astype(np.float32), series.affine)
