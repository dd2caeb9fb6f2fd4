"""The cases of data sets as labs have them."""

from __future__ import annotations

import os
import unicodedata

import pytest

from review.folders import bids_folder, make_files
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.review import find_review_cases


def found(folder):
    return {case.key: case for case in find_review_cases(folder)}


def names(paths):
    return [path.name for path in paths]


def test_a_bids_data_set_gives_image_masks_discs_and_other_contrasts(tmp_path):
    cases = found(bids_folder(tmp_path))

    assert list(cases) == [f"sub-0{n}/anat/sub-0{n}_{c}" for n in (1, 2, 3) for c in ("T1w", "T2w")]
    case = cases["sub-02/anat/sub-02_T2w"]
    assert (case.participant, case.session, case.contrast) == ("sub-02", "sub-02", "T2w")
    assert case.image == tmp_path / "sub-02/anat/sub-02_T2w.nii.gz"
    assert names(case.masks) == ["sub-02_T2w_label-SC_softseg.nii.gz"]
    assert case.discs.name == "sub-02_T2w_label-discs_dlabel.nii.gz"
    assert names(case.others) == ["sub-02_T1w.nii.gz"]
    assert case.problem == ""
    other = cases["sub-02/anat/sub-02_T1w"]
    assert other.mask is None
    assert other.discs == case.discs, "those of the one other image of the session"


def test_masks_of_several_makers_come_with_the_best_first(tmp_path):
    image = "sub-01/ses-a/anat/sub-01_ses-a_run-2_T2w"
    make_files(
        tmp_path,
        [
            f"{image}.nii.gz",
            f"{image}_seg.nii.gz",
            f"derivatives/sct/{image}_label-SC_seg.nii.gz",
            f"derivatives/sct/{image}_label-SC_seg.json",
            f"derivatives/labels/{image}_label-SC_softseg.nii.gz",
            f"derivatives/labels/{image}_label-SC_softseg.json*",
            f"derivatives/rater/{image}_desc-rater3_label-SC_seg.nii.gz",
            f"derivatives/labels/{image}_label-SC_lesion.nii.gz",
            "derivatives/labels/sub-01/ses-b/anat/sub-01_ses-b_T2w_label-SC_softseg.nii.gz",
        ],
    )

    case = found(tmp_path)[image]

    assert [mask.relative_to(tmp_path).parts[1] for mask in case.masks] == [
        "labels",
        "rater",
        "ses-a",
        "sct",
    ]
    assert case.session == "sub-01_ses-a"
    assert case.contrast == "run-2_T2w"


def test_a_plain_folder_of_folders_has_its_names_again_and_again(tmp_path):
    make_files(
        tmp_path,
        [f"{p}/{n}.nii.gz" for p in ("anna", "bert") for n in ("t2", "t1", "t2_seg", "t2_discs")]
        + ["bert/t2.nii"],
    )

    cases = found(tmp_path)

    assert list(cases) == ["anna/t1", "anna/t2", "bert/t1", "bert/t2"]
    case = cases["bert/t2"]
    assert case.image.name == "t2.nii.gz"
    assert case.participant == ""
    assert case.contrast == "t2"
    assert case.masks == (tmp_path / "bert/t2_seg.nii.gz",)
    assert case.discs == tmp_path / "bert/t2_discs.nii.gz"
    assert case.others == (tmp_path / "bert/t1.nii.gz",)


def test_a_flat_folder_and_masks_in_a_folder_beside(tmp_path):
    make_files(tmp_path, [f"images/p{n}.nii.gz" for n in (1, 2, 10)])
    make_files(tmp_path, [f"masks/p{n}_seg.nii.gz" for n in (1, 10)])

    cases = found(tmp_path)

    assert list(cases) == ["images/p1", "images/p2", "images/p10"]
    assert [len(case.masks) for case in cases.values()] == [1, 0, 1]
    assert cases["images/p1"].others == (), "unrelated images of one folder"


def test_a_mask_that_may_be_of_two_images_is_no_ones(tmp_path):
    make_files(tmp_path, ["a/x.nii.gz", "b/c/x.nii.gz", "x_seg.nii.gz", "masks/c/x_seg.nii.gz"])

    cases = found(tmp_path)

    assert [len(cases[key].masks) for key in ("a/x", "b/c/x")] == [0, 1]
    assert "image is missing" in cases["x"].problem


