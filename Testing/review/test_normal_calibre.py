"""What area is normal at a level."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.morphometry import pam50_slices
from SoftCordSegLib.review.normal_calibre import normal_calibre


def middle(level):
    return float(np.median(pam50_slices(level)))


def test_the_cord_is_thickest_in_the_lower_neck_and_thinner_in_the_chest():
    normal = normal_calibre()

    assert 60 < normal.mean_at(middle(3)) < 75
    assert normal.mean_at(middle(4)) > normal.mean_at(middle(3)) > normal.mean_at(middle(8))
    assert 30 < normal.mean_at(middle(14)) < 45


def test_sex_and_age_count_where_they_are_known():
    at = middle(2)

    assert normal_calibre("M").mean_at(at) > normal_calibre("F").mean_at(at) + 2
    assert normal_calibre("f", 75).mean_at(at) < normal_calibre("F", 25.5).mean_at(at)
    # A group that is too small falls back to the larger one.
    assert normal_calibre("", 3).mean_at(at) == normal_calibre().mean_at(at)
    assert normal_calibre("F", 45).mean_at(middle(14)) == normal_calibre("F").mean_at(middle(14))


def test_scores_are_standard_deviations_with_an_allowance_for_the_outline():
    normal, at = normal_calibre(), np.array([middle(3)])
    mean = normal.mean_at(at[0])
    sd = float(np.interp(at[0], normal.slices, normal.sd_mm2))

    assert normal.scores(at, np.array([mean])) == pytest.approx([0])
    assert normal.scores(at, np.array([mean + 10])) == pytest.approx(
        [10 / np.hypot(sd, 0.08 * mean)]
    )
    assert np.isnan(normal.scores(np.array([np.nan, 2000.0]), np.array([50.0, 50.0]))).all()
