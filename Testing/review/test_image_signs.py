"""What an image says of a mask: the same for a bright and for a dark cord."""

from __future__ import annotations

import numpy as np
import pytest

from review import round_cord
from SoftCordSegLib.review.mask_profile import mask_profile


def signs(mask, image):
    return mask_profile(round_cord.volume(mask), round_cord.volume(image)).image


@pytest.mark.parametrize("inverted", [False, True])
def test_a_good_mask_holds_one_tissue_and_lies_in_the_middle(inverted):
    image = round_cord.image()
    found = signs(round_cord.mask(), 1000 - image if inverted else image)

    assert np.nanmax(found.mixture) < 0.05
    assert np.nanmax(np.abs(found.off_middle_mm)) < 0.6
    assert np.nanmax(found.inner_edge) < 0.2


def test_noise_alone_is_no_second_tissue():
    found = signs(round_cord.mask(), round_cord.image(noise=200))

    assert np.nanmedian(found.mixture) < 0.25


@pytest.mark.parametrize("shift", [-5, 5])
def test_a_mask_beside_the_cord_is_off_the_middle_and_holds_two_tissues(shift):
    found = signs(round_cord.mask(centre=(24.0 + shift, 26.0)), round_cord.image())

    # The cord's middle lies on the other side; i grows to the right, the sign counts to the left.
    assert np.nanmedian(found.off_middle_mm) == pytest.approx(shift, abs=0.6)
    assert np.nanmedian(found.symmetry_gain) > 0.2
    assert np.nanmedian(found.mixture) > 0.5


def test_a_mask_of_the_whole_sac_has_an_edge_inside():
    found = signs(round_cord.mask(radius=8.0), round_cord.image())

    assert np.nanmedian(found.inner_edge) > 0.5
    assert np.nanmedian(found.mixture) > 0.3


def test_the_cord_goes_on_beyond_an_end_or_it_does_not():
    mask, image = round_cord.mask(), round_cord.image()
    mask[:, :, :20] = 0
    other = image.copy()
    other[:, :, :20] = np.random.default_rng(3).normal(400, 100, other[:, :, :20].shape)

    assert signs(mask, image).goes_on[0] > -0.1
    assert signs(mask, other).goes_on[0] < -0.5


def test_a_constant_image_says_nothing():
    found = signs(round_cord.mask(), np.full(round_cord.SHAPE, 7.0))

    assert not np.isfinite(found.mixture).any()
    assert np.nanmax(found.symmetry_gain) == 0
