"""``softcord csa`` with odd masks and wrong discs: counted or refused, and in either case said,
with what is at fault named.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from cli.fakes import a_neck, names_in, rows_of, write_points
from SoftCordSegLib.volume import write_nifti


@pytest.fixture
def write_mask(tmp_path):
    """Writes a binary mask of 0 and 1, changed by a function of its array."""

    def write(change):
        neck = a_neck()
        data = (neck.data > 500).astype(np.uint8)
        change(data)
        path = tmp_path / "in" / "odd.nii.gz"
        write_nifti(neck.with_data(data), path)
        return path

    return write


def area_of_slices(path, tmp_path, softcord):
    result = softcord("csa", path, "-o", tmp_path / "csa.csv", "--no-angle-corr")
    assert result.exit_code == 0, result.stderr
    return [
        float(row["MEAN(area)"] or "nan") for row in rows_of(tmp_path / "csa.csv")
    ], result.stderr


def test_holes_are_not_counted_and_the_slices_are_named(softcord, write_mask, tmp_path):
    def punch(data):
        data[19:21, 19:21, 5:8] = 0

    areas, told = area_of_slices(write_mask(punch), tmp_path, softcord)
    assert areas[4] - np.array(areas[5:8]) == pytest.approx([4.0] * 3)
    assert "holes in slice(s) 5:7: they are not counted" in told


def test_all_pieces_are_counted_and_the_slices_are_named(softcord, write_mask, tmp_path):
    def add(data):
        data[30:33, 19:22, 5] = data[30:33, 19:22, 9] = 1

    areas, told = area_of_slices(write_mask(add), tmp_path, softcord)
    assert [areas[5] - areas[4], areas[9] - areas[4]] == pytest.approx([9.0, 9.0])
    assert "more than one piece in slice(s) 5;9: all pieces are counted" in told


def test_slices_without_mask_are_missing_and_named(softcord, write_mask, tmp_path):
    def cut(data):
        data[:, :, 10:12] = 0

    areas, told = area_of_slices(write_mask(cut), tmp_path, softcord)
    assert np.flatnonzero(np.isnan(areas)).tolist() == [10, 11]
    assert "Slice(s) 10:11 between the ends of the cord have no mask" in told


def test_what_is_said_is_in_the_json_too(softcord, write_mask, tmp_path):
    def punch(data):
        data[19, 19, 5] = 0

    result = softcord("csa", write_mask(punch), "-o", tmp_path / "csa.csv", "--json")
    assert any(
        "holes in slice(s) 5" in note for note in json.loads(result.stdout)["masks"][0]["Notes"]
    )


def test_an_empty_mask_is_a_sentence(softcord, write_mask, tmp_path):
    result = softcord(
        "csa", write_mask(lambda data: data.fill(0)), "-o", tmp_path / "out" / "csa.csv"
    )
    assert result.exit_code == 1
    assert "mask is empty" in result.stderr
    assert "odd.nii.gz" in result.stderr
    assert names_in(tmp_path / "out") == []


def test_a_label_image_is_no_mask(softcord, write_mask, tmp_path):
    def label(data):
        data[:, :, :10] *= 3

    result = softcord("csa", write_mask(label), "-o", tmp_path / "out" / "csa.csv")
    assert result.exit_code == 1
    assert "label image (values 1, 3)" in result.stderr
    assert names_in(tmp_path / "out") == []


def test_one_label_of_several_is_measured_as_its_own_mask(softcord, write_mask, tmp_path):
    def lesion(data):
        data[18:22, 18:22, 5:8] = 2 * data[18:22, 18:22, 5:8]
        data[2:4, 2:4] = 3

    path = write_mask(lesion)
    result = softcord("csa", path, "--label", 1, "-o", tmp_path / "csa.csv", "--no-angle-corr")
    areas = [float(row["MEAN(area)"]) for row in rows_of(tmp_path / "csa.csv")]

    assert result.exit_code == 0, result.stderr
    assert areas[4] - areas[6] == pytest.approx(16.0)
    assert "1, 2, 3" in softcord("csa", path, "--label", 7, "-o", tmp_path / "b.csv").stderr


def test_the_marked_background_is_no_cord(softcord, write_mask, tmp_path):
    def invert(data):
        np.subtract(1, data, out=data)

    result = softcord("csa", write_mask(invert), "-o", tmp_path / "csa.csv")

    assert result.exit_code == 1
    assert "marks the background" in result.stderr


def as_label_image(path, points):
    return write_points(
        path.with_suffix(".nii.gz"), {value: (19, 12, height) for value, height in points}
    )


def as_points(path, points):
    """On the neck's axis, 8 mm in front."""
    control = [
        {"label": str(value), "position": [0.0, -8.0, float(height)]} for value, height in points
    ]
    path = path.with_suffix(".mrk.json")
    path.write_text(
        json.dumps({"markups": [{"coordinateSystem": "LPS", "controlPoints": control}]}),
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize("write", [as_label_image, as_points])
@pytest.mark.parametrize("option", [["--perlevel"], ["--vert", "3"], ["--perslice"]])
def test_discs_in_the_wrong_order_are_named(softcord, a_mask, tmp_path, write, option):
    discs = write(tmp_path / "in" / "discs", [(3, 8), (4, 20)])
    result = softcord("csa", a_mask, "-o", tmp_path / "out" / "csa.csv", "--discs", discs, *option)
    assert result.exit_code == 1
    assert "C3/C4 (value 4) is not below C2/C3 (value 3)" in result.stderr
    assert discs.name in result.stderr
    assert names_in(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("name", "word"),
    [("points", "C2/C3 (value 3) is marked twice"), ("image", "(value 3) is marked at two")],
)
def test_a_disc_that_is_marked_twice_is_named(softcord, a_mask, tmp_path, name, word):
    if name == "points":
        discs = as_points(tmp_path / "in" / "discs", [(3, 20), (3, 8)])
    else:
        discs = tmp_path / "in" / "discs.nii.gz"
        data = np.zeros(a_neck().shape, np.uint8)
        data[19, 12, 2] = data[19, 12, 26] = 3
        write_nifti(a_neck().with_data(data), discs)
    result = softcord(
        "csa", a_mask, "-o", tmp_path / "out" / "csa.csv", "--discs", discs, "--perlevel"
    )
    assert result.exit_code == 1
    assert word in result.stderr
    assert discs.name in result.stderr
    assert names_in(tmp_path / "out") == []


def test_a_disc_off_the_cord_is_named(softcord, a_mask, tmp_path):
    control = [
        {"label": "C2/C3", "position": [0, -8, 20]},
        {"label": "C3/C4", "position": [70, -8, 8]},
    ]
    discs = tmp_path / "discs.mrk.json"
    discs.write_text(json.dumps({"markups": [{"controlPoints": control}]}), encoding="utf-8")
    result = softcord(
        "csa", a_mask, "-o", tmp_path / "out" / "csa.csv", "--discs", discs, "--perlevel"
    )
    assert result.exit_code == 1
    assert "C3/C4 (value 4) is 7" in result.stderr
    assert "mm away from the cord" in result.stderr
    assert discs.name in result.stderr
    assert names_in(tmp_path / "out") == []


@pytest.mark.parametrize("option", ["--discs", "--vertfile", "--pmj"])
def test_a_label_image_without_labels_is_named(softcord, a_mask, tmp_path, option):
    empty = write_points(tmp_path / "in" / "no_labels.nii.gz", {})
    result = softcord("csa", a_mask, "-o", tmp_path / "out" / "csa.csv", option, empty)
    assert result.exit_code == 1
    assert "has no labels" in result.stderr
    assert "no_labels.nii.gz" in result.stderr
    assert names_in(tmp_path / "out") == []


def test_a_point_that_is_no_disc_is_named(softcord, a_mask, tmp_path):
    discs = tmp_path / "discs.mrk.json"
    control = [{"label": "F-1", "position": [0, -8, 20]}]
    discs.write_text(json.dumps({"markups": [{"controlPoints": control}]}), encoding="utf-8")
    result = softcord(
        "csa", a_mask, "-o", tmp_path / "out" / "csa.csv", "--discs", discs, "--perlevel"
    )
    assert result.exit_code == 1
    assert "'F-1' is not a disc" in result.stderr
    assert names_in(tmp_path / "out") == []
