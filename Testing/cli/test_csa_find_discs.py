"""``softcord csa --find-discs``: the discs of a data set beside their masks, by their BIDS
names.
"""

from __future__ import annotations

import json

import pytest

from cli.fakes import a_neck, names_in, rows_of, write_points
from SoftCordSegLib.volume import write_nifti

TWO_DISCS = {3: (19, 12, 20), 4: (19, 12, 8)}
OTHER_DISCS = {5: (19, 12, 20)}


@pytest.fixture
def data_set(tmp_path):
    """Puts a mask where a BIDS data set has it, and gives its path."""

    def make(mask: str):
        path = tmp_path / "data" / mask
        neck = a_neck()
        write_nifti(neck.with_data(neck.data / 1000), path)
        return path

    return make


def levels_found(softcord, mask, tmp_path):
    result = softcord("csa", mask, "-o", tmp_path / "csa.csv", "--find-discs", "--perlevel")
    assert result.exit_code == 0, result.stderr
    return [row["VertLevel"] for row in rows_of(tmp_path / "csa.csv")], result.stderr


@pytest.mark.parametrize(
    ("mask", "discs"),
    [
        (
            "sub-01/anat/sub-01_T2w_softseg.nii.gz",
            "sub-01/anat/sub-01_T2w_label-discs_dlabel.nii.gz",
        ),
        (
            "sub-01/anat/sub-01_T2w_label-SC_seg.nii.gz",
            "sub-01/anat/sub-01_T2w_label-discs_dlabel.nii",
        ),
        (
            "derivatives/labels_softseg/sub-01/anat/sub-01_T2w_desc-softseg_label-SC_seg.nii.gz",
            "derivatives/labels/sub-01/anat/sub-01_T2w_label-discs_dlabel.nii.gz",
        ),
        (
            "sub-01/ses-2/anat/sub-01_ses-2_T2w_seg.nii.gz",
            "sub-01/ses-2/anat/sub-01_ses-2_T2w_label-discs_dlabel.nii.gz",
        ),
        (
            "derivatives/labels_softseg/sub-01/dwi/sub-01_rec-average_dwi_label-SC_softseg.nii.gz",
            "derivatives/labels/sub-01/dwi/sub-01_rec-average_dwi_label-discs_desc-warp_dlabel.nii.gz",
        ),
        ("t2_seg-manual.nii.gz", "t2_labels-disc.nii.gz"),
    ],
)
def test_the_discs_of_the_masks_own_image_are_found(softcord, data_set, tmp_path, mask, discs):
    path = data_set(mask)
    write_points(tmp_path / "data" / discs, TWO_DISCS)
    found, told = levels_found(softcord, path, tmp_path)
    assert found == ["2", "3", "4"]
    assert "another image" not in told


def test_the_own_image_comes_before_another(softcord, data_set, tmp_path):
    path = data_set("anat/sub-01_T1w_softseg.nii.gz")
    write_points(path.with_name("sub-01_T1w_label-discs_dlabel.nii.gz"), TWO_DISCS)
    write_points(path.with_name("sub-01_T2w_label-discs_dlabel.nii.gz"), OTHER_DISCS)
    assert levels_found(softcord, path, tmp_path)[0] == ["2", "3", "4"]


def test_the_nearer_name_comes_first(softcord, data_set, tmp_path):
    path = data_set("anat/sub-01_T2w_softseg.nii.gz")
    write_points(path.with_name("sub-01_T2w_label-discs_dlabel.nii.gz"), TWO_DISCS)
    write_points(path.with_name("sub-01_label-discs_dlabel.nii.gz"), OTHER_DISCS)
    assert levels_found(softcord, path, tmp_path)[0] == ["2", "3", "4"]


