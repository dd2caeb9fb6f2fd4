"""The figures of the study of the doubt, on numbers that are known."""

from __future__ import annotations

import numpy as np
import pytest

from recipes.loaded_recipe import recipe
from review import round_cord


@pytest.fixture(scope="module")
def study(repository):
    return recipe("doubt_study", repository)


@pytest.fixture(scope="module")
def spoiled(repository):
    return recipe("spoiled_masks", repository)


def test_the_area_under_the_risk_coverage_curve(study):
    risks = np.array([0.0, 0.0, 1.0, 1.0])

    # Risks kept, the least doubted first: 0, 0, 1/3, 1/2.
    assert study.aurc(np.array([0.1, 0.2, 0.3, 0.4]), risks) == pytest.approx(5 / 24)
    assert study.aurc(np.array([0.4, 0.3, 0.2, 0.1]), risks) == pytest.approx(19 / 24)
    assert study.aurc(np.zeros(4), risks) == pytest.approx(0.5)


def test_the_risk_is_that_of_the_worst_centimetre(study):
    truth = (round_cord.mask() > 0.5).astype(np.float32)
    wrong = truth.copy()
    wrong[:, :, 30:37] = 0

    assert study.risk(round_cord.volume(truth), truth) == 0
    assert study.risk(round_cord.volume(wrong), truth) == pytest.approx(1)
    wrong = truth.copy()
    wrong[24:, :, :] = 0
    left = wrong.sum() / truth.sum()
    dice = 2 * left / (1 + left)
    assert study.risk(round_cord.volume(wrong), truth) == pytest.approx(1 - dice / 0.85, abs=0.01)


def test_of_six_wrong_masks_those_among_the_first_nine_count(study):
    wrong = np.array([1.0] * 6 + [0.0] * 34)

    assert study.first_nine(wrong, wrong) == 6
    assert study.first_nine(-wrong, wrong) == 0
    scores = wrong.copy()
    scores[:2] = -1
    assert study.first_nine(scores, wrong) == 4


def test_every_way_to_spoil_a_mask_changes_it_and_keeps_it_a_mask(spoiled):
    spacing, rng = np.array([1, 1, 1.5]), np.random.default_rng(4)
    mask = round_cord.mask()
    for name, spoil in spoiled.WRONG.items():
        wrong = spoil(mask, spacing, rng)
        assert wrong.shape == mask.shape, name
        assert 0 <= wrong.min() <= wrong.max() <= 1, name
        assert np.abs(wrong - mask).sum() > 0.02 * mask.sum(), name


def test_every_bad_scan_is_finite_and_another_image(spoiled):
    image, rng = np.maximum(round_cord.image(), 0), np.random.default_rng(4)
    for name, spoil in spoiled.BAD_SCANS.items():
        bad = spoil(image, rng)
        assert np.isfinite(bad).all(), name
        assert bad.shape == image.shape, name
        assert np.abs(bad - image).mean() > 1, name
