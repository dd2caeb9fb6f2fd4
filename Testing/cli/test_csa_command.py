"""``softcord csa``: tables from masks."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from cli.fakes import a_neck, digest, names_in, rows_of
from SoftCordSegLib.volume import write_nifti


def soft_area() -> float:
    return float(a_neck().data[:, :, 0].sum() / 1000)


def test_one_row_a_slice_with_the_area_in_mm2(softcord, a_mask, tmp_path):
    table = tmp_path / "out" / "csa.csv"
    result = softcord("csa", a_mask, "-o", table)
    assert result.exit_code == 0, result.stderr
    rows = rows_of(table)
    assert len(rows) == 30
    assert [row["Slice (I->S)"] for row in rows] == [str(n) for n in range(30)]
    assert [float(row["MEAN(area)"]) for row in rows] == pytest.approx([soft_area()] * 30, rel=0.01)
    assert {row["Filename"] for row in rows} == {str(a_mask)}
    assert result.stdout == ""


def test_a_table_needs_no_package_of_dicom(a_mask, tmp_path):
    """nibabel imports pydicom wherever it is installed: a fifth of the time of a short command."""
    code = (
        "import sys\nfrom SoftCordSegLib.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as done:\n    assert not done.code\n"
        "print('nibabel' in sys.modules, 'pydicom' in sys.modules)"
    )
    command = [sys.executable, "-c", code, "csa", str(a_mask), "-o", str(tmp_path / "csa.csv")]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
    assert answer.stdout.split()[-2:] == ["True", "False"]


def test_scts_way_of_naming_the_mask_and_its_default_table(softcord, a_mask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = softcord("csa", "-i", a_mask, "-z", "5:15", "-angle-corr", "1")
    assert result.exit_code == 0, result.stderr
    (row,) = rows_of(tmp_path / "csa.csv")
    assert (row["Filename"], row["Slice (I->S)"]) == (str(a_mask), "5:15")


def test_exact_tilt_is_written_down(softcord, a_mask, tmp_path):
    table = tmp_path / "csa.csv"
    assert softcord("csa", a_mask, "-o", table, "--tilt", "exact").exit_code == 0
    assert {row["AngleCorrection"] for row in rows_of(table)} == {"exact"}
    for arguments in (["--tilt", "true"], ["--tilt", "exact", "--no-angle-corr"]):
        result = softcord("csa", a_mask, "-o", table, *arguments)
        assert result.exit_code == 2
        assert "--tilt" in result.stderr


@pytest.mark.parametrize("source", ["discs_of_the_neck", "a_label_image"])
def test_one_row_a_level_from_either_kind_of_disc_file(softcord, a_mask, tmp_path, source, request):
    discs = request.getfixturevalue(source)
    table = tmp_path / "csa.csv"
    result = softcord("csa", a_mask, "-o", table, "--perlevel", "--discs", discs)
    assert result.exit_code == 0, result.stderr
    levels = {row["VertLevel"]: row["Slice (I->S)"] for row in rows_of(table)}
    assert levels == {"2": "21:29", "3": "9:20", "4": "0:8"}


def test_levels_alone_give_one_pooled_row(softcord, a_mask, discs_of_the_neck, tmp_path):
    table = tmp_path / "csa.csv"
    assert (
        softcord(
            "csa", a_mask, "-o", table, "--discs", discs_of_the_neck, "--vert", "C2:C3"
        ).exit_code
        == 0
    )
    (row,) = rows_of(table)
    assert row["Slice (I->S)"] == "9:29"
    assert row["VertLevel"] == "2:3"


def test_slices_and_levels_together_give_what_is_in_both(
    softcord, a_mask, discs_of_the_neck, tmp_path
):
    table = tmp_path / "csa.csv"
    result = softcord(
        "csa",
        a_mask,
        "-o",
        table,
        "--discs",
        discs_of_the_neck,
        "--vert",
        "3",
        "-z",
        "15:25",
        "--perslice",
    )
    assert result.exit_code == 0, result.stderr
    assert [row["Slice (I->S)"] for row in rows_of(table)] == [str(n) for n in range(15, 21)]


def test_threshold_measures_the_cut_mask(softcord, a_mask, tmp_path):
    table = tmp_path / "csa.csv"
    assert softcord("csa", a_mask, "-o", table, "-z", "5:20", "--threshold", "0.9").exit_code == 0
    (row,) = rows_of(table)
    assert float(row["MEAN(area)"]) == pytest.approx(
        float((a_neck().data[:, :, 0] >= 900).sum()), rel=0.01
    )
    assert row["Threshold"] == "0.9"


def test_angle_correction_can_be_switched_off(softcord, tmp_path):
    neck = a_neck()
    sheared = np.stack(
        [np.roll(neck.data[:, :, k], (k - 15) // 2, axis=1) for k in range(30)], axis=2
    )
    path = tmp_path / "tilted.nii.gz"
    write_nifti(neck.with_data(sheared / 1000), path)
    areas = {}
    for option in ("--angle-corr", "--no-angle-corr"):
        assert (
            softcord("csa", path, "-o", tmp_path / "csa.csv", "-z", "10:20", option).exit_code == 0
        )
        areas[option] = float(rows_of(tmp_path / "csa.csv")[0]["MEAN(area)"])
    # Half a voxel a slice: the cord leans by atan(1/2).
    assert areas["--angle-corr"] / areas["--no-angle-corr"] == pytest.approx(
        np.cos(np.arctan(0.5)), rel=0.03
    )


def test_several_masks_share_one_table_and_a_bad_one_does_not_stop_the_others(
    softcord, a_mask, tmp_path
):
    empty = tmp_path / "in" / "empty.nii.gz"
    write_nifti(a_neck().with_data(np.zeros(a_neck().shape, np.float32)), empty)
    thick = tmp_path / "in" / "thick.nii.gz"
    write_nifti(a_neck(6).with_data(a_neck(6).data / 1000), thick)
    result = softcord(
        "csa", a_mask, empty, thick, "-o", tmp_path / "csa.csv", "-z", "0:29", "--json"
    )
    assert result.exit_code == 1
    assert "empty.nii.gz" in result.stderr
    assert [row["Filename"] for row in rows_of(tmp_path / "csa.csv")] == [str(a_mask), str(thick)]
    content = json.loads(result.stdout)
    assert [mask["Filename"] for mask in content["masks"]] == [str(a_mask), str(thick)]
    assert content["errors"][0]["input"] == str(empty)
    assert content["masks"][0]["Units"]["area"] == "mm2"


def test_masks_of_one_name_are_told_apart_by_their_folders(softcord, a_mask, tmp_path):
    other = tmp_path / "other" / a_mask.name
    write_nifti(a_neck(6).with_data(a_neck(6).data / 1000), other)
    assert softcord("csa", a_mask, other, "-o", tmp_path / "csa.csv", "-z", "3:5").exit_code == 0
    assert [row["Filename"] for row in rows_of(tmp_path / "csa.csv")] == [str(a_mask), str(other)]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--vert", "C9"], "C9"),
        (["-z", "3:x"], "x"),
        (["--perslice", "--perlevel"], "not both"),
        (["--threshold", "half"], "half"),
        (["--threshold", "2"], "2"),
        (["--rescaling", "mine"], "mine"),
    ],
)
def test_usage_errors_exit_with_2_and_say_what_is_missing(
    softcord, a_mask, tmp_path, arguments, word
):
    result = softcord("csa", a_mask, "-o", tmp_path / "out" / "csa.csv", *arguments)
    assert result.exit_code == 2
    assert word in result.stderr
    assert names_in(tmp_path / "out") == []


def test_a_mask_is_never_written_over(softcord, a_mask):
    before = digest(a_mask)
    assert softcord("csa", a_mask, "-o", a_mask).exit_code == 2
    assert digest(a_mask) == before


def test_a_folder_in_place_of_the_table_is_a_sentence(softcord, a_mask, tmp_path):
    result = softcord("csa", a_mask, "-o", tmp_path)
    assert result.exit_code == 2
    assert "is a folder" in result.stderr


@pytest.mark.parametrize(
    "content",
    ["", "{}", '{"markups": []}', '{"markups": [{"controlPoints": [{"label": "C2/C3"}]}]}'],
)
def test_a_broken_disc_file_is_a_sentence(softcord, a_mask, tmp_path, content):
    discs = tmp_path / "discs.mrk.json"
    discs.write_text(content, encoding="utf-8")
    result = softcord(
        "csa", a_mask, "-o", tmp_path / "out" / "csa.csv", "--perlevel", "--discs", discs
    )
    assert result.exit_code == 1
    assert "discs.mrk.json" in result.stderr
    assert names_in(tmp_path / "out") == []


def test_older_point_lists_of_slicer_are_read(softcord, a_mask, tmp_path):
    discs = tmp_path / "discs.fcsv"
    discs.write_text(
        "# Markups fiducial file version = 4.11\n# CoordinateSystem = LPS\n"
        "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc\n"
        "1,0,-8,20,0,0,0,1,1,1,0,C2/C3,\n2,0,-8,8,0,0,0,1,1,1,0,C3/C4,\n",
        encoding="utf-8",
    )
    table = tmp_path / "csa.csv"
    assert softcord("csa", a_mask, "-o", table, "--perlevel", "--discs", discs).exit_code == 0
    assert [row["VertLevel"] for row in rows_of(table)] == ["2", "3", "4"]


@pytest.mark.parametrize("arguments", [["--perlevel"], ["--vert", "2:3"], ["--normalize-pam50"]])
def test_levels_that_nothing_tells_are_a_sentence_and_no_table(
    softcord, a_mask, tmp_path, arguments
):
    result = softcord("csa", a_mask, "-o", tmp_path / "out" / "csa.csv", *arguments)
    assert result.exit_code == 1
    assert "ertebral levels" in result.stderr
    assert names_in(tmp_path / "out") == []


@pytest.mark.parametrize("arguments", [["--vert", "7"], ["--vert", "2", "-z", "0:5"]])
def test_nothing_to_measure_is_a_sentence_and_no_table(
    softcord, a_mask, discs_of_the_neck, tmp_path, arguments
):
    result = softcord(
        "csa", a_mask, "-o", tmp_path / "out" / "csa.csv", "--discs", discs_of_the_neck, *arguments
    )
    assert result.exit_code == 1
    assert "no slices here" in result.stderr
    assert names_in(tmp_path / "out") == []


def test_levels_given_as_discs_name_the_file(softcord, a_mask, tmp_path):
    levels = tmp_path / "in" / "levels.nii.gz"
    write_nifti(a_neck().with_data((2 * (a_neck().data > 500)).astype(np.uint8)), levels)
    result = softcord("csa", a_mask, "-o", tmp_path / "csa.csv", "--discs", levels, "--perlevel")
    assert result.exit_code == 1
    assert "levels.nii.gz" in result.stderr
    assert (
        softcord(
            "csa", a_mask, "-o", tmp_path / "csa.csv", "--vertfile", levels, "--perlevel"
        ).exit_code
        == 0
    )
    assert [row["VertLevel"] for row in rows_of(tmp_path / "csa.csv")] == ["2"]
