"""What ``softcord softgt`` must not do silently: mix people, overlook a word, leave old ground
truths lying about.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from cli.scans import neck
from SoftCordSegLib.cli.softgt.inputs import find_participants
from SoftCordSegLib.volume import write_nifti

SOFT = "derivatives/labels_softseg/sub-0{}/anat/sub-0{}_{}_label-SC_softseg.nii.gz"


@pytest.fixture
def masks(tmp_path):
    """A data set of two participants with two contrasts each; its masks by participant and
    contrast.
    """
    mask = neck(2.0, (20, 20, 20)).with_data((neck(2.0, (20, 20, 20)).data > 500).astype(np.uint8))
    found = {}
    for number in (1, 2):
        for contrast in ("T1w", "T2w"):
            name = f"sub-0{number}_{contrast}_label-SC_seg.nii.gz"
            found[number, contrast] = (
                tmp_path / f"data/derivatives/labels/sub-0{number}/anat" / name
            )
            write_nifti(mask, found[number, contrast])
    return found


def test_masks_of_two_people_are_not_averaged(softcord, masks, tmp_path):
    words = (f"T2w={masks[1, 'T2w']}", "--mask", f"T1w={masks[2, 'T1w']}")

    result = softcord("softgt", "--mask", *words, "-o", tmp_path / "out")

    assert result.exit_code == 2
    assert "These are files of sub-01 and sub-02" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("word", "code", "sentence"),
    [
        ("T3w=4", 2, "No participant has the contrast T3w. Choose among T1w, T2w."),
        ("nan", 2, "is not a length"),
        ("T2w=inf", 2, "is not a length"),
        ("-1", 2, "is not a length"),
        ("T2w=x", 2, "'T2w=x' is neither"),
    ],
)
def test_lengths_that_are_none_or_nobodys(softcord, masks, tmp_path, word, code, sentence):
    result = softcord("softgt", tmp_path / "data", "-o", tmp_path / "out", f"--trim-mm={word}")

    assert result.exit_code == code
    assert sentence in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_list_may_name_the_image_or_its_mask_and_what_it_names_in_vain_is_said(
    softcord, masks, tmp_path
):
    (tmp_path / "list.yml").write_text(
        "FILES_SEG:\n- sub-01_T1w.nii.gz\n- sub-02_T1w_label-SC_seg.nii.gz\n- sub-09\n-"
        " sub-01_T9w\n"
    )

    result = softcord(
        "softgt",
        tmp_path / "data",
        "-o",
        tmp_path / "out",
        "--exclude",
        tmp_path / "list.yml",
        "--json",
    )

    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert [list(one["contrasts"]) for one in answer["results"]] == [["T2w"], ["T2w"]]
    assert "'list.yml' also names what is not here (2): sub-09, sub-01_T9w." in answer["left_out"]
    assert "But" not in " ".join(answer["left_out"])


def test_a_ground_truth_of_before_that_is_left_out_now_is_named(softcord, masks, tmp_path):
    words = ("softgt", tmp_path / "data", "-o", tmp_path / "out", "--json")
    assert softcord(*words).exit_code == 0
    (tmp_path / "list.yml").write_text("- sub-01_T1w  # artifact\n- sub-02\n")

    answer = json.loads(softcord(*words, "--exclude", tmp_path / "list.yml").stdout)

    first, second = answer["left_out"]
    assert "But sub-01_T1w_label-SC_softseg.nii.gz of an earlier run still lies there" in first
    assert (
        "But sub-02_T1w_label-SC_softseg.nii.gz, sub-02_T2w_label-SC_softseg.nii.gz of an"
        " earlier run" in second
    )
    assert (tmp_path / "out" / SOFT.format(1, 1, "T1w")).exists()  # said, not deleted


def test_which_of_two_masks_is_taken_is_said(masks, tmp_path):
    older = masks[1, "T1w"].with_name("sub-01_T1w_seg-manual.nii.gz")
    older.write_bytes(masks[1, "T1w"].read_bytes())

    one, other = find_participants(tmp_path / "data", "T2w")

    assert one.masks["T1w"] == masks[1, "T1w"]
    assert (
        f"Of the masks of sub-01_T1w '{masks[1, 'T1w']}' is taken, and '{older}' is not."
        in one.notes
    )
    assert not any("Of the masks" in note for note in other.notes)
