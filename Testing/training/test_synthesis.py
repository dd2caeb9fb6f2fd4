"""Synthetic pairs: what a network may rely on when it learns from them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from SoftCordSegLib.training.synthetic.acquisition import Slices, cut_slices
from SoftCordSegLib.training.synthetic.anatomy import CORD, GREY, load_anatomy
from SoftCordSegLib.training.synthetic.fields import smooth_noise
from SoftCordSegLib.training.synthetic.synthesis import LOCATOR, SEGMENTER, Synthesis


@pytest.fixture(scope="module", params=[SEGMENTER, LOCATOR], ids=["segmenter", "locator"])
def synthesis(request, anatomy) -> Synthesis:
    return Synthesis(anatomy, request.param)


def test_the_same_seed_gives_the_same_pair_and_another_another(synthesis):
    first, again, other = synthesis.pair([3, 7]), synthesis.pair([3, 7]), synthesis.pair([3, 8])
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.label, again.label)
    assert not np.array_equal(first.image, other.image)


def test_images_are_finite_and_labels_in_0_to_1(synthesis):
    for seed in range(20):
        pair = synthesis.pair(seed)
        assert pair.image.shape == pair.label.shape == pair.weight.shape == synthesis.recipe.shape
        assert pair.image.dtype == pair.label.dtype == pair.weight.dtype == np.float32
        assert np.isfinite(pair.image).all()
        assert np.abs(pair.image).max() <= 3
        assert pair.label.min() >= 0
        assert pair.label.max() <= 1


def test_some_images_have_no_cord_and_most_do(anatomy):
    recipe = dataclasses.replace(SEGMENTER, without_cord=0.3, cropped=0.0)
    synthesis = Synthesis(anatomy, recipe)
    with_cord = [synthesis.pair(seed).label.max() > 0.5 for seed in range(30)]
    assert 12 <= sum(with_cord) <= 28


def test_labels_have_the_area_of_a_cord(anatomy):
    """Calibre, size and tilt vary, but the median cross-section is that of the anatomy: 79 mm²."""
    synthesis = Synthesis(anatomy, dataclasses.replace(SEGMENTER, without_cord=0.0, cropped=0.0))
    areas = [
        np.median(a[a > 5])
        for a in (synthesis.pair(seed).label.sum(axis=(0, 1)) for seed in range(30))
        if (a > 5).any()
    ]
    assert 55 < np.median(areas) < 115


def test_the_cord_can_be_seen(anatomy):
    """Cord and surroundings differ in most images by more than the spread within the cord's rim
    would explain.
    """
    synthesis = Synthesis(anatomy, dataclasses.replace(SEGMENTER, without_cord=0.0, cropped=0.0))
    seen = 0
    for seed in range(20):
        pair = synthesis.pair(seed)
        inside, near = pair.label > 0.9, (pair.label > 0) & (pair.label < 0.2)
        seen += abs(np.median(pair.image[inside]) - np.median(pair.image[near])) > 0.05
    assert seen >= 15


def test_thick_slices_keep_the_volume_of_the_cord():
    label = np.zeros((8, 8, 60), np.float32)
    label[2:6, 2:6, 20:41] = 1
    thick = cut_slices(label, Slices(axis=2, thickness=5.0, step=5.0, phase=0.3))
    assert thick.shape == label.shape
    assert thick.sum() == pytest.approx(label.sum(), rel=0.05)
    assert 0 < thick[3, 3, 18] < 1, "partial volume at the ends"


def test_isotropic_images_are_not_resliced():
    volume = np.random.default_rng(0).random((4, 5, 6), np.float32)
    assert cut_slices(volume, Slices(2, 1.0, 1.0, 0.0)) is volume


def test_noise_has_the_asked_scale():
    rng = np.random.default_rng(0)
    fine, coarse = (smooth_noise(rng, (40, 40, 40), scale) for scale in (1.0, 12.0))
    assert fine.std() == pytest.approx(1, abs=0.05)
    assert 0.3 < coarse.std() < 1.3
    step = [np.abs(np.diff(noise, axis=0)).mean() / noise.std() for noise in (fine, coarse)]
    assert step[1] < step[0] / 5


def test_the_real_anatomy_loads_straight_and_centred(shared_data):
    anatomy = load_anatomy(shared_data)
    assert len(anatomy.cords) == 10
    for cord in anatomy.cords:
        middle = (np.array(cord.maps.shape[1:3]) - 1) / 2
        plane = cord.maps[CORD, :, :, cord.maps.shape[3] // 2]
        i, j = np.indices(plane.shape)
        centre = np.array([(plane * i).sum(), (plane * j).sum()]) / plane.sum()
        assert np.abs(centre - middle).max() * 0.5 < 1.0, "within a millimetre of the middle"
        assert 30 < plane.sum() * 0.25 < 110, "mm², a human cord"
        assert (cord.maps[GREY] <= cord.maps[CORD] + 0.51).all()
    assert anatomy.near.min() >= 0
    assert anatomy.near.max() <= 1
