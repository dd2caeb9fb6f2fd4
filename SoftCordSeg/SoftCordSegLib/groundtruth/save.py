"""The transforms of a contrast as files: to the reference, and back."""

from __future__ import annotations

from pathlib import Path

from .make import reach_along
from .registration import displacement_field, write_field
from .truth import ContrastTruth

# Samples a slice.  The way to the contrast is linear between slices, so that one would do for ITK,
# but Slicer interpolates by cubic splines; the way back is not linear, and so many keep it within
# 1e-3 mm.
_FINER, _INVERSE_FINER = 4, 8


def write_transform(truth: ContrastTruth, path: Path, inverse: bool = False) -> None:
    """Write a contrast's transform as a displacement field (see :mod:`~.registration.fields`).

    A file is named for the way an image goes, as in BIDS (``from-T1w_to-T2w_mode-image_xfm``): that
    one resamples an image of the contrast on the reference's grid, and so leads *points* of the
    reference to those of the contrast.

    Args:
        truth: of the contrast.
        path: ``.nii.gz``.
        inverse: the other direction, for images of the reference on the contrast's grid.

    Raises:
        OutputError: the folder is not writable or the disk is full.
    """
    grid = truth.transform.grid
    if (truth.soft.data > 0).any():
        grid = reach_along(grid, [truth.soft])
    move, finer = (
        (truth.transform.to_reference, _INVERSE_FINER)
        if inverse
        else (truth.transform.to_moving, _FINER)
    )
    write_field(*displacement_field(move, grid, finer), path)
