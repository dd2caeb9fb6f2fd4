"""Discs are told from vertebral bodies without a known disc, whatever the contrast."""

from __future__ import annotations

import numpy as np
import pytest

from known_phantoms import known_phantom
from SoftCordSegLib.morphometry import centreline_of
from SoftCordSegLib.morphometry.disc_likeness import likeness_to_neighbours, log_narrowness
from SoftCordSegLib.morphometry.disc_patterns import DiscPatterns, straighten


@pytest.fixture(scope="module")
def strip():
    """Patterns, rows of the discs C2/C3 to T2/T3, and rows in the middle of the bodies between."""
    phantom = known_phantom("T2w")
    spine = straighten(phantom.image, centreline_of(phantom.truth))
    rows = [
        round(spine.locate(np.array(disc.position_mm))[0])
        for disc in sorted(phantom.discs, key=lambda disc: disc.value)
        if 3 <= disc.value <= 10
    ]
    return DiscPatterns(spine), rows, [(a + b) // 2 for a, b in zip(rows, rows[1:])]


def test_discs_are_narrow_and_bodies_are_not(strip):
    patterns, discs, bodies = strip
    narrowness = log_narrowness(patterns.flat)
    assert min(narrowness[row - 3 : row + 4].max() for row in discs) > 0.5
    assert max(narrowness[row] for row in bodies) < 0.3


def test_bright_and_dark_discs_are_equally_narrow(strip):
    patterns = strip[0]
    assert np.allclose(
        log_narrowness(patterns.flat), log_narrowness(-patterns.flat), equal_nan=True
    )


def test_discs_are_like_their_neighbours_and_bodies_are_not(strip):
    patterns, discs, bodies = strip
    likeness = likeness_to_neighbours(patterns, discs)
    assert min(likeness[row - 3 : row + 4].max() for row in discs) > 0.5
    assert max(likeness[row] for row in bodies) < 0.3


def test_a_disc_is_not_its_own_neighbour(strip):
    patterns, discs, _ = strip
    alone = likeness_to_neighbours(patterns, discs[:1])
    assert np.isnan(alone[discs[0]])
    assert np.isfinite(alone[discs[1]])
    assert np.isnan(likeness_to_neighbours(patterns, [])).all()
