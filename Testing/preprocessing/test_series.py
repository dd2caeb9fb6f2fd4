"""Echoes, b-values and series, against numbers worked by hand."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.preprocessing import (
    Series,
    check_length,
    mean_volume,
    read_bvals,
    read_directions,
    read_series,
    root_mean_square,
    split_by_bvals,
    split_by_directions,
)
from SoftCordSegLib.volume import Volume

LEFT_HANDED = np.diag([-1.0, 1, 1, 1])


def echo(value, affine=LEFT_HANDED):
    return Volume(np.full((2, 2, 3), value, np.int16), affine)


def write(path, data, affine=LEFT_HANDED):
    image = nibabel.Nifti1Image(data, affine)
    image.set_sform(affine, code=1)
    nibabel.save(image, path)
    return path


def test_the_root_mean_square_by_hand():
    echoes = [echo(3), echo(4), echo(12)]

    several = root_mean_square(echoes)
    series = root_mean_square(Series(np.stack([one.data for one in echoes], axis=3), LEFT_HANDED))

    assert several.data == pytest.approx(np.sqrt((9 + 16 + 144) / 3))
    assert (several.data == series.data).all()
    assert several.data.dtype == np.float32


def test_bright_integers_do_not_overflow():
    assert root_mean_square([echo(30000), echo(30000)]).data == pytest.approx(30000)


def test_of_one_echo_it_is_the_absolute_value():
    assert (root_mean_square([echo(-7)]).data == 7).all()


def test_echoes_on_different_grids_are_refused_by_name():
    moved = LEFT_HANDED.copy()
    moved[0, 3] = 4

    with pytest.raises(InputError, match="grids of 'a.nii' and 'c.nii' differ"):
        root_mean_square([echo(1), echo(2), echo(3, moved)], ["a.nii", "b.nii", "c.nii"])
    with pytest.raises(InputError, match="no echo"):
        root_mean_square([])


def test_below_the_limit_is_b0_and_at_it_is_not():
    split = split_by_bvals(np.array([0, 99.9, 100, 800, 5, 1000]))

    assert split.b0 == (0, 1, 4)
    assert split.weighted == (2, 3, 5)
    assert split_by_bvals(np.array([0, 60, 800]), b0_below=50).b0 == (0,)


def test_without_b_values_a_direction_of_no_length_is_b0():
    split = split_by_directions(np.array([[0, 0, 0], [0.6, 0.8, 0], [0.001, 0, 0.002], [0, 0, -1]]))

    assert (split.b0, split.weighted) == ((0, 2), (1, 3))


@pytest.mark.parametrize("text", ["0 800 1000\n", "0\n800\n1000\n", "0, 800, 1e3"])
def test_b_values_in_a_row_or_a_column(tmp_path, text):
    (tmp_path / "a.bval").write_text(text)

    assert read_bvals(tmp_path / "a.bval").tolist() == [0, 800, 1000]


def test_directions_in_rows_or_columns(tmp_path):
    (tmp_path / "rows").write_text("0 1 0 0\n0 0 1 0\n0 0 0 1\n")
    (tmp_path / "columns").write_text("0 0 0\n1 0 0\n0 1 0\n0 0 1\n")

    assert (read_directions(tmp_path / "rows") == read_directions(tmp_path / "columns")).all()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("0 many", "numbers only"),
        ("0 -5", "negative"),
        ("0 1\n2", "rows differ"),
        ("0 nan", "is empty"),
    ],
)
def test_bad_b_values_are_said_to_be_so(tmp_path, text, sentence):
    (tmp_path / "a.bval").write_text(text)

    with pytest.raises(InputError, match=sentence) as caught:
        read_bvals(tmp_path / "a.bval")
    assert "a.bval" in str(caught.value)


def test_missing_or_short_b_values_are_said_to_be_so(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        read_bvals(tmp_path / "a.bval")
    with pytest.raises(InputError, match="has 3 entries, but the series has 4 volumes"):
        check_length(3, 4, "a.bval")
    (tmp_path / "two").write_text("0 1\n1 0\n")
    with pytest.raises(InputError, match="2 rows and 2 columns"):
        read_directions(tmp_path / "two")


def test_a_series_is_read_with_its_scaling_and_a_single_volume_is_one_too(tmp_path):
    data = np.arange(2 * 2 * 3 * 4, dtype=np.int16).reshape(2, 2, 3, 4)

    series = read_series(write(tmp_path / "four.nii.gz", data))
    one = read_series(write(tmp_path / "one.nii", data[..., :1]))
    five = read_series(write(tmp_path / "five.nii.gz", data[..., None]))

    assert (series.data == data).all()
    assert series.letters == "LAS"
    assert len(one) == 1
    assert (five.data == data).all()
    assert mean_volume(series).data == pytest.approx(data.mean(axis=3))
    # Views, not copies: a long series is not doubled.
    assert np.shares_memory(series.framed(2).data, series.data)


def test_what_is_no_series_is_refused(tmp_path):
    data = np.zeros((2, 2, 3, 2), np.float32)
    data[0, 0, 0, 1] = np.nan

    with pytest.raises(InputError, match="NaN"):
        read_series(write(tmp_path / "nan.nii.gz", data))
    with pytest.raises(InputError, match="5 dimensions"):
        read_series(write(tmp_path / "vectors.nii.gz", np.zeros((2, 2, 3, 1, 3), np.float32)))
    with pytest.raises(InputError, match="There is no file"):
        read_series(tmp_path / "nowhere.nii.gz")
