"""New contrasts keep edges where they are."""

from __future__ import annotations

import numpy as np

from SoftCordSegLib.training.appearance import random_curve, random_network


def block() -> np.ndarray:
    image = np.zeros((16, 16, 16), np.float32)
    image[4:12, 4:12, 4:12] = 1
    return image + 0.01 * np.random.default_rng(0).standard_normal(image.shape).astype(np.float32)


def test_both_give_finite_images_that_differ_by_seed():
    for change in (random_curve, random_network):
        first, again, other = (change(np.random.default_rng(seed), block()) for seed in (1, 1, 2))
        assert first.shape == (16, 16, 16)
        assert first.dtype == np.float32
        assert np.isfinite(first).all()
        assert np.array_equal(first, again)
        assert not np.allclose(first, other)


def test_the_strongest_edge_stays_at_the_blocks_border():
    """Median over many draws: the steepest step along a line through the block is one of its two
    faces (or a voxel beside).
    """
    for change in (random_curve, random_network):
        hits = 0
        for seed in range(20):
            line = change(np.random.default_rng(seed), block())[:, 8, 8]
            steepest = int(np.argmax(np.abs(np.diff(line))))
            hits += min(abs(steepest - 3), abs(steepest - 11)) <= 1
        assert hits >= 14


def test_a_random_network_keeps_mean_and_spread():
    image = block()
    seen = random_network(np.random.default_rng(4), image)
    assert abs(seen.mean() - image.mean()) < 1e-3
    assert abs(seen.std() - image.std()) < 1e-3


def test_a_constant_image_stays_finite():
    flat = np.full((8, 8, 8), 3.0, np.float32)
    assert np.isfinite(random_curve(np.random.default_rng(0), flat)).all()
    assert np.isfinite(random_network(np.random.default_rng(0), flat)).all()
