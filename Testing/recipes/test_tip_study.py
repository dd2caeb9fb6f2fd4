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


@pytest.mark.parametrize(("kind", "shape"), [("column", (96, 96, 352)), ("slab", (64, 208, 256))])
def test_made_images_show_the_cord_above_its_tip_and_the_sac_below(study, kind, shape):
    """The tip that is said lies far enough inside the field."""
    images = study.synthetic_images(made_packed(), kind, 2)

    assert len(images) == 2
    for _, image, tip_mm in images:
        assert image.shape == shape
        assert 120 <= tip_mm <= shape[2] - 60
        assert image.data.std() > 0


def test_what_lies_below_a_tip_holds_no_cord(study):
    """A field whose voxels say how high they lie."""
    data = np.broadcast_to(np.arange(200, dtype=np.float32), (8, 8, 200))
    below = study.below_tip(Volume(data, study.AFFINE), 150.0)
    assert below.data.max() == 129
    assert below.affine.tolist() == study.AFFINE.tolist()
