"""Corrected cases are found by the names that masks have."""

from __future__ import annotations

import json

import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.training.finetune import find_cases


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def found(place, images=None):
    """(image, mask, participant) of each case by names below ``place``, and the notes."""
    cases, _held_out, notes = find_cases(place, images)
    root = place if images is None else place.parent
    return [
        (str(c.image.relative_to(root)), str(c.label.relative_to(root)), c.participant)
        for c in cases
    ], notes


def test_what_the_panel_saves_beside_an_image_is_one_case(tmp_path):
    start = "sub-01_T2w_label-"
    touch(
        tmp_path,
        "sub-01_T2w.nii.gz",
        f"{start}SC_softseg.nii.gz",
        f"{start}SC_softseg.json",
        f"{start}SC_seg.nii.gz",
    )
    touch(tmp_path, f"{start}SC_edits.nii.gz", f"{start}discs_dlabel.nii.gz")
    cases, notes = found(tmp_path)
    assert cases == [("sub-01_T2w.nii.gz", f"{start}SC_softseg.nii.gz", "sub-01")]
    assert notes == [
        f"Of 'sub-01_T2w.nii.gz' the mask '{start}SC_softseg.nii.gz' is taken, and"
        f" '{start}SC_seg.nii.gz' left out."
    ]


@pytest.mark.parametrize(
    "spelling",
    ["label-SC_softseg", "label-SC_seg", "label-SC_mask", "seg", "softseg", "desc-corrected_seg"],
)
def test_a_mask_is_found_under_every_name(tmp_path, spelling):
    touch(tmp_path, "sub-01_T2w.nii.gz", f"sub-01_T2w_{spelling}.nii.gz")
    touch(tmp_path, "sub-01_T2w_label-GM_seg.nii.gz", "sub-01_T2w_label-discs_dlabel.nii.gz")
    assert found(tmp_path)[0] == [("sub-01_T2w.nii.gz", f"sub-01_T2w_{spelling}.nii.gz", "sub-01")]


def test_the_sidecar_says_which_mask_was_corrected(tmp_path):
    """manual-correction saves under ``_seg``, beside what was segmented here."""
    touch(
        tmp_path, "sub-01_T2w.nii.gz", "sub-01_T2w_label-SC_softseg.nii.gz", "sub-01_T2w_seg.nii.gz"
    )
    history = {"label-SC_softseg": [{"Name": "SoftCordSeg"}], "seg": [{"Name": "Manual"}]}
    for name, entries in history.items():
        (tmp_path / f"sub-01_T2w_{name}.json").write_text(
            json.dumps({"GeneratedBy": entries}), encoding="utf-8"
        )
    assert found(tmp_path)[0] == [("sub-01_T2w.nii.gz", "sub-01_T2w_seg.nii.gz", "sub-01")]


def test_a_mask_by_hand_goes_before_one_of_a_program(tmp_path):
    touch(
        tmp_path, "sub-01_T2w.nii.gz", "sub-01_T2w_softseg.nii.gz", "sub-01_T2w_seg-manual.nii.gz"
    )
    assert found(tmp_path)[0] == [("sub-01_T2w.nii.gz", "sub-01_T2w_seg-manual.nii.gz", "sub-01")]


@pytest.mark.parametrize("place", [".", "derivatives", "derivatives/labels"])
def test_a_bids_data_set_from_its_root_or_its_derivatives(tmp_path, place):
    for subject in ("sub-01", "sub-02"):
        touch(
            tmp_path, f"{subject}/anat/{subject}_T2w.nii.gz", f"{subject}/anat/{subject}_T1w.nii.gz"
        )
        touch(tmp_path, f"derivatives/labels/{subject}/anat/{subject}_T2w_label-SC_seg.nii.gz")
    cases, _held_out, notes = find_cases(tmp_path / place)
    assert [(case.image.relative_to(tmp_path).as_posix(), case.participant) for case in cases] == [
        ("sub-01/anat/sub-01_T2w.nii.gz", "sub-01"),
        ("sub-02/anat/sub-02_T2w.nii.gz", "sub-02"),
    ]
    assert notes == []


