"""Which outline the edges of images speak for."""

from __future__ import annotations

import numpy as np
import pytest
from SoftCordSegLib.training.real.evidence import edge_support

SPACING = np.array([0.5, 0.5])


def disc(radius_mm: float, back_mm: float = 0.0) -> np.ndarray:
    """A round soft outline in 60 x 60 pixels of 0.5 mm."""
    i, j = np.indices((60, 60)) - 29.5
    return np.clip((radius_mm - np.hypot(i, j + back_mm / 0.5) * 0.5) / 0.5 + 0.5, 0, 1).astype(
        np.float32
    )


CORD = disc(5)


@pytest.mark.parametrize(("cord", "fluid"), [(50, 100), (100, 50)])
@pytest.mark.parametrize(
    "wrong", [disc(6), disc(4), disc(5, back_mm=1)], ids=["large", "small", "back"]
)
def test_the_true_outline_has_most_support_whatever_the_contrast(cord, fluid, wrong):
    image = fluid + (cord - fluid) * CORD + np.random.default_rng(1).normal(0, 3, CORD.shape)
    right, other = edge_support([CORD, wrong], [image], SPACING)
    assert right > 1.1 * other


def test_an_outline_from_fluid_to_bone_has_less_than_one_along_fluid():
    # Behind the cord lies thin fluid, then bone: the large outline has strong edges too, but to the
    # other side.
    image = np.where(np.indices(CORD.shape)[1] < 18, 0.0, 100.0) * (1 - CORD) + 50 * CORD
    right, into_bone = edge_support([CORD, disc(6, back_mm=1)], [image], SPACING)
    assert right > 1.5 * into_bone


def test_contrast_and_brightness_of_an_image_do_not_matter():
    image = 100 - 50 * CORD
    first = edge_support([CORD, disc(6)], [image, 3 * image + 7], SPACING)
    assert np.allclose(first, edge_support([CORD, disc(6)], [image, image], SPACING), rtol=1e-4)


def test_without_edges_or_outline_there_is_no_support():
    assert edge_support([CORD, disc(5)], [np.full(CORD.shape, 7.0)], SPACING).tolist() == [0, 0]
    assert edge_support([CORD, np.zeros_like(CORD)], [100 - CORD], SPACING)[1] == 0