def test_participant_and_session_may_stand_in_the_folders_alone(tmp_path):
    make_files(tmp_path, [f"sub-7/ses-2/{n}.nii.gz" for n in ("t2", "t1", "t2_seg")])

    case = found(tmp_path)["sub-7/ses-2/t2"]

    assert (case.participant, case.session) == ("sub-7", "sub-7_ses-2")
    assert names(case.others) == ["t1.nii.gz"]


def test_images_made_from_others_are_cases_where_they_have_masks(tmp_path):
    folder = "derivatives/prepared/sub-01/anat"
    make_files(
        tmp_path,
        [
            "sub-01/anat/sub-01_T2w.nii.gz",
            f"{folder}/sub-01_space-other_T1w.nii.gz",
            f"{folder}/sub-01_space-other_T2star.nii.gz",
            f"{folder}/sub-01_space-other_T1w_label-SC_softseg.nii.gz",
            "derivatives/labels/sub-01/anat/sub-01_label-SC_desc-T2w_probseg.nii.gz",
            "derivatives/labels/sub-01/anat/sub-01_space-PAM50_T2w_label-SC_seg.nii.gz",
        ],
    )

    cases = found(tmp_path)

    assert list(cases) == [f"{folder}/sub-01_space-other_T1w", "sub-01/anat/sub-01_T2w"]
    assert [len(case.masks) for case in cases.values()] == [1, 1], "another space is no mask of it"


def test_what_is_broken_is_listed_with_its_reason(tmp_path):
    bids_folder(tmp_path, participants=6)
    anat = {n: tmp_path / f"sub-0{n}/anat/sub-0{n}_T2w.nii.gz" for n in range(1, 7)}
    anat[1].unlink()
    anat[2].write_bytes(b"")
    anat[3].write_bytes(b"/annex/objects/SHA256E-s1--00.nii.gz\n")
    anat[4].unlink()
    anat[4].symlink_to("../../.git/annex/objects/SHA256E-s1--00.nii.gz")
    mask = tmp_path / "derivatives/labels/sub-05/anat/sub-05_T2w_label-SC_softseg.nii.gz"
    mask.unlink()
    mask.symlink_to("../nowhere")

    cases = found(tmp_path)
    problems = {n: cases[f"sub-0{n}/anat/sub-0{n}_T2w"].problem for n in range(1, 7)}

    assert "its image is missing" in problems[1]
    assert problems[2] == "The image is empty."
    assert "not fetched" in problems[3]
    assert problems[3] == problems[4]
    assert mask.name in problems[5]
    assert "not fetched" in problems[5]
    assert problems[6] == ""


def test_a_folder_without_permission_costs_itself_only(tmp_path, monkeypatch):
    bids_folder(tmp_path)
    scandir = os.scandir  # root reads every folder

    def without_permission(path):
        if path.name == "sub-02":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("SoftCordSegLib.review.review_cases.os.scandir", without_permission)
    cases = found(tmp_path)

    assert "cannot be read" in cases["sub-02"].problem
    assert cases["sub-03/anat/sub-03_T2w"].problem == ""


def test_folders_on_another_disk_are_followed_and_circles_are_not(tmp_path):
    dataset = bids_folder(tmp_path / "data", participants=1)
    elsewhere = bids_folder(tmp_path / "disk", participants=2)
    (dataset / "sub-02").symlink_to(elsewhere / "sub-02", target_is_directory=True)
    (dataset / "again").symlink_to(dataset / "sub-01", target_is_directory=True)
    (dataset / "up").symlink_to(tmp_path, target_is_directory=True)

    assert list(found(dataset)) == [
        f"sub-0{n}/anat/sub-0{n}_{c}" for n in (1, 2) for c in ("T1w", "T2w")
    ]


def test_names_of_a_mac_have_the_keys_of_other_systems(tmp_path):
    make_files(tmp_path, [unicodedata.normalize("NFD", "Kühn/t2.nii.gz")])

    assert list(found(tmp_path)) == [unicodedata.normalize("NFC", "Kühn/t2")]


def test_a_missing_folder_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        find_review_cases(tmp_path / "nowhere")
