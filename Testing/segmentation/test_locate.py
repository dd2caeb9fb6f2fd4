"""What is near the located cord, and the locator's tile."""

from __future__ import annotations

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
