"""What several predictions say together, and where they are not believed."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.training.real import consensus
from SoftCordSegLib.volume import Volume

AFFINE = np.diag([0.5, 0.5, 5.0, 1.0])


def discs(radii_mm: list[float], axis: int = 2) -> Volume:
    """One round cord of a radius for each slice, in the middle of 40 x 40 pixels of 0.5 mm."""
    i, j = np.indices((40, 40)) - 19.5
    planes = [np.clip((radius - np.hypot(i, j) * 0.5) / 0.5 + 0.5, 0, 1) * (radius > 0) for radius in radii_mm]
    affine = AFFINE.copy()
    if axis == 1:  # slices along the second axis of the array, which then points upwards
        affine[:3, 1], affine[:3, 2] = AFFINE[:3, 2], AFFINE[:3, 1]
    return Volume(np.stack(planes, axis=axis).astype(np.float32), affine)


def test_identical_predictions_are_the_label_and_trusted_everywhere():
    one = discs([4, 5, 5, 0])
    agreed = consensus([one, one, one])
    assert np.allclose(agreed.label.data, one.data, atol=1e-6)
    assert (agreed.weight.data == 1).all()
    assert agreed.trusted == 1


def test_the_label_is_the_mean_of_those_that_agree_and_an_outlier_does_not_count():
    close, closer, far = discs([5.0]), discs([5.1]), discs([8.0])
    agreed = consensus([close, closer, far])
    assert np.allclose(agreed.label.data, (close.data + closer.data) / 2, atol=1e-6)
    assert agreed.trusted == 1


@pytest.mark.parametrize("axis", [2, 1])
def test_a_slice_without_majority_is_left_open_about_the_cord_only(axis):
    agreed = consensus([discs([5, 5], axis), discs([5, 8], axis)])
    weight = np.moveaxis(agreed.weight.data, axis, 0)
    assert (weight[0] == 1).all()
    assert weight[1, 20, 20] == 0
    assert weight[1, 20, 38] == 0, "8 mm and 4 mm of doubt about it"
    assert weight[1, 0, 0] == 1, "far away nobody sees a cord"
    assert agreed.trusted == 0.5


def test_where_most_see_no_cord_there_is_none():
    agreed = consensus([discs([5, 0]), discs([5, 0]), discs([5, 0]), discs([5, 4])])
    assert agreed.label.data[:, :, 1].max() == 0
    assert (agreed.weight.data[:, :, 1] == 1).all()


def test_different_grids_are_refused():
    with pytest.raises(InputError, match="on one grid"):
        consensus([discs([5]), discs([5, 5])])
    with pytest.raises(InputError, match="on one grid"):
        consensus([])
