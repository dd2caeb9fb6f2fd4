"""What is near the located cord, and the locator's tile."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from SoftCordSegLib.network import Stage
from SoftCordSegLib.segmentation.locate import locator_sizes, neighbourhood
from SoftCordSegLib.volume import Volume


def test_near_is_what_is_near_in_the_whole_image():
    located = np.zeros((30, 25, 40), bool)
    located[10:13, 0:3, 15:40] = True
    image = Volume(located, np.diag([2.0, 2.0, 2.5, 1.0]))
    whole = ndimage.distance_transform_edt(~located, sampling=image.spacing) <= 14
    assert np.array_equal(neighbourhood(image, 14).data, whole)
    nothing = image.with_data(np.zeros_like(located))
    assert not neighbourhood(nothing, 14).data.any()


def test_the_locator_sees_all_that_fits_into_its_tile():
    stage = Stage("none", (4, 8), ((1, 1, 1), (2, 2, 2)), 2.0, (96, 96, 96), 0.5, "sigmoid")
    assert locator_sizes((50, 90, 121), (16, 16, 16), stage) == ((64, 96, 121), (64, 96, 96))


def test_a_small_image_is_padded_to_a_field_that_the_locator_was_trained_on():
    stage = Stage("none", (4, 8), ((1, 1, 1), (2, 2, 2)), 4.0, (96, 96, 96), 0.5, "sigmoid")
    stage = replace(stage, fields=((32, 48, 64), (16, 96, 64), (48, 64, 32)))
    for shape, padded in (
        ((13, 91, 54), (16, 96, 64)),
        ((20, 20, 20), (32, 48, 64)),
        ((30, 40, 60), (32, 48, 64)),
        ((58, 58, 28), (64, 64, 32)),
        ((60, 90, 121), (64, 96, 121)),
    ):
        assert locator_sizes(shape, (16, 16, 16), stage)[0] == padded
    # Where memory is short, by tiles.
    small = replace(stage, tile=(32, 32, 32))
    assert locator_sizes((13, 91, 54), (16, 16, 16), small) == ((16, 96, 64), (16, 32, 32))
