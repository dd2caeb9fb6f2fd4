"""Which files become which image."""

from __future__ import annotations

from pathlib import Path

import pytest

from SoftCordSegLib.errors import InputError, OptionError
from SoftCordSegLib.workflows.ground_truth.raw_images import (
    find_raw_participants,
    given_participant,
)


def touched(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def test_an_average_that_is_there_is_used_and_the_series_left_out(tmp_path):
    names = ("sub-01_dwi", "sub-01_rec-average_dwi")
    touched(tmp_path, *(f"sub-01/dwi/{name}.nii.gz" for name in names))

    (one,) = find_raw_participants(tmp_path, tmp_path / "out")

    assert [image.files[0].name for image in one.images] == ["sub-01_rec-average_dwi.nii.gz"]
    assert "sub-01_dwi is left out" in one.notes[0]


def test_two_files_for_one_image_are_an_error(tmp_path):
    touched(tmp_path, "sub-01/anat/sub-01_T2w.nii", "sub-01/anat/sub-01_T2w.nii.gz")

    with pytest.raises(OptionError, match="would both become sub-01_T2w"):
        find_raw_participants(tmp_path, tmp_path / "out")


def test_echoes_that_cannot_be_told_apart_are_an_error(tmp_path):
    files = [("dwi", tmp_path / "a.nii.gz"), ("dwi", tmp_path / "b.nii.gz")]

    with pytest.raises(OptionError, match="would both become sub-01_dwi"):
        given_participant(files)


def test_a_folder_without_images_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no images of participants") as caught:
        find_raw_participants(tmp_path, tmp_path / "out")
    assert caught.value.path == tmp_path


def test_sessions_are_participants_of_their_own(tmp_path):
    touched(tmp_path, *(f"sub-01/ses-{n}/anat/sub-01_ses-{n}_T2w.nii.gz" for n in "ab"))

    assert [one.name for one in find_raw_participants(tmp_path, tmp_path / "out")] == [
        "sub-01_ses-a",
        "sub-01_ses-b",
    ]


@pytest.mark.parametrize(
    "mask",
    [
        "sub-01_T2w_label-SC_seg.nii.gz",
        "sub-01_T2w_seg-manual.nii.gz",
        "sub-01_T2w_seg.nii.gz",
        "sub-01_label-SC_desc-T2w_mask.nii.gz",
    ],
)
def test_a_mask_of_the_data_set_is_found_under_every_name(tmp_path, mask):
    touched(
        tmp_path,
        "sub-01/anat/sub-01_T2w.nii.gz",
        f"derivatives/labels/sub-01/anat/{mask}",
        "out/derivatives/labels/sub-01/anat/sub-01_T2w_label-SC_seg.nii.gz",  # an earlier result
    )

    (one,) = find_raw_participants(tmp_path, tmp_path / "out")

    assert [image.mask.name for image in one.images] == [mask]


def test_the_contrast_of_a_file_is_given_or_in_its_name():
    one = given_participant([("T2w", Path("te=80.nii.gz")), ("", Path("sub-07_T1w.nii.gz"))])

    assert one.name == "sub-07"
    assert [image.contrast for image in one.images] == ["T2w", "T1w"]
    with pytest.raises(OptionError, match="'te=80' is not the name of a contrast"):
        given_participant([("", Path("te=80.nii.gz"))])
