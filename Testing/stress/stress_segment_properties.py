"""Many paddings, crops and halves of real images; ``make test`` has one of each."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.real_properties import (
    an_image,
    cropping_changes_volume_by,
    halves_agree,
    padding_changes_volume_by,
)

IMAGES = (
    "sct-testing/t2",
    "sct-testing/t2s",
    "sct-tutorial/sub-01_acq-MTon_MTS",
    "gm-challenge/sub-9709Ses1_run-1_T2star",
    "errsm/sub-errsm18_T2w",
)
LONG = ("errsm/sub-errsm18_T2w", "errsm/sub-errsm21_T2w", "errsm/sub-errsm22_T2w")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", IMAGES)
def test_padding(shared_data, name, seed):
    rng = np.random.default_rng(seed)
    pads = rng.integers(0, 40, (3, 2)) * (rng.random((3, 2)) < 0.6)
    value = rng.choice([0, 1, 100, 4000])
    assert padding_changes_volume_by(an_image(shared_data, name), pads, float(value)) < 0.01


@pytest.mark.parametrize("margin_mm", [15.0, 20.0, 30.0])
@pytest.mark.parametrize("name", IMAGES[2:])
def test_cropping(shared_data, name, margin_mm):
    assert cropping_changes_volume_by(an_image(shared_data, name), margin_mm) < 0.01


@pytest.mark.parametrize("name", LONG)
def test_halves(shared_data, name):
    assert halves_agree(an_image(shared_data, name)) > 0.97
