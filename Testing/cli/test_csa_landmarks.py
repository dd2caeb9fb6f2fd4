"""``softcord csa`` by landmarks: the pontomedullary junction, PAM50, levels of labelled masks,
angles of another mask.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from cli.fakes import a_neck, digest, names_in, rows_of, write_points
from SoftCordSegLib.volume import Volume, read_nifti, write_nifti


@pytest.fixture
def a_cube(tmp_path):
    """SCT's: 32³ at 1 mm, cord from 9 to 23 in all directions."""
    data = np.zeros((32, 32, 32), np.uint8)
    data[9:24, 9:24, 9:24] = 1
    path = tmp_path / "in" / "cube_seg.nii.gz"
    write_nifti(Volume(data, np.eye(4)), path)
    return path


@pytest.fixture
def its_junction(a_cube):
    return write_points(a_cube.with_name("pmj.nii.gz"), {50: (15, 15, 28)}, like=read_nifti(a_cube))


def test_slices_around_a_distance_from_the_junction_are_scts(
    softcord, a_cube, its_junction, tmp_path
):
    table = tmp_path / "csa.csv"
    result = softcord(
        "csa",
        a_cube,
        "-o",
        table,
        "--pmj",
        its_junction,
        "--pmj-distance",
        "8",
        "--pmj-extent",
        "4",
    )
    assert result.exit_code == 0, result.stderr
    (row,) = rows_of(table)
    assert row["Slice (I->S)"] == "18:21"
    assert float(row["SUM(length)"]) == pytest.approx(4.0)
    assert float(row["DistancePMJ"]) == 8.0


def test_each_slice_says_its_distance_from_the_junction(softcord, a_cube, its_junction, tmp_path):
    table = tmp_path / "csa.csv"
    assert (
        softcord("csa", a_cube, "-o", table, "-perslice", "1", "-pmj", its_junction).exit_code == 0
    )
    (row,) = (row for row in rows_of(table) if row["Slice (I->S)"] == "10")
    assert float(row["DistancePMJ"]) == pytest.approx(18.11, abs=0.005)


def test_slices_around_a_distance_say_their_own(softcord, a_cube, its_junction, tmp_path):
    table = tmp_path / "csa.csv"
    options = ["--pmj", its_junction, "--pmj-distance", "8", "--pmj-extent", "4", "--perslice"]
    assert softcord("csa", a_cube, "-o", table, *options).exit_code == 0
    distances = [float(row["DistancePMJ"]) for row in rows_of(table)]
    assert np.diff(distances) == pytest.approx([-1.0] * 3, abs=0.05)
    assert distances[0] > 8 > distances[-1]


def test_the_junction_may_be_a_point_of_slicers(softcord, a_cube, its_junction, tmp_path):
    points = tmp_path / "pmj.mrk.json"
    control = [{"label": "PMJ", "position": [-15, -15, 28]}]
    points.write_text(
        json.dumps({"markups": [{"coordinateSystem": "LPS", "controlPoints": control}]}),
        encoding="utf-8",
    )
    rows = []
    for file in (its_junction, points):
        assert softcord("csa", a_cube, "-o", tmp_path / "csa.csv", "--pmj", file).exit_code == 0
        rows.append([row["DistancePMJ"] for row in rows_of(tmp_path / "csa.csv")])
    assert rows[0] == rows[1]


def test_the_junction_may_be_among_the_discs(softcord, a_cube, tmp_path):
    discs = write_points(
        tmp_path / "discs.nii.gz", {50: (15, 15, 28), 3: (15, 25, 16)}, like=read_nifti(a_cube)
    )
    table = tmp_path / "csa.csv"
    options = ["--pmj-distance", "8", "--pmj-extent", "4"]
    assert softcord("csa", a_cube, "-o", table, "--discs", discs, *options).exit_code == 0
    assert rows_of(table)[0]["Slice (I->S)"] == "18:21"
    assert (
        softcord("csa", a_cube, "-o", table, "--discs", discs, *options, "--perslice").exit_code
        == 0
    )
    assert [(row["Slice (I->S)"], row["VertLevel"]) for row in rows_of(table)] == [
        ("18", "2"),
        ("19", "2"),
        ("20", "2"),
        ("21", "2"),
    ]


def test_a_file_with_the_junction_alone_tells_no_levels(softcord, a_cube, its_junction, tmp_path):
    table = tmp_path / "csa.csv"
    assert (
        softcord(
            "csa", a_cube, "-o", table, "--discs", its_junction, "--pmj-distance", "8"
        ).exit_code
        == 1
    )
    result = softcord(
        "csa",
        a_cube,
        "-o",
        table,
        "--discs",
        its_junction,
        "--pmj-distance",
        "8",
        "--pmj-extent",
        "4",
    )
    assert result.exit_code == 0, result.stderr
    result = softcord(
        "csa", a_cube, "-o", tmp_path / "out" / "csa.csv", "--discs", its_junction, "--perlevel"
    )
    assert result.exit_code == 1
    assert "No intervertebral disc is marked" in result.stderr
    assert its_junction.name in result.stderr


def test_discs_in_place_of_the_junction_are_a_sentence(softcord, a_mask, a_label_image, tmp_path):
    result = softcord("csa", a_mask, "-o", tmp_path / "out" / "csa.csv", "--pmj", a_label_image)
    assert result.exit_code == 1
    assert f"'{a_label_image}': The labels have no pontomedullary junction" in result.stderr
    assert names_in(tmp_path / "out") == []


