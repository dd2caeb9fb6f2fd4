"""Which masks, images and discs belong to which participant."""

from __future__ import annotations

from pathlib import Path

import pytest

from SoftCordSegLib.errors import InputError, OptionError
from SoftCordSegLib.workflows.ground_truth.masked_participants import (
    find_masked_participants,
    given_masks,
)


def touched(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def test_sessions_and_diffusion_are_found_with_their_images_and_discs(tmp_path):
    labels = "derivatives/labels/sub-01/ses-a"
    touched(
        tmp_path,
        f"{labels}/anat/sub-01_ses-a_T2w_label-SC_seg.nii.gz",
        f"{labels}/anat/sub-01_ses-a_T2w_label-discs_dlabel.nii.gz",
        f"{labels}/anat/sub-01_ses-a_T2w_label-canal_seg.nii.gz",
        f"{labels}/dwi/sub-01_ses-a_rec-average_dwi_label-SC_seg.nii.gz",
        "derivatives/labels/sub-01/ses-b/anat/sub-01_ses-b_T2w_label-SC_seg.nii.gz",
        "sub-01/ses-a/dwi/sub-01_ses-a_rec-average_dwi.nii.gz",
    )

    first, second = find_masked_participants(tmp_path, "T2w")

    assert (first.name, second.name) == ("sub-01_ses-a", "sub-01_ses-b")
    assert sorted(first.masks) == ["T2w", "rec-average_dwi"]
    assert list(first.images) == ["rec-average_dwi"]
    assert first.discs.name == "sub-01_ses-a_T2w_label-discs_dlabel.nii.gz"
    assert first.discs_of == "T2w"
    assert second.discs is None


def test_discs_of_another_contrast_are_known_to_be_its(tmp_path):
    touched(
        tmp_path,
        "sub-01_T2w_label-SC_seg.nii.gz",
        "sub-01_T1w_label-SC_seg.nii.gz",
        "sub-01_T1w_label-discs_dlabel.nii.gz",
    )

    (one,) = find_masked_participants(tmp_path, "T2w")

    assert one.discs_of == "T1w"
    assert one.notes == ()


def test_which_of_two_masks_is_used_is_said(tmp_path):
    labels = "derivatives/labels/sub-01/anat"
    names = ("sub-01_T1w_label-SC_seg.nii.gz", "sub-01_T1w_seg-manual.nii.gz")
    touched(tmp_path, *(f"{labels}/{name}" for name in names))

    (one,) = find_masked_participants(tmp_path, "T1w")

    used, other = (tmp_path / labels / name for name in names)
    assert one.masks["T1w"] == used
    assert f"Of the masks of sub-01_T1w '{used}' is used, '{other}' is not." in one.notes


def test_a_mask_under_the_name_that_sct_writes_is_found(tmp_path):
    labels = "derivatives/labels/sub-01/anat"
    touched(tmp_path, f"{labels}/sub-01_T2w_seg.nii.gz", f"{labels}/sub-01_T1w_label-SC_seg.nii.gz")

    (one,) = find_masked_participants(tmp_path, "T2w")

    assert sorted(one.masks) == ["T1w", "T2w"]


def test_a_data_set_without_masks_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        find_masked_participants(tmp_path / "nowhere", "T2w")
    with pytest.raises(InputError, match="no masks of the cord"):
        find_masked_participants(tmp_path, "T2w")


def test_masks_of_two_participants_are_an_error():
    masks = {name: Path(f"sub-0{n}_{name}_seg.nii.gz") for n, name in enumerate(("T1w", "T2w"))}

    with pytest.raises(OptionError, match="These are files of sub-00 and sub-01"):
        given_masks(masks, {}, "T2w")
