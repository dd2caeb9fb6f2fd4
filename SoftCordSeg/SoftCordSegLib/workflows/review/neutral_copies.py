"""Copies of a case under a neutral name, for a rater who is not to know what is read: image and
mask without what their headers say beside the grid.
"""

from __future__ import annotations

import re
from pathlib import Path

from ...errors import InputError, OptionError
from ...files import real_path
from ...volume import read_nifti, time_points, write_nifti
from .review_session import ReviewSession


def neutral_copies(session: ReviewSession, key: str, folder: Path) -> list[Path]:
    """Write image and mask of a case as ``case-017_image.nii.gz`` and ``case-017_mask.nii.gz``;
    earlier copies of these names are replaced.  Of a series the mean over time is written.

    Args:
        session: the rater's.
        key: of the case.
        folder: where to, outside of the data set, which would else have new cases.

    Returns:
        The copies, the image first.

    Raises:
        OptionError: the folder is in the data set.
        InputError: the case cannot be reviewed, or one of its files cannot be read; the sentence
            does not name the file.
        OutputError: the folder cannot be written.
    """
    row = session.row(key)
    dataset = real_path(session.dataset)
    if dataset in (real_path(folder), *real_path(folder).parents):
        raise OptionError(
            "Copies do not go into the data set: they would be cases of it.",
            path=folder,
            hint="Choose a folder elsewhere.",
        )
    if not row.can_be_judged or row.case.mask is None:
        raise InputError(f"'{row.shown_name}' has no image and mask that can be read.")
    name = re.sub(r"[^a-z0-9]+", "-", row.shown_name.lower()).strip("-")
    copies = []
    for source, what in ((row.case.image, "image"), (row.case.mask, "mask")):
        try:
            volume = read_nifti(source, "mean" if time_points(source) > 1 else None)
        except InputError as error:
            raise InputError(
                f"The {what} of '{row.shown_name}' cannot be read: {error.sentence}"
            ) from None
        copies.append(Path(folder) / f"{name}_{what}.nii.gz")
        write_nifti(volume, copies[-1])
    return copies