def test_a_distance_that_the_mask_does_not_reach_is_a_sentence(
    softcord, a_cube, its_junction, tmp_path
):
    result = softcord(
        "csa",
        a_cube,
        "-o",
        tmp_path / "out" / "csa.csv",
        "--pmj",
        its_junction,
        "--pmj-distance",
        "60",
    )
    assert result.exit_code == 1
    assert "reaches from 5 to 19 mm" in result.stderr
    assert names_in(tmp_path / "out") == []


def test_levels_on_pam50s_slices(softcord, a_mask, a_label_image, tmp_path):
    """C3, which lies between two discs, is stretched to the template's 37 slices."""
    table = tmp_path / "csa.csv"
    result = softcord(
        "csa",
        a_mask,
        "-o",
        table,
        "--discs",
        a_label_image,
        "--normalize-pam50",
        "--vert",
        "3",
        "--perlevel",
    )
    assert result.exit_code == 0, result.stderr
    (row,) = rows_of(table)
    assert (row["Slice (I->S)"], row["SliceCount"]) == ("871:907", "37")
    figure = tmp_path / "area.png"
    assert (
        softcord(
            "csa",
            a_mask,
            "-o",
            table,
            "--discs",
            a_label_image,
            "--normalize-pam50",
            "--figure",
            figure,
        ).exit_code
        == 0
    )
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert float(row["MEAN(area)"]) == pytest.approx(
        float(a_neck().data[:, :, 0].sum() / 1000), rel=0.01
    )


def test_angles_may_come_from_another_mask(softcord, tmp_path):
    """A part of the cord that leans against it is measured at the cord's angle: half a voxel a
    slice.
    """
    neck = a_neck()
    leaning = np.stack(
        [np.roll(neck.data[:, :, k], (k - 15) // 2, axis=1) for k in range(30)], axis=2
    )
    straight, cord = tmp_path / "in" / "straight.nii.gz", tmp_path / "in" / "cord.nii.gz"
    write_nifti(neck.with_data(neck.data / 1000), straight)
    write_nifti(neck.with_data(leaning / 1000), cord)
    table = tmp_path / "csa.csv"
    result = softcord("csa", straight, "-o", table, "-z", "10:20", "--centerline", cord)
    assert result.exit_code == 0, result.stderr
    (row,) = rows_of(table)
    assert float(row["MEAN(angle_RL)"]) == pytest.approx(np.degrees(np.arctan(0.5)), abs=1.0)
    assert float(row["MEAN(area)"]) == pytest.approx(
        neck.data[:, :, 0].sum() / 1000 * np.cos(np.arctan(0.5)), rel=0.02
    )


@pytest.mark.parametrize("option", ["--image", "--centerline", "--vertfile"])
def test_files_on_another_grid_than_the_mask_are_named(softcord, a_mask, tmp_path, option):
    other = tmp_path / "in" / "other.nii.gz"
    finer = Volume(
        (a_neck().data > 500).astype(np.uint8), a_neck().affine @ np.diag([0.9, 0.9, 1, 1])
    )
    write_nifti(finer, other)
    result = softcord("csa", a_mask, "-o", tmp_path / "out" / "csa.csv", option, other)
    assert result.exit_code == 1
    assert "another grid than the mask" in result.stderr
    assert "other.nii.gz" in result.stderr
    assert names_in(tmp_path / "out") == []


def test_discs_in_place_of_a_labelled_segmentation_are_a_sentence(
    softcord, a_mask, a_label_image, tmp_path
):
    result = softcord(
        "csa", a_mask, "-o", tmp_path / "out" / "csa.csv", "--vertfile", a_label_image, "--perlevel"
    )
    assert result.exit_code == 1
    assert "Give it as disc labels" in result.stderr
    assert names_in(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--pmj-distance", "60"], "junction (PMJ) is not known"),
        (["--pmj", "FILE", "--pmj-distance", "60", "-z", "1:3"], "chooses the slices"),
        (["--pmj", "FILE", "--pmj-distance", "60", "--vert", "2"], "chooses the slices"),
        (["--pmj", "FILE", "--pmj-distance", "-5"], "at least 0 mm"),
        (["--pmj", "FILE", "--pmj-distance", "60", "--pmj-extent", "0"], "more than 0"),
        (["--pmj", "FILE", "--normalize-pam50"], "no distance from the junction"),
        (["--discs", "FILE", "--normalize-pam50", "-z", "1:3"], "Choose levels instead"),
        (["--discs", "FILE", "--vertfile", "FILE", "--perlevel"], "Give one of them"),
        (["--discs", "FILE", "--find-discs"], "Give one of them"),
        (["--centerline", "FILE", "--no-angle-corr"], "Leave one of them out"),
    ],
)
def test_options_that_contradict_each_other_exit_with_2(
    softcord, a_mask, a_label_image, tmp_path, arguments, word
):
    arguments = [a_label_image if argument == "FILE" else argument for argument in arguments]
    result = softcord("csa", a_mask, "-o", tmp_path / "out" / "csa.csv", *arguments)
    assert result.exit_code == 2
    assert word in result.stderr
    assert names_in(tmp_path / "out") == []


@pytest.mark.parametrize("option", ["--discs", "--vertfile", "--pmj", "--image", "--centerline"])
@pytest.mark.parametrize("output", ["--out", "--figure"])
def test_no_input_is_written_over(softcord, a_mask, tmp_path, option, output):
    given = tmp_path / "in" / "given.png"
    given.write_bytes(a_mask.read_bytes())
    outputs = {"--out": tmp_path / "csa.csv", output: given}
    arguments = [word for name, path in outputs.items() for word in (name, path)]
    result = softcord("csa", a_mask, option, given, *arguments)
    assert result.exit_code == 2
    assert "would be overwritten" in result.stderr
    assert digest(given) == digest(a_mask)
