"""Areas by the ground truth and by the masks it is made of."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.workflows.ground_truth.ground_truth_areas import ContrastArea, sd_over_contrasts


def test_the_spread_is_that_of_the_paper():
    areas = [
        ContrastArea(str(value), "soft", "2:3", "", value, 0.0) for value in (70.0, 72.0, 77.0)
    ]

    assert sd_over_contrasts(areas, "soft") == pytest.approx(np.std([70, 72, 77], ddof=1))
    assert sd_over_contrasts(areas, "hard") is None
