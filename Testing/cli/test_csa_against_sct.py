"""``softcord csa`` gives SCT's numbers, through the real command and in SCT's own spelling."""

from __future__ import annotations

import numpy as np
import pytest

from cli.fakes import rows_of
from SoftCordSegLib.volume import Volume, read_nifti, write_nifti

AREAS = (29, 31, 39, 41, 50, 51, 59, 62, 70)
LEVELS = (2, 2, 3, 3, 4, 4, 5, 5, 6)


@pytest.fixture
def folder(shared_data):
    return shared_data / "images" / "sct-testing"


@pytest.fixture
def levels_of_example(tmp_path):
    """SCT's own example of aggregation as a segmentation: so many voxels of 1 mm² in each slice,
    which have its level as value.
    """
    data = np.zeros((14, 14, 9), np.uint8)
    for number, (area, level) in enumerate(zip(AREAS, LEVELS)):
        block = np.zeros(100, np.uint8)
        block[:area] = level
        data[2:12, 2:12, number] = block.reshape(10, 10)
    path = tmp_path / "in" / "labelled.nii.gz"
    write_nifti(Volume(data, np.diag([-1.0, 1, 1, 1])), path)
    return path


@pytest.fixture
def scts_example(levels_of_example):
    """The mask of the same."""
    labelled = read_nifti(levels_of_example)
    path = levels_of_example.with_name("mask.nii.gz")
    write_nifti(labelled.with_data((labelled.data > 0).astype(np.uint8)), path)
    return path


def table(softcord, tmp_path, *arguments):
    result = softcord("csa", *arguments, "-o", tmp_path / "csa.csv")
    assert result.exit_code == 0, result.stderr
    return rows_of(tmp_path / "csa.csv")


@pytest.mark.parametrize("spelling", ["ours", "SCT's"])
@pytest.mark.parametrize(
    ("ours", "scts", "mean", "sd", "slices"),
    [
        (["--vert", "2:3"], ["-vert", "2:3"], 35.0, None, "0:3"),
        (["-z", "1:2"], ["-z", "1:2"], 35.0, 4.0, "1:2"),
        (
            ["-z", "1,2,3,4,6", "--vert", "2,3"],
            ["-z", "1;2;3;4;6", "-vert", "2:3"],
            37.0,
            None,
            "1:3",
        ),
    ],
    ids=["levels", "slices", "both"],
)
def test_scts_examples_of_aggregation(
    softcord, scts_example, levels_of_example, tmp_path, spelling, ours, scts, mean, sd, slices
):
    ours, scts = [*ours, "--no-angle-corr", "--vertfile"], [*scts, "-angle-corr", "0", "-vertfile"]
    (row,) = table(
        softcord, tmp_path, scts_example, *(ours if spelling == "ours" else scts), levels_of_example
    )
    assert float(row["MEAN(area)"]) == pytest.approx(mean, rel=1e-9)
    if sd is not None:
        assert float(row["STD(area)"]) == pytest.approx(sd, rel=1e-9)
    assert row["Slice (I->S)"] == slices


@pytest.mark.parametrize("itself", [True, False], ids=["the mask is labelled", "a labelled file"])
def test_scts_example_by_level(softcord, scts_example, levels_of_example, tmp_path, itself):
    masks = [levels_of_example] if itself else [scts_example, "-vertfile", levels_of_example]
    rows = table(softcord, tmp_path, *masks, "-vert", "2:4", "-perlevel", "1", "-angle-corr", "0")
    assert [(row["VertLevel"], row["LevelName"]) for row in rows] == [
        ("2", "C2"),
        ("3", "C3"),
        ("4", "C4"),
    ]
    assert [float(row["MEAN(area)"]) for row in rows] == pytest.approx([30.0, 40.0, 50.5], rel=1e-9)


def test_slice_10_of_the_real_mask(softcord, folder, tmp_path):
    discs = folder / "t2_labels-disc.nii.gz"
    rows = table(
        softcord,
        tmp_path,
        folder / "t2_seg-manual.nii.gz",
        "-perslice",
        "1",
        "-z",
        "10",
        "-discfile",
        discs,
    )
    (row,) = rows
    expected = {
        "area": 78.58643257836141,
        "diameter_AP": 7.842507960401277,
        "diameter_RL": 12.537767663676533,
        "orientation": -5.435920797812814,
        "eccentricity": 0.7678714078545043,
        "solidity": 0.9691052891744933,
    }
    assert {name: float(row[f"MEAN({name})"]) for name in expected} == pytest.approx(
        expected, rel=1e-6
    )
    assert row["VertLevel"] == "3"


@pytest.mark.parametrize(
    "spelling",
    [["--normalize-pam50"], ["-normalize-PAM50", "1", "-perslice", "1"]],
    ids=["ours", "SCT's"],
)
def test_row_26_on_pam50s_slices(softcord, folder, tmp_path, spelling):
    discs = folder / "t2_labels-disc.nii.gz"
    rows = table(softcord, tmp_path, folder / "t2_seg-manual.nii.gz", "--discs", discs, *spelling)
    assert rows[26]["Slice (I->S)"] == "827"
    assert float(rows[26]["MEAN(area)"]) == pytest.approx(71.16703270056989, rel=1e-6)
    assert rows[26]["VertLevel"] == "5"


def test_symmetry_with_the_image(softcord, folder, tmp_path):
    """SCT's own test allows what differs between its two ways of smoothing."""
    rows = table(
        softcord,
        tmp_path,
        folder / "t2_seg-manual.nii.gz",
        "-z",
        "10",
        "--image",
        folder / "t2.nii.gz",
    )
    assert float(rows[0]["MEAN(symmetry_dice_RL)"]) == pytest.approx(0.87872, rel=1e-2)
    assert float(rows[0]["MEAN(symmetry_hausdorff_RL)"]) == pytest.approx(0.8944, rel=1e-2)
    quadrants = [
        float(value) for name, value in rows[0].items() if name.startswith("MEAN(area_quadrant")
    ]
    assert len(quadrants) == 4
    assert sum(quadrants) == pytest.approx(float(rows[0]["MEAN(area)"]), rel=0.001)


def test_columns_are_scts_in_scts_order_then_ours(softcord, scts_example, tmp_path):
    measures = (
        "area angle_AP angle_RL diameter_AP diameter_AP_ellipse diameter_RL length_anterior"
        " length_posterior eccentricity orientation solidity"
    ).split()
    scts = ["Timestamp", "SCT Version", "Filename", "Slice (I->S)", "VertLevel", "DistancePMJ"]
    scts += [f"{function}({name})" for name in measures for function in ("MEAN", "STD")] + [
        "SUM(length)"
    ]
    row, *_ = table(softcord, tmp_path, scts_example)
    columns = list(row)
    assert columns[: len(scts)] == scts
    assert columns[len(scts) :][:4] == [
        "MEAN(area_low)",
        "STD(area_low)",
        "MEAN(area_high)",
        "STD(area_high)",
    ]
