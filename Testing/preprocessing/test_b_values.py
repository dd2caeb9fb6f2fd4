"""Which volumes of a diffusion series are diffusion-weighted."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.preprocessing import (
    find_weighting,
    read_bvals,
    read_directions,
    split_by_bvals,
    split_by_directions,
)


def test_below_the_limit_is_b0_and_at_it_is_not():
    split = split_by_bvals(np.array([0, 99.9, 100, 800, 5, 1000]))

    assert split.b0 == (0, 1, 4)
    assert split.weighted == (2, 3, 5)
    assert split_by_bvals(np.array([0, 60, 800]), b0_below=50).b0 == (0,)


def test_without_b_values_a_direction_of_no_length_is_b0():
    split = split_by_directions(np.array([[0, 0, 0], [0.6, 0.8, 0], [0.001, 0, 0.002], [0, 0, -1]]))

    assert (split.b0, split.weighted) == ((0, 2), (1, 3))


@pytest.mark.parametrize(
    "text",
    ["0 800 1000\n", "0\n800\n1000\n", "0, 800, 1e3", "\ufeff0;800;1000\r\n", '"0" "800" "1000"'],
)
def test_b_values_in_a_row_or_a_column(tmp_path, text):
    (tmp_path / "a.bval").write_text(text, encoding="utf-8")

    assert read_bvals(tmp_path / "a.bval").tolist() == [0, 800, 1000]


def test_directions_in_rows_or_columns(tmp_path):
    (tmp_path / "rows").write_text("0 1 0 0\n0 0 1 0\n0 0 0 1\n", encoding="utf-8")
    (tmp_path / "columns").write_text("0 0 0\n1 0 0\n0 1 0\n0 0 1\n", encoding="utf-8")

    assert (read_directions(tmp_path / "rows") == read_directions(tmp_path / "columns")).all()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("0 many", "Entry 2 of row 1, 'many', is not a number"),
        ("0 -5", "negative"),
        ("0 1\n2", "rows have 1 and 2 entries"),
        ("0 nan", "Entry 2 of row 1"),
    ],
)
def test_bad_b_values_are_said_to_be_so(tmp_path, text, sentence):
    (tmp_path / "a.bval").write_text(text, encoding="utf-8")

    with pytest.raises(InputError, match=sentence) as caught:
        read_bvals(tmp_path / "a.bval")
    assert "a.bval" in str(caught.value)


def test_a_missing_file_and_one_of_another_length_are_errors(tmp_path):
    with pytest.raises(InputError, match="no such file with the b-values") as caught:
        read_bvals(tmp_path / "nowhere.bval")
    assert caught.value.path == tmp_path / "nowhere.bval"
    (tmp_path / "a.bval").write_text("0 800 800", encoding="utf-8")
    with pytest.raises(InputError, match="has 3 entries, but the series has 4 volumes") as caught:
        find_weighting(tmp_path / "a.nii.gz", 4)
    assert caught.value.path == tmp_path / "a.bval"
    (tmp_path / "two").write_text("0 1\n1 0\n", encoding="utf-8")
    with pytest.raises(InputError, match="2 rows and 2 columns"):
        read_directions(tmp_path / "two")


def test_fewer_than_two_weighted_volumes_have_no_mean(tmp_path):
    (tmp_path / "a.bval").write_text("0 90 0 800", encoding="utf-8")

    with pytest.raises(InputError, match="has 1 diffusion-weighted volumes"):
        find_weighting(tmp_path / "a.nii.gz", 4)
    assert find_weighting(tmp_path / "a.nii.gz", 4, b0_below=50).weighted == (1, 3)


def test_b_values_of_all_participants_may_lie_at_the_root(tmp_path):
    series = tmp_path / "sub-01/dwi/sub-01_run-1_dwi.nii.gz"
    (tmp_path / "dwi.bval").write_text("0 800 800", encoding="utf-8")
    (tmp_path / "run-2_dwi.bval").write_text("0 0 0 800 800", encoding="utf-8")
    series.parent.mkdir(parents=True)

    found = find_weighting(series, 3, root=tmp_path)

    assert found.weighted == (1, 2)
    assert found.path == tmp_path / "dwi.bval"
    assert found.b_values == (0, 800, 800)
    with pytest.raises(InputError, match="no b-values"):
        find_weighting(series, 3)


def test_directions_stand_in_for_b_values(tmp_path):
    (tmp_path / "a.bvec").write_text("0 1 0\n0 0 1\n0 0 0\n", encoding="utf-8")

    found = find_weighting(tmp_path / "a.nii.gz", 3)

    assert (found.b0, found.weighted, found.b_values) == ((0,), (1, 2), ())
    assert found.path == tmp_path / "a.bvec"
