"""Series of volumes: reading them, and their mean."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.preprocessing import mean_volume, read_series

LEFT_HANDED = np.diag([-1.0, 1, 1, 1])


def write(path, data, affine=LEFT_HANDED):
    image = nibabel.Nifti1Image(data, affine)
    image.set_sform(affine, code=1)
    nibabel.save(image, path)
    return path


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
    with pytest.raises(InputError, match="There is no such file"):
        read_series(tmp_path / "nowhere.nii.gz")
