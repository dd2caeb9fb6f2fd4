"""Reads displacement fields as ITK does, to look at what was written."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
from scipy import ndimage

from SoftCordSegLib.volume import Grid


def read_field(path: Path) -> tuple[np.ndarray, Grid]:
    """The displacements (i, j, k, 3), mm RAS+, and the grid of a field with the intent "vector"."""
    image = nibabel.load(path)
    assert image.header.get_intent()[0] == "vector"
    assert image.ndim == 5
    assert image.shape[3:] == (1, 3)
    data = np.asarray(image.dataobj, dtype=float)[:, :, :, 0, :]
    return data * [-1, -1, 1], Grid(data.shape[:3], image.affine)


def warp_points_with_field(
    points: np.ndarray, displacements: np.ndarray, lattice: Grid
) -> np.ndarray:
    """Places (n, 3), world RAS+ mm, moved by a field with linear interpolation; unmoved outside it,
    as in ITK.
    """
    voxels = lattice.to_voxel(points)
    moved = [
        ndimage.map_coordinates(displacements[..., axis], voxels.T, order=1, mode="constant")
        for axis in range(3)
    ]
    return np.asarray(points, dtype=float) + np.stack(moved, axis=-1)
