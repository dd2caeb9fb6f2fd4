"""By how much areas move, worked out by hand."""

from __future__ import annotations

import math

import pytest

from SoftCordSegLib.evaluation.area_drift import AreaDrift, area_drift, drifts_beyond


def test_images_of_both_models_are_compared_and_the_others_counted():
    drift = area_drift(
        ("x", "v1", "v2"), {"p": 80.0, "q": 60.0, "r": 70.0}, {"p": 82.0, "q": 66.0, "s": 1.0}, 5.0
    )
    assert (drift.images, drift.missing, drift.flagged) == (2, 2, 1)
    assert drift.mean_mm2 == pytest.approx(4.0)
    assert drift.sd_mm2 == pytest.approx(math.sqrt(8.0))
    assert drift.mean_percent == pytest.approx((2.5 + 10.0) / 2)


def test_without_an_image_of_both_nothing_is_known():
    drift = area_drift(("x", "v1", "v2"), {"p": 80.0}, {"q": 66.0})
    assert (drift.images, drift.missing) == (0, 2)
    assert math.isnan(drift.mean_mm2)
    assert math.isnan(drift.mean_percent)
    one = area_drift(("x", "v1", "v2"), {"p": 80.0}, {"p": 80.0})
    assert one.mean_percent == 0.0
    assert math.isnan(one.sd_mm2)


def test_what_moves_by_more_than_the_limit_either_way_is_said():
    def drift(release, images, percent, dataset="x"):
        return AreaDrift(dataset, "v1", release, images, 0, percent, 0.0, percent, 0)

    drifts = [
        drift("within", 5, 2.0),
        drift("up", 5, 2.01),
        drift("down", 5, -3.0, ""),
        drift("none", 0, math.nan),
    ]

    up, down, none = drifts_beyond(drifts, 2.0)

    assert up == "CSA moves by +2.01 % from v1 to up in x, by more than 2 %."
    assert down == "CSA moves by -3.00 % from v1 to down, by more than 2 %."
    assert none == "Drift of CSA to none in x is unknown: no image could be compared."
    assert drifts_beyond(drifts[:1], 2.0) == []
    assert drifts_beyond([], 2.0) == ["Drift of CSA is unknown: there are no areas."]
