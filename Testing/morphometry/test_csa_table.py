"""The table: SCT's columns in SCT's order, ours at the end, whole files only."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime

import pytest

from morphometry.cords import cylinder
from SoftCordSegLib.errors import InputError, OutputError
from SoftCordSegLib.morphometry import (
    UNITS,
    DiscLabel,
    MeasureOptions,
    add_levels,
    aggregate,
    csv_columns,
    csv_text,
    measure,
    slice_ranges,
    text_added_to,
    to_json,
    write_csv,
)

CORD = cylinder(shape=(30, 30, 20))
WHEN = datetime(2024, 5, 6, 7, 8, 9)
SCT_COLUMNS = (
    "Timestamp,SCT Version,Filename,Slice"
    " (I->S),VertLevel,DistancePMJ,MEAN(area),STD(area),MEAN(angle_AP),STD(angle_AP),"
    "MEAN(angle_RL),STD(angle_RL),MEAN(diameter_AP),STD(diameter_AP),MEAN(diameter_AP_ellipse),STD(diameter_AP_ellipse),MEAN(diameter_RL),"
    "STD(diameter_RL),MEAN(length_anterior),STD(length_anterior),MEAN(length_posterior),STD(length_posterior),MEAN(eccentricity),"
    "STD(eccentricity),MEAN(orientation),STD(orientation),MEAN(solidity),STD(solidity),SUM(length)"
).split(",")


@pytest.fixture(scope="module")
def a_cord():
    discs = [
        DiscLabel(3, tuple(CORD.grid.to_world([15, 25, 14]))),
        DiscLabel(4, tuple(CORD.grid.to_world([15, 25, 7]))),
    ]
    return add_levels(measure(CORD), discs, CORD)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_columns_begin_with_scts_in_scts_order():
    assert csv_columns()[: len(SCT_COLUMNS)] == SCT_COLUMNS


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([], ""),
        ([4], "4"),
        (range(169, 208), "169:207"),
        ([3, 2], "2:3"),
        ([1, 2, 3, 5, 7, 8], "1:3;5;7:8"),
    ],
)
def test_ranges_are_written_as_sct_writes_them(numbers, text):
    assert slice_ranges(numbers) == text


def test_pooled_levels_are_one_row(a_cord):
    rows = read(csv_text(a_cord, aggregate(a_cord, levels=[3, 4]), "cord.nii.gz", WHEN))
    assert len(rows) == 1
    row = rows[0]
    assert row["Timestamp"] == "2024-05-06 07:08:09"
    assert row["Filename"] == "cord.nii.gz"
    assert (row["Slice (I->S)"], row["VertLevel"], row["LevelName"]) == ("0:14", "3:4", "C3:C4")
    assert float(row["MEAN(area)"]) == pytest.approx(a_cord.columns["area"][:15].mean(), rel=1e-12)
    assert float(row["SUM(length)"]) == pytest.approx(a_cord.columns["length"][:15].sum())
    assert row["DistancePMJ"] == ""


def test_slices_without_cord_are_rows_without_values():
    short = CORD.data.copy()
    short[:, :, 12:] = 0
    shape = measure(CORD.with_data(short))
    rows = read(csv_text(shape, aggregate(shape)))
    assert [row["Slice (I->S)"] for row in rows] == [str(number) for number in range(20)]
    assert rows[11]["MEAN(area)"] != ""
    assert rows[12]["MEAN(area)"] == rows[12]["SUM(length)"] == ""


def test_file_is_written_and_added_to(a_cord, tmp_path):
    path = tmp_path / "new folder" / "csa.csv"
    write_csv(path, a_cord, aggregate(a_cord, levels=[3]), "one", timestamp=WHEN)
    more = csv_text(a_cord, aggregate(a_cord, levels=[4]), "two", WHEN)
    rows = read(text_added_to(path, more))
    assert [(row["Filename"], row["VertLevel"]) for row in rows] == [
        ("one", "3"),
        ("two", "4"),
    ]
    write_csv(path, a_cord, aggregate(a_cord, levels=[4]), "three", timestamp=WHEN)
    assert [row["Filename"] for row in read(path.read_text(encoding="utf-8"))] == ["three"]
    assert [entry.name for entry in path.parent.iterdir()] == ["csa.csv"]


def test_adding_to_another_table_is_refused_and_leaves_it_alone(a_cord, tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="other columns"):
        text_added_to(path, csv_text(a_cord, aggregate(a_cord)))
    assert path.read_text(encoding="utf-8") == "a,b\n1,2\n"


def test_a_folder_that_cannot_be_made_is_a_sentence(a_cord, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="Cannot write"):
        write_csv(tmp_path / "file" / "csa.csv", a_cord, aggregate(a_cord))


def test_json_names_units_options_and_notes(a_cord):
    content = to_json(a_cord, aggregate(a_cord, levels=[3, 9]), "cord.nii.gz", WHEN)
    found = json.loads(json.dumps(content, allow_nan=False))
    assert found["Units"]["area"] == "mm2"
    assert found["Options"] == {
        "AngleCorrection": True,
        "Rescaling": "sct",
        "Threshold": None,
        "Smooth": 30.0,
        "Tilt": "sct",
    }
    assert any("T2 (9)" in note for note in found["Notes"])
    assert found["Rows"][0]["Levels"] == [3]  # the row is named by what is in it
    assert len(found["Slices"]["area"]) == 20


def test_the_tilt_and_foreign_notes_are_in_the_tables():
    shape = measure(CORD, MeasureOptions(tilt="exact"))
    assert read(csv_text(shape, aggregate(shape)))[0]["AngleCorrection"] == "exact"
    found = to_json(shape, aggregate(shape), notes=["Levels are from elsewhere."])
    assert found["Options"]["Tilt"] == "exact"
    assert found["Notes"][0] == "Levels are from elsewhere."


def test_every_measure_has_a_unit(a_cord):
    assert set(a_cord.columns) <= set(UNITS)
