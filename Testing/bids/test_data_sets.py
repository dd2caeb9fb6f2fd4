"""Where images, masks and disc labels lie in a data set."""

from __future__ import annotations

import json

import pytest

from SoftCordSegLib.bids import (
    Kind,
    dataset_of,
    derivative_description,
    derivative_folder,
    discs_beside,
    find_image,
    find_masks,
    image_of,
    raw_images,
)
from SoftCordSegLib.errors import InputError

LABELS = "derivatives/labels/sub-01/anat"


def touched(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_raw_images_are_found_by_name(tmp_path):
    images = ["sub-01/anat/sub-01_T1w.nii.gz", "sub-01/ses-2/dwi/sub-01_ses-2_dwi.nii"]
    others = [
        "sub-01/anat/sub-01_T1w.json",
        "sub-01/anat/sub-01_T1w_seg.nii.gz",
        "sub-01/fmap/sub-01_epi.nii.gz",
        "sub-01/.hidden/sub-01_T2w.nii.gz",
        "derivatives/labels/sub-01/anat/sub-01_T1w_label-SC_seg.nii.gz",
        "derivatives/other/sub-01/anat/sub-01_T1w.nii.gz",
        "out/sub-01/anat/sub-01_T1w.nii.gz",
        "scan.nii.gz",
    ]
    touched(tmp_path, *images, *others)
    found = [
        path.relative_to(tmp_path).as_posix() for path in raw_images(tmp_path, tmp_path / "out")
    ]
    assert found == images
    assert find_image(tmp_path, "sub-01_ses-2", "sub-01_ses-2_dwi") == tmp_path / images[1]
    assert find_image(tmp_path, "sub-01", "sub-01_T2w") is None


@pytest.mark.parametrize(
    "spelling", ["label-SC_seg", "seg", "seg-manual", "label-SC_mask", "label-SC_desc-rater1_seg"]
)
def test_masks_are_found_under_every_name(tmp_path, spelling):
    """manual-correction writes ``_seg`` today."""
    touched(tmp_path, f"{LABELS}/sub-01_T2w_{spelling}.nii.gz", f"{LABELS}/sub-01_T2w_gmseg.nii.gz")
    (mask,) = find_masks(tmp_path)["sub-01"]["sub-01_T2w"]
    assert mask.name == f"sub-01_T2w_{spelling}.nii.gz"


def test_a_corrected_mask_comes_before_the_one_of_a_program(tmp_path):
    mask, corrected = f"{LABELS}/sub-01_T2w_label-SC_seg", f"{LABELS}/sub-01_T2w_seg"
    touched(tmp_path, f"{mask}.nii.gz", f"{corrected}.nii.gz")
    first, second = find_masks(tmp_path)["sub-01"]["sub-01_T2w"]
    assert first.name == "sub-01_T2w_label-SC_seg.nii.gz"
    for name, program in ((mask, "SoftCordSeg"), (corrected, "Manual")):
        (tmp_path / f"{name}.json").write_text(
            json.dumps({"GeneratedBy": [{"Name": program}]}), encoding="utf-8"
        )
    first, second = find_masks(tmp_path)["sub-01"]["sub-01_T2w"]
    assert first.name == "sub-01_T2w_seg.nii.gz"


def test_soft_masks_are_found_where_asked_for(tmp_path):
    touched(tmp_path, f"{LABELS}/sub-01_T2w_label-SC_softseg.nii.gz")
    assert find_masks(tmp_path) == {}
    assert list(find_masks(tmp_path, [Kind.SOFT_MASK])) == ["sub-01"]


def test_the_image_of_a_mask(tmp_path):
    touched(tmp_path, "sub-01/anat/sub-01_T2w.nii.gz", f"{LABELS}/sub-01_T2w_seg.nii.gz")
    touched(tmp_path, "x/t2.nii", "x/t2_seg.nii.gz", "y/t2_seg.nii.gz")
    image = tmp_path / "sub-01/anat/sub-01_T2w.nii.gz"
    assert image_of(tmp_path / LABELS / "sub-01_T2w_seg.nii.gz") == image
    assert image_of(tmp_path / "x/t2_seg.nii.gz") == tmp_path / "x/t2.nii"
    assert image_of(tmp_path / "y/t2_seg.nii.gz") is None


@pytest.mark.parametrize(
    "discs",
    [
        "sub-01_T2w_label-discs_dlabel.nii.gz",
        "sub-01_T2w_labels-disc-manual.nii.gz",
        "sub-01_T2w_discs.mrk.json",
        "sub-01_desc-T2wDiscs_dseg.nii.gz",
    ],
)
@pytest.mark.parametrize(
    "mask",
    ["sub-01_T2w_seg", "sub-01_T2w_label-SC_softseg", "sub-01_label-SC_desc-T2w_mask"],
)
def test_discs_of_the_same_image_whatever_the_names(tmp_path, discs, mask):
    touched(tmp_path, discs, "sub-01_T1w_label-discs_dlabel.nii.gz", f"{mask}.nii.gz")
    assert discs_beside(tmp_path / f"{mask}.nii.gz") == (tmp_path / discs, None)


def test_discs_of_another_image_of_the_session_in_another_derivative(tmp_path):
    touched(
        tmp_path,
        f"{LABELS}/sub-01_T2w_label-discs_dlabel.nii.gz",
        f"{LABELS}/sub-01_T1w_label-discs_desc-warp_dlabel.nii.gz",
        "derivatives/other/sub-01/dwi/sub-01_dwi_seg.nii.gz",
    )
    path, sentence = discs_beside(tmp_path / "derivatives/other/sub-01/dwi/sub-01_dwi_seg.nii.gz")
    assert path.name == "sub-01_T2w_label-discs_dlabel.nii.gz"
    assert "of another image" in sentence


def test_discs_of_several_images_are_for_the_user_to_choose(tmp_path):
    touched(
        tmp_path,
        "sub-01_T1w_label-discs_dlabel.nii.gz",
        "sub-01_T2w_label-discs_dlabel.nii.gz",
        "sub-01_dwi_seg.nii.gz",
    )
    with pytest.raises(InputError, match="several other images"):
        discs_beside(tmp_path / "sub-01_dwi_seg.nii.gz")
    with pytest.raises(InputError, match="t2_label-discs_dlabel.nii.gz"):
        discs_beside(tmp_path / "t2_seg.nii.gz")


def test_the_description_of_derivatives_names_its_source(tmp_path):
    (tmp_path / "dataset_description.json").write_text(
        '{"Name": "Study", "DatasetDOI": "10.1/2"}', encoding="utf-8"
    )
    content = derivative_description("labels", tmp_path)
    assert content["DatasetType"] == "derivative"
    assert content["GeneratedBy"][0]["Name"] == "SoftCordSeg"
    assert content["SourceDatasets"] == [{"DOI": "10.1/2", "Name": "Study"}]
    assert "SourceDatasets" not in derivative_description("labels", tmp_path / "none")


def test_the_data_set_of_a_file(tmp_path):
    assert dataset_of(tmp_path / LABELS / "sub-01_T2w_seg.nii.gz") == tmp_path
    assert dataset_of(tmp_path / "sub-01/ses-1/anat/sub-01_ses-1_T2w.nii.gz") == tmp_path
    assert dataset_of(tmp_path / "scan.nii.gz") is None


def test_folders_of_a_session(tmp_path):
    assert derivative_folder(tmp_path, "labels", "sub-01_ses-1", "anat") == (
        tmp_path / "derivatives/labels/sub-01/ses-1/anat"
    )
