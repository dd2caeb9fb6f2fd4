"""Where masks end in images of the lumbar spine: the made images, and the figures."""

from __future__ import annotations

import numpy as np
import pytest

from recipes.loaded_recipe import recipe
from SoftCordSegLib.volume import Volume
from training.generator.made_packed import made_packed


@pytest.fixture(scope="module")
def study(repository):
    return recipe("tip_study", repository)


def test_a_mask_ends_at_its_lowest_voxel_whatever_way_the_image_lies(study):
    affine = np.array([[0, 0, 2, 5], [-1, 0, 0, 7], [0, -4, 0, 100], [0, 0, 0, 1]], float)
    data = np.zeros((3, 9, 3), np.float32)
    data[1, 2:7, 1], data[1, 7, 1] = 1.0, 0.4
    assert study.end_mm(Volume(data, affine)) == 100 - 4 * 6
    assert np.isnan(study.end_mm(Volume(np.zeros_like(data), affine)))


def test_the_summary_counts_what_ends_near_too_low_too_high_and_nowhere(study):
    said = study.summary([3.0, -14.0, -60.0, 40.0, 20.0, float("nan")])
    assert said == ("of 6: within 15 mm 2, over 25 mm below 1, above 1, no mask 1; median 3.0 mm")


def test_made_images_show_the_cord_above_its_tip_and_the_sac_below(study):
    """The tip that is said lies far enough inside the field."""
    images = study.synthetic_images(made_packed(), 2)

    assert len(images) == 2
    for _, image, tip_mm in images:
        assert image.shape == study.RECIPE.shape
        assert 120 <= tip_mm <= study.RECIPE.shape[2] - 60
        assert image.data.std() > 0
