"""Reorienting moves values in the array, never in the patient."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from SoftCordSegLib.volume import Volume, reorient, same_orientation
from SoftCordSegLib.volume.orientation import slice_axis
from strategies import ORIENTATIONS, orientations, volumes


def test_there_are_48_orientations():
    assert len(set(ORIENTATIONS)) == 48


@pytest.mark.parametrize("letters", ORIENTATIONS)
@given(volume=volumes(max_tilt_degrees=40))
def test_axes_point_where_they_are_told(letters, volume):
    assert reorient(volume, letters).letters == letters


@given(volumes(), orientations)
def test_every_voxel_keeps_its_place_in_the_world(volume, letters):
    turned = reorient(volume, letters)

    voxels = np.argwhere(np.ones(turned.shape, bool))
    original = volume.grid.to_voxel(turned.grid.to_world(voxels))
    indices = np.rint(original).astype(int)
    assert original == pytest.approx(indices, abs=1e-6)
    np.testing.assert_array_equal(turned.data[tuple(voxels.T)], volume.data[tuple(indices.T)])


@given(volumes(), orientations)
def test_there_and_back_is_bit_identical(volume, letters):
    back = same_orientation(reorient(volume, letters), volume)

    np.testing.assert_array_equal(back.data, volume.data)
    assert back.affine == pytest.approx(volume.affine, abs=1e-6)


def test_it_is_a_view_not_a_copy():
    volume = Volume(np.zeros((3, 4, 5)), np.eye(4))

    assert np.shares_memory(reorient(volume, "PIL").data, volume.data)


@given(volumes(max_tilt_degrees=30), orientations)
def test_the_slice_axis_is_the_one_along_the_body(volume, letters):
    axis = slice_axis(reorient(volume, letters).affine)

    assert letters[axis] in "SI"


def test_a_volume_is_three_dimensional():
    with pytest.raises(ValueError, match="three-dimensional"):
        Volume(np.zeros((3, 4)), np.eye(4))
    with pytest.raises(ValueError, match="do not fit"):
        Volume(np.zeros((3, 4, 5)), np.eye(4)).with_data(np.zeros((3, 4, 6)))
