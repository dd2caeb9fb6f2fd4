"""Visits of a participant side by side."""

from __future__ import annotations

import math

import numpy as np
import pytest

from SoftCordSegLib.workflows.data_set.two_visits import FEWEST_PAIRS, smallest_detectable


def test_the_smallest_detectable_change_of_a_known_error():
    """Two measurements of a truth of 70 mm² with an SD of 1 %: 1.96 sqrt(2) %, that is 2.77 %."""
    errors = np.random.default_rng(1).normal(0, 1, (20_000, 2, 3))
    scan, rescan = np.moveaxis(70 * (1 + errors / 100), 1, 0)
    pairs = 200 * (scan - rescan) / (scan + rescan)
    found = smallest_detectable([list(one) for one in pairs])
    assert found.percent == pytest.approx(1.96 * math.sqrt(2), rel=0.02)
    assert found.pairs == 20_000
    assert smallest_detectable([[1.0]] * (FEWEST_PAIRS - 1)) is None
