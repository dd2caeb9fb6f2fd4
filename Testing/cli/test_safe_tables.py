"""Texts in tables that a spreadsheet program would run, and tables written on Windows."""

from __future__ import annotations

import csv

import pandas as pd
import pytest

from SoftCordSegLib.evaluation import read_cases
from SoftCordSegLib.evaluation.methods import _note_time, read_times
from SoftCordSegLib.evaluation.paper_tables import frame_csv
from SoftCordSegLib.files import text_of_cell
from SoftCordSegLib.workflows.ground_truth.ground_truth_areas import ContrastArea, areas_csv

FORMULA = "=HYPERLINK(1)"


def cells(path):
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def test_a_mask_named_like_a_formula(softcord, a_mask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (FORMULA, "@b"):
        (tmp_path / f"{name}.nii.gz").write_bytes(a_mask.read_bytes())
    names = [f"{FORMULA}.nii.gz", "@b.nii.gz"]
    result = softcord(
        "csa", *names, "-o", "csa.csv", "-z", "3:5", "--compare", "c.csv", "--subject", "+me"
    )
    assert "Error" not in result.stderr, result.stderr
    header, *rows = cells(tmp_path / "csa.csv")
    written = [row[header.index("Filename")] for row in rows]
    assert written == [f"'{name}" for name in names]
    assert [text_of_cell(cell) for cell in written] == names
    assert {row[0] for row in cells(tmp_path / "c.csv")[1:]} == {"'+me"}


def test_tables_of_evaluation_and_ground_truth():
    frame = pd.DataFrame({"image": ["=1", "a"], "dice": [-0.5, 0.25]})
    assert frame_csv(frame) == "image,dice\n'=1,-0.5\na,0.25\n"
    text = areas_csv([("=sub", ContrastArea("-T1w", "soft", "2:3", "1:2", 70.0, 1.0))])
    assert "'=sub,'-T1w,soft" in text


def test_times_are_read_back_under_the_same_names(tmp_path):
    for name in ("=1", "a,b", '"q"'):
        _note_time(tmp_path, name, 2.0)
    assert set(read_times(tmp_path)) == {"=1", "a,b", '"q"'}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_table_that_was_written_on_windows(tmp_path, end, mark):
    image = tmp_path / "sub-01" / "anat" / "aux.nii.gz"
    image.parent.mkdir(parents=True)
    image.touch()
    table = tmp_path / "cases.csv"
    lines = ["participant,contrast,image", r"'=01,T2w,sub-01\anat\aux.nii.gz", ""]
    table.write_bytes((mark + end.join(lines)).encode("utf-8"))
    (case,) = read_cases(table)
    assert case.image == image
    assert case.participant == "=01"
