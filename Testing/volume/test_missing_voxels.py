"""Voxels without a number: outside the body, and holes inside it."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.volume import Volume, read_nifti, write_nifti
from SoftCordSegLib.volume.missing_voxels import fill_missing


def body() -> np.ndarray:
    return np.random.default_rng(0).uniform(50, 60, (12, 14, 16)).astype(np.float32)


def test_what_is_connected_to_the_border_becomes_background():
    data = body()
    data[:3, :, :4] = np.nan
    filled, (note,) = fill_missing(data)
    assert (filled[:3, :, :4] == 0).all()
    assert np.array_equal(filled[3:], data[3:])
    assert f"168 of {data.size} voxels are NaN; 0 was put in their place" in note


def test_a_hole_takes_the_values_around_it():
    data = body()
    data[5:8, 5:8, 5:8] = np.nan
    filled, (note,) = fill_missing(data)
    assert filled[5:8, 5:8, 5:8].min() >= 50
    assert filled[5, 6, 6] in (data[4, 6, 6], data[5, 6, 6])
    assert "27 of" in note
    assert "inside the image" in note


def test_where_nothing_is_missing_nothing_is_copied_or_said():
    data = body()
    filled, notes = fill_missing(data)
    assert filled is data
    assert notes == ()


def test_below_0_the_lowest_value_is_background():
    data = body() - 100
    data[0] = -np.inf
    filled, (note,) = fill_missing(data)
    assert (filled[0] == data[1:].min()).all()
    assert "NaN or infinite" in note


def test_a_file_without_any_number_is_refused(tmp_path):
    write_nifti(Volume(body(), np.eye(4)), tmp_path / "a.nii.gz")
    import nibabel

    empty = nibabel.Nifti1Image(np.full((4, 5, 6), np.nan, np.float32), np.eye(4))
    nibabel.save(empty, tmp_path / "b.nii.gz")
    assert read_nifti(tmp_path / "a.nii.gz", without_nan=True).notes == ()
    with pytest.raises(InputError, match="Every voxel of the file is NaN"):
        read_nifti(tmp_path / "b.nii.gz", without_nan=True)
