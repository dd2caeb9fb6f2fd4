"""What the name of a series says."""

from __future__ import annotations

import pytest

from SoftCordSegLib.bids import average_name, is_acquired


@pytest.mark.parametrize(
    ("name", "average"),
    [
        ("sub-01_dwi", "sub-01_rec-average_dwi"),
        ("sub-01_acq-x_dir-AP_run-2_dwi", "sub-01_acq-x_rec-average_dir-AP_run-2_dwi"),
        ("sub-01_rec-average_dwi", "sub-01_rec-average_dwi"),
        ("sub-01_dmri", "sub-01_rec-average_dwi"),
    ],
)
def test_the_name_of_the_average(name, average):
    assert average_name(name) == average


@pytest.mark.parametrize(
    ("name", "acquired"),
    [
        ("sub-01_T2w.nii.gz", True),
        ("sub-01_space-other_T2w.nii", True),
        ("sub-01_T2w_seg-manual.nii.gz", False),
        ("sub-01_T2w_label-SC_seg.nii.gz", False),
        ("sub-01_T2w_label-discs_dlabel.nii.gz", False),
        ("sub-01_part-phase_MEGRE.nii.gz", False),
        ("sub-01_T2w.json", False),
    ],
)
def test_what_is_an_image(name, acquired):
    assert is_acquired(name) is acquired
