"""Small data sets to review in the panel's tests, and what a rater does there."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from SoftCordSegLib.bids import Kind, label_name
from SoftCordSegLib.review.doubt import Doubt
from SoftCordSegLib.volume import Volume, write_nifti

# Left-handed, anisotropic and shifted: what is mixed up anywhere shows.
AFFINE = np.array([[-0.8, 0, 0, 20], [0, 1.2, 0, -30], [0, 0, 3.0, 5], [0, 0, 0, 1]])
SHAPE = (24, 20, 12)


def column(shift: int = 0) -> np.ndarray:
    """A soft column, 0 to 1."""
    data = np.zeros(SHAPE, np.float32)
    data[10 + shift : 14 + shift, 8:12, 2:10] = 1.0
    data[9 + shift, 8:12, 2:10] = 0.4
    return data


def make_data_set(folder: Path, participants: int = 4, contrasts=("T2w",)) -> Path:
    """A BIDS data set of small images, with soft masks in ``derivatives/softcord``."""
    for number in range(1, participants + 1):
        for contrast in contrasts:
            name = f"sub-{number:02d}_{contrast}"
            anat = folder / f"sub-{number:02d}" / "anat"
            labels = folder / "derivatives" / "softcord" / f"sub-{number:02d}" / "anat"
            anat.mkdir(parents=True, exist_ok=True)
            labels.mkdir(parents=True, exist_ok=True)
            soft = column(number % 3)
            write_nifti(
                Volume((500 * soft).astype(np.int16) + number, AFFINE), anat / f"{name}.nii.gz"
            )
            write_nifti(Volume(soft, AFFINE), labels / label_name(f"{name}.nii.gz", Kind.SOFT_MASK))
    return folder


def doubts_of(keys) -> dict:
    """The later in the list, the more doubtful; each with a place."""
    return {
        key: Doubt(
            score=(number + 1) / 10,
            reason=f"C{number + 2}, slice {number + 3}: area drops by 40 %",
            slice=number + 3,
            position_mm=(10.0, -18.0, 5.0 + 3.0 * (number + 3)),
        )
        for number, key in enumerate(keys)
    }


def start(host, ui, folder: Path, rater: str = "Anna") -> None:
    """Open a data set in the tab *Review*, by its controls."""
    host.click(ui.cordReviewTab)
    host.answers = [str(folder)]
    host.click(ui.cordReviewFolderButton)
    ui.cordRaterEdit.text = rater
    host.click(ui.cordReviewStartButton)


def listed(ui) -> list[list[str]]:
    """The texts of the list."""
    table = ui.cordCaseTable
    return [[table.item(row, n).text() for n in range(4)] for row in range(table.rowCount)]


def add_case(folder: Path, image: Path, name: str, soft: Volume | None) -> None:
    """Put an image into a data set, with a soft mask of a program."""
    subject = name.split("_")[0]
    anat = folder / subject / "anat"
    labels = folder / "derivatives" / "softcord" / subject / "anat"
    anat.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(image, anat / f"{name}.nii.gz")
    if soft is not None:
        write_nifti(soft, labels / label_name(f"{name}.nii.gz", Kind.SOFT_MASK), np.float32)
