"""Transforms as displacement fields in NIfTI files, which ITK, ANTs, SCT and 3D Slicer open.

The convention is ITK's: a 5D image (i, j, k, 1, 3) with the intent "vector" (code 1007), whose
vectors are millimetres in LPS (x to the Left, y to the Posterior, z to the Superior) while the
header's affine is RAS as in any NIfTI file.  The vector v at a point x of the *fixed* image's
space leads to the point x + v of the *moving* image: ITK resamples that way.

This is what ANTs and SCT write and read.  Newer versions of ITK and Slicer write the intent
"displacement vector" (1006) instead, with RAS vectors; they read both, and Slicer logs that it
expected 1006.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np

from ..files import atomic_path
from ..volume import Grid
from .ground_truth import ContrastTruth
from .warp import reach_along

_TO_LPS = np.array([-1.0, -1.0, 1.0])
# In the plane of a slice the map is affine, so that a coarse lattice with linear interpolation
# holds it exactly.
_LATTICE_MM = 10.0
# Samples per slice.  The way to the contrast is linear between slices, so that one would do for
# ITK, but Slicer interpolates by cubic splines; the way back is not linear, and this many keep it
# within 1e-3 mm.
_FINER, _INVERSE_FINER = 4, 8


def displacement_field(
    move: Callable[[np.ndarray], np.ndarray], grid: Grid, finer: int = 1
) -> tuple[np.ndarray, Grid]:
    """Sample ``move`` on a lattice over ``grid`` and one voxel more on all sides: coarse in the
    planes, every slice along k.

    Args:
        move: points (n, 3) to points (n, 3), world RAS+ mm; affine within each slice of ``grid``.
        grid: over which the field is to hold.
        finer: samples per slice along k, for a map that is not linear between slices.

    Returns:
        (i, j, k, 3) float32 displacements, mm RAS+, and the lattice's grid.
    """
    steps = np.maximum(np.floor(_LATTICE_MM / grid.spacing), 1.0)
    steps[2] = 1.0 / finer
    shape = np.ceil((np.array(grid.shape) + 1) / steps).astype(int) + 1
    affine = grid.affine.copy()
    affine[:3, :3] *= steps
    affine[:3, 3] = grid.to_world(np.full(3, -1.0))
    lattice = Grid(tuple(shape), affine)
    points = lattice.to_world(
        np.stack(np.meshgrid(*map(np.arange, lattice.shape), indexing="ij"), axis=-1).reshape(-1, 3)
    )
    return (move(points) - points).reshape(*lattice.shape, 3).astype(np.float32), lattice


def write_field(displacements: np.ndarray, lattice: Grid, path: str | Path) -> None:
    """Write a field, atomically.

    Args:
        displacements: (i, j, k, 3), mm RAS+.
        lattice: its grid.
        path: ``…_xfm.nii.gz``.

    Raises:
        OutputError: the folder is not writable or the disk is full.
    """
    image = nibabel.Nifti1Image(
        (displacements * _TO_LPS).astype(np.float32)[:, :, :, None, :], lattice.affine
    )
    image.header.set_intent("vector")
    image.set_sform(lattice.affine, code=1)
    image.set_qform(lattice.affine, code=1)
    image.header.set_xyzt_units("mm", "sec")
    with atomic_path(path) as temporary:
        nibabel.save(image, temporary)


def write_transform(truth: ContrastTruth, path: Path, inverse: bool = False) -> None:
    """Write a contrast's transform as a displacement field.

    A file is named for the direction in which an image is resampled, as in BIDS
    (``from-T1w_to-T2w_mode-image_xfm``): that one resamples an image of the contrast on the
    reference's grid, and so leads *points* of the reference to those of the contrast.

    Args:
        truth: of the contrast.
        path: ``.nii.gz``.
        inverse: the other direction, for images of the reference on the contrast's grid.

    Raises:
        OutputError: the folder is not writable or the disk is full.
    """
    grid = truth.transform.grid
    if (truth.voxels.data > 0).any():
        grid = reach_along(grid, [truth.voxels])
    move, finer = (
        (truth.transform.to_reference, _INVERSE_FINER)
        if inverse
        else (truth.transform.to_moving, _FINER)
    )
    write_field(*displacement_field(move, grid, finer), path)
