"""Drift of CSA from release to release, worked out by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from evaluation.study import rows_of
from SoftCordSegLib.evaluation.release_drift import release_differences, release_drifts


def test_each_release_against_the_one_before():
    numbers = {
        "v1": {"p": 80.0, "q": 60.0, "r": 70.0},
        "v2": {"p": 82.0, "q": 66.0},
        "v3": {"p": 82.0, "q": 66.0, "r": 70.0},
    }
    areas = pd.DataFrame(
        [
            (release, "", participant, "T2w", "soft", "C2:C3", area)
            for release, own in numbers.items()
            for participant, area in own.items()
        ],
        columns=["method", "dataset", "participant", "contrast", "cut", "place", "area_mm2"],
    )
    releases = ["v1", "v2", "v3"]

    differences = release_differences(areas, releases, limit_percent=5.0)
    first, second = rows_of(release_drifts(areas, differences, releases))

    flagged = rows_of(differences[differences["flagged"]])
    assert [(row.participant, row.release) for row in flagged] == [("q", "v2")]
    assert (first.images, first.missing, first.flagged) == (2, 1, 1)
    assert first.mean_mm2 == pytest.approx(4.0)
    assert first.sd_mm2 == pytest.approx(math.sqrt(8.0))
    assert first.mean_percent == pytest.approx((2.5 + 10.0) / 2)
    assert (second.images, second.missing, second.mean_mm2, second.sd_mm2) == (2, 1, 0.0, 0.0)
