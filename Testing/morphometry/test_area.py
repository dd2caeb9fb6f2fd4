"""The interval of the area, from the soft mask."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from morphometry.cords import cylinder
from SoftCordSegLib.morphometry import (
    MeasureOptions,
    aggregate,
    csv_text,
    measure,
)

CORD = cylinder(shape=(34, 30, 20), spacing=(0.8, 0.8, 2.0), radii=(6.0, 4.5))


def blurred(sigma: float):
    return CORD.with_data(ndimage.gaussian_filter(CORD.data, (sigma, sigma, 0)))


@settings(max_examples=15)
@given(st.floats(0.0, 1.5))
def test_the_interval_holds_the_area(sigma):
    columns = measure(blurred(sigma), MeasureOptions(rescaling="none")).columns
    assert (columns["area_low"] < columns["area"]).all()
    assert (columns["area"] < columns["area_high"]).all()


def test_a_blurred_border_gives_a_wider_interval_about_the_same_area():
    widths = []
    for sigma in (0.0, 0.5, 1.0, 1.5):
        columns = measure(blurred(sigma), MeasureOptions(rescaling="none")).columns
        assert columns["area"].mean() == pytest.approx(math.pi * 6 * 4.5, rel=0.01)
        widths.append((columns["area_high"] - columns["area_low"]).mean())
    assert widths == sorted(widths)
    assert widths[-1] > 2 * widths[0]


def test_the_interval_of_a_known_ramp():
    """A border that fades linearly over 4 mm: the contours at 0.75 and 0.25 lie 1 mm to either
    side.
    """
    x, y = np.mgrid[:60, :60] * 0.4 - 11.8
    section = np.clip((6.0 - np.hypot(x, y)) / 4.0 + 0.5, 0, 1)
    mask = cylinder(shape=(60, 60, 6), spacing=(0.4, 0.4, 1.0)).with_data(
        np.repeat(section[:, :, None], 6, axis=2)
    )
    columns = measure(mask, MeasureOptions(angle_correction=False)).columns
    assert columns["area_low"] == pytest.approx(np.full(6, math.pi * 5**2), rel=0.01)
    assert columns["area_high"] == pytest.approx(np.full(6, math.pi * 7**2), rel=0.01)


def test_the_interval_around_a_threshold_comes_from_the_soft_values():
    soft = blurred(1.5)
    low = measure(soft, MeasureOptions(threshold=0.3, rescaling="none")).columns
    middle = measure(soft, MeasureOptions(threshold=0.5, rescaling="none")).columns
    assert (low["area_high"] > middle["area_high"]).all()
    assert (low["area_low"] < low["area"]).all()
    assert (low["area"] < low["area_high"]).all()
    # The thresholded mask alone has a border of one voxel; the soft one is wider.
    alone = measure(soft.with_data((soft.data >= 0.5).astype(np.uint8))).columns
    assert (
        middle["area_high"] - middle["area_low"] > (alone["area_high"] - alone["area_low"]) * 1.3
    ).all()


def test_the_interval_is_in_the_table_after_scts_columns():
    shape = measure(CORD)
    header = csv_text(shape, aggregate(shape)).splitlines()[0].split(",")
    assert header.index("MEAN(area_low)") > header.index("SUM(length)")
    assert "area_low" not in measure(CORD, MeasureOptions(interval=False)).columns
