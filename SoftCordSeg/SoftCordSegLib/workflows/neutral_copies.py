"""Copies of a case under neutral names, for a blinded reader without Slicer: neither the names of
the files nor what their headers say tells whose they are.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import write_together
from ..volume import mask_values, read_nifti, write_nifti
from .review_session import ReviewRow


def copy_neutrally(row: ReviewRow, folder: Path) -> list[Path]:
    """Write image and mask of a case into ``folder/Case_017``, as ``image.nii.gz`` and
    ``mask.nii.gz`` (float32, 0 to 1, whatever program made it), with headers of their own.

    Args:
        row: of a blinded session.
        folder: anywhere outside the data set; what is there under these names is replaced.

    Raises:
        InputError: the case has no mask, or a file cannot be read.
        OutputError: the folder cannot be written.
    """
    if row.case.mask is None or row.case.problem:
        raise InputError(row.case.problem or "The case has no mask.")
    where = Path(folder) / row.shown_name.replace(" ", "_")
    image, mask = read_nifti(row.case.image), mask_values(read_nifti(row.case.mask))
    image = replace(image, forms=None)
    mask = replace(mask, data=np.asarray(mask.data, dtype=np.float32), forms=None)
    paths = [where / "image.nii.gz", where / "mask.nii.gz"]
    write_together(
        {
            paths[0]: lambda path: write_nifti(image, path),
            paths[1]: lambda path: write_nifti(mask, path),
        }
    )
    return paths
