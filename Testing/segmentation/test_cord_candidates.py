"""Which pieces are the cord."""

from __future__ import annotations

import numpy as np

from SoftCordSegLib.segmentation.cord_candidates import cord_candidates

SPACING = np.array([1.0, 1.0, 1.0])


def plausible_cord(soft: np.ndarray, spacing: np.ndarray, level: float) -> np.ndarray:
    """The first candidate's mask; all False where there is none."""
    candidates = cord_candidates(soft, spacing, level)
    return candidates[0].mask if candidates else np.zeros(soft.shape, bool)


def empty() -> np.ndarray:
    return np.zeros((60, 60, 100), np.float32)


def add_tube(soft, center, low, high, radius=5, value=1.0) -> None:
    i, j = np.indices(soft.shape[:2])
    soft[np.hypot(i - center[0], j - center[1]) <= radius, low:high] = value


def test_a_cord_is_kept_and_a_larger_blob_is_not():
    soft = empty()
    add_tube(soft, (20, 20), 10, 90)
    soft[35:58, 35:58, 40:65] = 1
    kept = plausible_cord(soft, SPACING, 0.25)
    assert kept[20, 20, 10:90].all()
    assert not kept[35:58, 35:58].any()


def test_a_cord_interrupted_by_an_artefact_stays_whole():
    soft = empty()
    add_tube(soft, (20, 20), 5, 40)
    add_tube(soft, (23, 24), 52, 95)
    kept = plausible_cord(soft, SPACING, 0.25)
    assert kept[20, 20, 5:40].all()
    assert kept[23, 24, 52:95].all()


def test_a_second_long_thing_beside_the_cord_is_left_out():
    soft = empty()
    add_tube(soft, (15, 20), 5, 95)
    add_tube(soft, (45, 20), 5, 80, radius=3)
    kept = plausible_cord(soft, SPACING, 0.25)
    assert kept[15, 20].any()
    assert not kept[45, 20].any()


def test_a_small_piece_far_below_the_cord_is_left_out():
    soft = empty()
    add_tube(soft, (20, 20), 40, 98)
    add_tube(soft, (22, 22), 8, 18, radius=3)
    kept = plausible_cord(soft, SPACING, 0.25)
    assert kept[20, 20, 40:98].all()
    assert not kept[:, :, :30].any()


def test_specks_are_not_a_cord():
    soft = empty()
    soft[10, 10, 10] = soft[40:42, 40, 50] = 1
    assert not plausible_cord(soft, SPACING, 0.25).any()


def test_few_thick_slices_are_enough():
    soft = np.zeros((40, 40, 5), np.float32)
    add_tube(soft, (20, 20), 0, 5)
    assert plausible_cord(soft, np.array([1.0, 1.0, 17.0]), 0.25)[20, 20].all()


def test_rims_below_half_come_along():
    soft = empty()
    add_tube(soft, (20, 20), 10, 90, radius=6, value=0.3)
    add_tube(soft, (20, 20), 10, 90, radius=5)
    assert plausible_cord(soft, SPACING, 0.1)[26, 20, 50]


def test_the_next_candidate_is_another_place():
    soft = empty()
    add_tube(soft, (15, 20), 5, 95)
    add_tube(soft, (45, 20), 5, 80)
    first, second = cord_candidates(soft, SPACING, 0.25, most=3)
    assert first.score > second.score > 0
    assert first.mask[15, 20].any()
    assert second.mask[45, 20].any()
    assert not (first.mask & second.mask).any()