def test_images_may_be_elsewhere(tmp_path):
    touch(tmp_path, "masks/sub-01_T2w_softseg.nii.gz", "scans/deep/sub-01_T2w.nii.gz")
    assert found(tmp_path / "masks", tmp_path / "scans")[0] == [
        ("scans/deep/sub-01_T2w.nii.gz", "masks/sub-01_T2w_softseg.nii.gz", "sub-01")
    ]
    with pytest.raises(InputError, match="give the folder of the images"):
        find_cases(tmp_path / "masks")


def test_the_folder_of_images_may_hold_that_of_the_masks(tmp_path):
    touch(
        tmp_path,
        "sub-01/anat/sub-01_T2w.nii.gz",
        "derivatives/labels/sub-01/anat/sub-01_T2w_label-SC_softseg.nii.gz",
    )
    cases, _held_out, _notes = find_cases(tmp_path / "derivatives", tmp_path)
    assert [(case.image.name, case.participant) for case in cases] == [
        ("sub-01_T2w.nii.gz", "sub-01")
    ]


def test_a_mask_whose_image_is_missing_is_left_out_and_named(tmp_path):
    touch(tmp_path, "sub-01_T2w.nii.gz", "sub-01_T2w_seg.nii.gz", "sub-02_T2w_seg.nii.gz")
    cases, notes = found(tmp_path)
    assert len(cases) == 1
    assert notes == ["Left out, since their images are not there: 'sub-02_T2w_seg.nii.gz'."]


def test_without_bids_names_folders_are_participants_and_without_folders_images_are(tmp_path):
    touch(
        tmp_path / "a",
        "anna/t2.nii.gz",
        "anna/t2_seg.nii.gz",
        "berta/t2.nii.gz",
        "berta/t2_seg.nii.gz",
    )
    cases, notes = found(tmp_path / "a")
    assert [participant for *_files, participant in cases] == ["anna", "berta"]
    assert "each folder counts as a participant of its own" in notes[0]
    touch(
        tmp_path / "b",
        "images/x.nii.gz",
        "masks/x_seg.nii.gz",
        "images/y.nii.gz",
        "masks/y_seg.nii.gz",
    )
    cases, notes = found(tmp_path / "b")
    assert [participant for *_files, participant in cases] == ["x", "y"]
    assert "each image counts as a participant of its own" in notes[0]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ((), "There are no masks of the cord"),
        (("sub-01_T2w.nii.gz",), "IMAGE_label-SC_softseg.nii.gz"),
        (("a/x.nii.gz", "b/x.nii.gz", "c/x_seg.nii.gz"), "could belong to"),
        (("x.nii.gz", "x_seg-manual.nii.gz", "x_label-SC_seg.nii.gz"), "has two masks"),
    ],
)
def test_what_is_not_plain_is_refused(tmp_path, names, sentence):
    touch(tmp_path, *names)
    with pytest.raises(InputError, match=sentence):
        find_cases(tmp_path)


def test_there_is_no_such_folder(tmp_path):
    with pytest.raises(InputError, match="no folder or list of cases"):
        find_cases(tmp_path / "nowhere")
    touch(tmp_path, "x_seg.nii.gz")
    with pytest.raises(InputError, match="no folder of images"):
        find_cases(tmp_path, tmp_path / "nowhere")


def write_list(folder, **parts):
    touch(
        folder,
        *(
            f"{name}{end}"
            for names in parts.values()
            for name in names
            for end in (".nii.gz", "_y.nii.gz")
        ),
    )
    content = {
        part: [{"image": f"{n}.nii.gz", "label": f"{n}_y.nii.gz"} for n in names]
        for part, names in parts.items()
    }
    (folder / "cases.json").write_text(json.dumps(content), encoding="utf-8")
    return folder / "cases.json"


def test_a_list_names_cases_and_those_held_out(tmp_path):
    path = write_list(tmp_path, training=["sub-01_T2w", "sub-02_T2w"], validation=["sub-03_T2w"])
    cases, held_out, _notes = find_cases(path)
    assert [case.participant for case in cases] == ["sub-01", "sub-02", "sub-03"]
    assert [case.participant for case in held_out] == ["sub-03"]


def test_a_list_with_a_participant_in_two_parts_is_refused(tmp_path):
    path = write_list(tmp_path, training=["sub-01_T2w"], validation=["sub-01_T1w"])
    with pytest.raises(InputError, match="Participant sub-01 is under both"):
        find_cases(path)