def test_the_discs_of_another_image_serve_through_scanner_coordinates_and_it_is_said(
    softcord, data_set, tmp_path
):
    path = data_set("anat/sub-01_T2star_softseg.nii.gz")
    write_points(path.with_name("sub-01_T2w_label-discs_dlabel.nii.gz"), TWO_DISCS)
    write_points(path.with_name("sub-02_T2w_label-discs_dlabel.nii.gz"), OTHER_DISCS)
    found, told = levels_found(softcord, path, tmp_path)
    assert found == ["2", "3", "4"]
    assert "'sub-01_T2w_label-discs_dlabel.nii.gz', of another image" in told


@pytest.mark.parametrize("root", ["", "derivatives/labels_softseg/"])
def test_the_discs_of_an_anatomical_image_serve_a_diffusion_series(
    softcord, data_set, tmp_path, root
):
    path = data_set(f"{root}sub-01/dwi/sub-01_dwi_softseg.nii.gz")
    discs = tmp_path / "data" / ("derivatives/labels" if root else "") / "sub-01" / "anat"
    write_points(discs / "sub-01_T2w_label-discs_dlabel.nii.gz", TWO_DISCS)
    write_points(
        discs / "sub-01_T1w_label-discs_desc-warp_dlabel.nii.gz", OTHER_DISCS
    )  # not where they were marked
    found, told = levels_found(softcord, path, tmp_path)
    assert found == ["2", "3", "4"]
    assert "of another image" in told


def test_a_mask_that_is_a_link_is_looked_for_where_the_link_is(softcord, data_set, tmp_path):
    """So data sets under git-annex and DataLad are kept."""
    stored = data_set("annex/objects/sha256-of-it.nii.gz")
    mask = tmp_path / "data" / "anat" / "sub-01_T2w_softseg.nii.gz"
    write_points(mask.with_name("sub-01_T2w_label-discs_dlabel.nii.gz"), TWO_DISCS)
    try:
        mask.symlink_to(stored)
    except OSError:
        pytest.skip("links cannot be made here")
    assert levels_found(softcord, mask, tmp_path)[0] == ["2", "3", "4"]


def test_the_json_says_whose_discs_they_are(softcord, data_set, tmp_path):
    path = data_set("anat/sub-01_T2star_softseg.nii.gz")
    write_points(path.with_name("sub-01_T2w_label-discs_dlabel.nii.gz"), TWO_DISCS)
    result = softcord("csa", path, "-o", tmp_path / "csa.csv", "--find-discs", "--json")
    assert any(
        "of another image" in note for note in json.loads(result.stdout)["masks"][0]["Notes"]
    )


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ([], "sub-01_T2star_softseg.nii.gz': There are no disc labels beside it"),
        (["sub-02_T2w_label-discs_dlabel.nii.gz"], "no disc labels beside"),
        (
            ["sub-01_T1w_label-discs_dlabel.nii.gz", "sub-01_T2w_label-discs_dlabel.nii.gz"],
            "disc labels of several other images",
        ),
    ],
    ids=["none", "another subject's", "several"],
)
def test_no_or_ambiguous_discs_are_a_sentence(softcord, data_set, tmp_path, files, word):
    path = data_set("anat/sub-01_T2star_softseg.nii.gz")
    for name in files:
        write_points(path.with_name(name), TWO_DISCS)
    result = softcord("csa", path, "-o", tmp_path / "out" / "csa.csv", "--find-discs", "--perlevel")
    assert result.exit_code == 1
    assert word in result.stderr
    assert names_in(tmp_path / "out") == []


def test_nothing_is_looked_for_unless_the_user_says_so(softcord, data_set, tmp_path):
    path = data_set("anat/sub-01_T2w_softseg.nii.gz")
    write_points(path.with_name("sub-01_T2w_label-discs_dlabel.nii.gz"), TWO_DISCS)
    assert softcord("csa", path, "-o", tmp_path / "csa.csv").exit_code == 0
    assert {row["VertLevel"] for row in rows_of(tmp_path / "csa.csv")} == {""}
