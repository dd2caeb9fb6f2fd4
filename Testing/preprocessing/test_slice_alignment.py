"""Shifts of slices, found again."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from SoftCordSegLib.preprocessing.slice_alignment import (
    Target,
    align,
    best_whole_shift,
    shifted,
    spline_coefficients,
)

SLICES = 5


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    """Smooth structure in every slice."""
    noise = np.random.default_rng(0).normal(0, 1, (40, 36, SLICES))
    return 100 * ndimage.gaussian_filter(noise, (2, 2, 0))


def target_of(image: np.ndarray) -> Target:
    weights = np.zeros(image.shape)
    weights[8:-8, 8:-8] = 1
    return Target.of(image, weights)


def test_a_shift_of_whole_voxels_is_undone_exactly(image):
    shift = np.tile([2.0, -1.0], (SLICES, 1))

    moved = shifted(spline_coefficients(image), shift)

    assert moved[4:-4, 4:-4] == pytest.approx(image[6:-2, 3:-5], abs=1e-6)


def test_the_best_whole_shift_is_found_within_its_reach(image):
    moved = np.roll(image, (3, -2), axis=(0, 1))

    assert best_whole_shift(moved, target_of(image), reach=5).tolist() == [3, -2]


def test_a_line_of_shifts_is_found_whatever_the_gain_and_offset(image):
    along = np.linspace(-1, 1, SLICES)
    basis = np.stack([np.ones(SLICES), along], axis=1)
    known = np.array([[0.7, -0.4], [0.3, 0.5]])
    moved = shifted(spline_coefficients(image), -basis @ known)

    found = align(
        spline_coefficients(3 * moved + 50), target_of(image), basis, start=np.zeros((2, 2))
    )

    assert found == pytest.approx(known, abs=0.02)


def test_a_volume_that_is_the_negative_of_the_target_is_not_aligned(image):
    basis = np.ones((SLICES, 1))

    assert align(spline_coefficients(-image), target_of(image), basis, np.zeros((1, 2))) is None
