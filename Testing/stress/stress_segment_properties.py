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
# Its intensities are scaled by the whole image, as the shipped bundle names it; far from the coil
# the cord is then darker or brighter with what lies around it: by the range of the whole image the
# volume of the part would change by 0.8 %.
SCALED_BY_ALL = pytest.mark.xfail(reason="5 % with the contract whole_image", strict=False)
# A margin of up to 10 mm stays, so that the working grid of images that scanners leave so does not
# move; where it was added, it moves by a part of a voxel.
MOVED = {("sct-testing/t2", 3): pytest.mark.xfail(reason="1.1 %", strict=False)}
LONG = ("errsm/sub-errsm18_T2w", "errsm/sub-errsm21_T2w", "errsm/sub-errsm22_T2w")


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        pytest.param(name, seed, marks=MOVED.get((name, seed), ()))
        for name in IMAGES
        for seed in range(6)
    ],
)
def test_padding(shared_data, name, seed):
    rng = np.random.default_rng(seed)
    pads = rng.integers(0, 40, (3, 2)) * (rng.random((3, 2)) < 0.6)
    value = rng.choice([0, 1, 100, 4000])
    assert padding_changes_volume_by(an_image(shared_data, name), pads, float(value)) < 0.01


@pytest.mark.parametrize("margin_mm", [15.0, 20.0, 30.0])
@pytest.mark.parametrize("name", [*IMAGES[2:4], pytest.param(IMAGES[4], marks=SCALED_BY_ALL)])
def test_cropping(shared_data, name, margin_mm):
    assert cropping_changes_volume_by(an_image(shared_data, name), margin_mm) < 0.01


@pytest.mark.parametrize("name", LONG)
def test_halves(shared_data, name):
    assert halves_agree(an_image(shared_data, name)) > 0.97
