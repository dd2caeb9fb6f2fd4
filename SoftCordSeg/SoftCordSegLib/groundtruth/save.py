"""The two transforms of a contrast as files: to the reference, and back."""

from __future__ import annotations

from pathlib import Path

from .make import reach_along
from .registration import displacement_field, write_field
from .truth import ContrastTruth

# Samples a slice.  The way to the contrast is linear between slices, so that one would do for ITK, but Slicer interpolates by cubic
# splines; the way back is not linear, and so many keep it within 1e-3 mm.
_FINER, _INVERSE_FINER = 4, 8


def write_transforms(truth: ContrastTruth, to_reference: Path, to_contrast: Path) -> None:
    """Write both directions as displacement fields (see :mod:`~.registration.fields`).

    Each is named for the way an image goes, as in BIDS (``from-T1w_to-T2w_mode-image_xfm``): the file ``to_reference`` resamples an
    image of the contrast on the reference's grid, and so leads *points* of the reference to those of the contrast.

    Args:
        truth: of the contrast.
        to_reference, to_contrast: .nii.gz files.

    Raises:
        OutputError: a folder is not writable or the disk is full.
    """
    grid = reach_along(truth.transform.grid, [truth.soft]) if (truth.soft.data > 0).any() else truth.transform.grid
    write_field(*displacement_field(truth.transform.to_moving, grid, _FINER), to_reference)
    write_field(*displacement_field(truth.transform.to_reference, grid, _INVERSE_FINER), to_contrast)
