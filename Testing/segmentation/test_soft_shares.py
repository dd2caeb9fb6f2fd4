"""Soft values keep the area that the network expects, however blunt its answer is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from SoftCordSegLib.network import Stage
from SoftCordSegLib.segmentation.soft_shares import soft_shares, soft_shares_near

EDGE = (0.25, 0.75)
STAGE = Stage("w", (8,), ((1, 1, 1),), 1.0, (48, 48, 64), 0.25, "clip", edge=EDGE)
SPACING = np.ones(3)
SHAPE = (44, 44, 60)


def tube(middle=(22, 22), radius=5.0, low=0, high=60) -> np.ndarray:
    """A cord, at half its voxels' size and averaged, so that its edge is a share of a voxel."""
    i, j = (np.arange(2 * n) / 2 - 0.25 for n in SHAPE[:2])
    inside = np.hypot(i[:, None] - middle[0], j - middle[1]) <= radius
    plane = inside.reshape(SHAPE[0], 2, SHAPE[1], 2).mean(axis=(1, 3))
    whole = np.zeros(SHAPE, np.float32)
    whole[:, :, low:high] = plane[:, :, None]
    return whole


def answer(truth: np.ndarray, blur: float) -> np.ndarray:
    """Raw outputs of a network whose answer is as blunt as this, voxels."""
    expected = ndimage.gaussian_filter(truth, (blur, blur, 0))
    return ((expected - EDGE[0]) / (EDGE[1] - EDGE[0])).astype(np.float32)


def areas(soft: np.ndarray) -> np.ndarray:
    return soft.sum(axis=(0, 1), dtype=float)


# By radius and blur: what one line for all slices leaves of the area, at most, and what the area is
# at least then; what is fainter than the network's noise has no part in it.
BLUNT = [
    (2.5, 1.0, 0.86, 0.93),
    (2.5, 1.5, 0.66, 0.88),
    (4.0, 2.0, 0.79, 0.91),
    (4.0, 2.5, 0.64, 0.89),
    (6.0, 3.0, 0.79, 0.91),
    (6.0, 1.0, 0.99, 0.98),
]


@pytest.mark.parametrize(("radius", "blur", "by_line", "least"), BLUNT)
def test_a_blunt_answer_has_the_area_that_it_expects(radius, blur, by_line, least):
    truth = tube(radius=radius)
    raw = answer(truth, blur)
    assert (areas(np.clip(raw, 0, 1)) / areas(truth) < by_line).all()
    soft, score = soft_shares(raw, STAGE, SPACING, np.ones(SHAPE, bool))
    assert score > 0
    kept = areas(soft) / areas(truth)
    assert ((kept >= least) & (kept < 1.01)).all()


def test_an_edge_that_is_seen_well_stays_as_the_line_makes_it():
    raw = answer(tube(), 0.8)
    by_one_line = np.clip(raw, 0, 1)
    soft, _ = soft_shares(raw.copy(), STAGE, SPACING, np.ones(SHAPE, bool))
    assert np.abs(soft - by_one_line).max() < 0.08
    assert areas(soft) == pytest.approx(areas(by_one_line), rel=0.02)


def test_a_cord_that_is_answered_ever_more_faintly_keeps_its_area_in_each_slice():
    truth = tube()
    blurs = np.linspace(0.8, 2.8, SHAPE[2])
    raw = np.stack([answer(truth[:, :, [z]], b)[:, :, 0] for z, b in enumerate(blurs)], axis=2)
    by_one_line = areas(np.clip(raw, 0, 1))
    soft, _ = soft_shares(raw, STAGE, SPACING, np.ones(SHAPE, bool))
    before, after = (1 - area / areas(truth) for area in (by_one_line, areas(soft)))
    assert before[-1] > 0.12
    assert after.max() < 0.11
    assert after[-1] < 0.8 * before[-1]


def test_what_is_hardly_likely_is_not_made_likely():
    raw = answer(tube(), 0.8)
    haze = (np.full(SHAPE, 0.12) - EDGE[0]) / (EDGE[1] - EDGE[0])
    raw[:, :, :20] = haze[:, :, :20]
    soft, _ = soft_shares(raw, STAGE, SPACING, np.ones(SHAPE, bool))
    assert not soft[:, :, :10].any()


def test_only_one_cord_counts_and_only_where_one_may_be():
    both = np.maximum(tube((12, 22)), tube((33, 22), radius=4.0, high=40))
    soft, _ = soft_shares(answer(both, 1.0), STAGE, SPACING, np.ones(SHAPE, bool))
    assert soft[12, 22].all()
    assert not soft[33, 22].any()
    where = np.ones(SHAPE, bool)
    where[:, :, 30:] = False
    soft, _ = soft_shares(answer(both, 1.0), STAGE, SPACING, where)
    assert not soft[:, :, 30:].any()
    assert areas(soft)[:29] == pytest.approx(areas(tube())[:29], rel=0.05)


def test_nothing_is_nothing():
    for stage in (STAGE, replace(STAGE, edge=None)):
        raw = np.full(SHAPE, -0.5, np.float32)
        soft, score = soft_shares(raw, stage, SPACING, np.ones(SHAPE, bool))
        assert score == 0
        assert not soft.any()


def test_outputs_without_an_edge_are_shares_as_they_are():
    raw, stage = answer(tube(), 2.0), replace(STAGE, edge=None)
    soft, _ = soft_shares(raw.copy(), stage, SPACING, np.ones(SHAPE, bool))
    expected = np.clip(raw, 0, 1)
    assert (soft == np.where(soft > 0, expected, 0)).all()
    assert areas(soft) == pytest.approx(areas(expected), rel=0.02)
    near = np.zeros(SHAPE, bool)
    assert (soft_shares_near(raw.copy(), stage, SPACING, near) == expected).all()


def test_a_cord_that_bends_out_of_where_it_is_looked_for_is_not_cut():
    raw = answer(tube(), 2.0)
    near = np.zeros(SHAPE, bool)
    near[:, :24] = True  # a half of it, and nothing of it further up
    near[:, :, 30:] = False
    soft = soft_shares_near(raw.copy(), STAGE, SPACING, near)
    whole = soft_shares_near(raw.copy(), STAGE, SPACING, np.ones(SHAPE, bool))
    assert (soft[:, 24:] > 0).any(axis=(0, 1)).all()
    assert areas(soft)[:30] == pytest.approx(areas(whole)[:30], rel=0.04)
    assert (areas(soft) >= areas(np.clip(raw, 0, 1)) - 1e-3).all()


@given(st.floats(0.6, 3.0), st.floats(3.0, 7.0), st.floats(0.6, 1.0), st.integers(0, 2**32 - 1))
def test_values_are_shares_and_order_stays(blur, radius, certain, seed):
    truth = certain * tube(radius=radius)
    noise = np.random.default_rng(seed).normal(0, 0.02, SHAPE).astype(np.float32)
    raw = answer(truth, blur) + noise
    soft = soft_shares_near(raw.copy(), STAGE, SPACING, np.ones(SHAPE, bool))
    assert soft.dtype == np.float32
    assert soft.min() >= 0
    assert soft.max() <= 1
    z = SHAPE[2] // 2
    order = np.argsort(raw[:, :, z], axis=None)
    assert (np.diff(soft[:, :, z].ravel()[order]) >= 0).all(), (
        "of a slice, what is likelier is more"
    )
