"""Corrections of a review that are killed at every rename: each file is whole, the one before or
the new one, and the next correction is written.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from SoftCordSegLib.bids import Kind, find_masks, label_name
from SoftCordSegLib.volume import Volume, read_nifti, write_nifti
from SoftCordSegLib.workflows.review.review_corrections import CorrectedFiles, Correction
from stress.forked import in_a_fork
from stress.stress_kills import killed_at_rename

AFFINE = np.diag([0.8, 0.8, 3.0, 1.0])
MOMENTS = 50


def a_correction(image: Path, voxels: int) -> Correction:
    """One with so many raised voxels."""
    soft = np.zeros((16, 16, 8), np.float32)
    soft[6:10, 6:10] = 0.9
    edits = np.zeros(soft.shape, np.int8)
    edits.reshape(-1)[:voxels] = 1
    soft[edits > 0] = 0.8
    return Correction(image, Volume(soft, AFFINE), 0.5, Volume(edits, AFFINE), author="Anna")


def killed_at(folder: Path, number: int) -> set[str]:
    """Kill the second correction at a rename, and write a third.

    Returns:
        The states that the files were in after the kill: "before", "after".
    """
    image = folder / "sub-01" / "anat" / "sub-01_T2w.nii.gz"
    image.parent.mkdir(parents=True)
    write_nifti(Volume(np.zeros((16, 16, 8), np.int16), AFFINE), image)
    CorrectedFiles(folder, image).write(a_correction(image, 3))

    def work() -> None:
        CorrectedFiles(folder, image).write(a_correction(image, 5))

    in_a_fork(killed_at_rename(work, number), folder / "log.txt")
    labels = folder / "derivatives" / "labels" / "sub-01" / "anat"
    states = set()
    for kind in (Kind.SOFT_MASK, Kind.EDIT_MAP, Kind.BINARY_MASK):
        data = read_nifti(labels / label_name(image, kind)).data
        raised = int((data.reshape(-1)[:16] >= 0.5).sum())
        assert raised in (3, 5), f"{kind.name}: {raised} voxels"
        states.add("before" if raised == 3 else "after")
    files = CorrectedFiles(folder, image)
    files.write(a_correction(image, 7))
    assert files.mask is not None
    assert (read_nifti(files.mask).data.reshape(-1)[:16] >= 0.5).sum() == 7
    assert find_masks(folder), "the data set has its labels"
    return states


def test_corrections_that_are_killed_are_whole_files(tmp_path):
    states = [killed_at(tmp_path / str(number), number) for number in range(MOMENTS)]
    print(f"{MOMENTS} kills: {sum(len(one) == 1 for one in states)} of one state, 0 broken files")
    assert {"before"} in states
    assert {"after"} in states
