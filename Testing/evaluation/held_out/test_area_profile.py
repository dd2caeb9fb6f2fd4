"""Areas of one participant in several contrasts on different grids, compared where all of them
show the cord.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from evaluation.cords import a_cord, radius_at
from evaluation.study import a_box
from SoftCordSegLib.evaluation.held_out.area_profile import (
    area_profile,
    contrasts_spread,
    rescan_difference,
)
from SoftCordSegLib.volume import reorient


@pytest.fixture(scope="module")
def fine():
    """A long stretch at 1 mm, upright."""
    return area_profile(a_cord((1.0, 1.0), -40, 60))


def thick(**settings):
    return area_profile(a_cord((0.5, 7.5), -20, 50, tilt=0.15, **settings))


def test_areas_are_those_of_the_cord(fine):
    middle = fine.without_ends()
    lean = math.cos(math.atan(0.1))
    expected = math.pi * radius_at(middle.centres_mm[:, 2]) ** 2 * lean

    assert np.median(np.abs(middle.areas_mm2 / expected - 1)) < 0.01


def test_one_cord_on_two_grids_has_next_to_no_spread(fine):
    found = contrasts_spread({"T2w": fine, "T2star": thick()})

    assert found.positions >= 6
    assert found.step_mm == 7.5
    assert found.sd_percent < 1.0
    assert max(found.beside_mm.values()) < 0.6
    assert set(found.moved_mm.values()) == {0.0}


def test_a_mask_that_is_larger_by_a_known_area_is_told_by_its_sd(fine):
    larger = thick()
    larger = replace(larger, areas_mm2=larger.areas_mm2 * 1.2)

    found = contrasts_spread({"T2w": fine, "T2star": larger})

    assert found.sd_percent == pytest.approx(100 * 0.2 / math.sqrt(2) / 1.1, abs=1.0)
    assert found.areas_mm2["T2star"] / found.areas_mm2["T2w"] == pytest.approx(1.2, abs=0.015)


def test_a_cord_shown_elsewhere_is_compared_at_the_same_heights_and_not_slice_by_slice(fine):
    # The enlargement about S = 20 mm would be compared with a thinner piece if slices were counted
    # from the field's end.
    higher = area_profile(a_cord((1.0, 3.0), 0, 60))

    assert contrasts_spread({"T2w": fine, "T1w": higher}).sd_percent < 1.0
    moved = replace(higher, centres_mm=higher.centres_mm - [0.0, 1.8, 18.0])
    assert contrasts_spread({"T2w": fine, "T1w": moved}).sd_percent > 5.0


def test_storage_order_does_not_matter(fine):
    turned = area_profile(reorient(a_cord((0.5, 7.5), -20, 50, tilt=0.15), "PSR"))

    assert contrasts_spread({"a": fine, "b": turned}).sd_mm2 == pytest.approx(
        contrasts_spread({"a": fine, "b": thick()}).sd_mm2, abs=1e-6
    )


def test_an_image_whose_header_is_hundreds_of_millimetres_off_is_moved_along_its_own_axis(fine):
    right = thick()
    wrong = replace(right, centres_mm=right.centres_mm - 320.0 * right.forward)

    found = contrasts_spread({"T2w": fine, "DWI": wrong})

    assert found.moved_mm["DWI"] == pytest.approx(320.0, abs=1.5)
    assert found.moved_mm["T2w"] == 0.0
    assert found.sd_percent == pytest.approx(
        contrasts_spread({"T2w": fine, "DWI": right}).sd_percent, abs=0.3
    )


def test_a_contrast_without_a_mask_has_no_spread_rather_than_a_good_one(fine):
    found = contrasts_spread({"T2w": fine, "T2star": thick(), "DWI": None})

    assert found.positions == 0
    assert math.isnan(found.sd_mm2)


def test_stretches_that_do_not_meet_have_no_spread(fine):
    below = area_profile(a_cord((1.0, 3.0), -120, -80, offset=(0.0, -10.0)))

    assert math.isnan(contrasts_spread({"T2w": fine, "T1w": below}).sd_mm2)


def test_an_empty_mask_has_no_profile():
    assert area_profile(a_box(6, value=0.0)) is None


class TestRescan:
    def test_the_difference_is_of_the_mean_over_the_slices_of_both(self):
        scan, rescan = area_profile(a_box(6, slices=9)), area_profile(a_box(6, height=9, slices=8))

        mm2, percent, slices = rescan_difference(scan, rescan)

        assert (mm2, slices) == (pytest.approx(6.0, abs=1e-3), 6)
        assert percent == pytest.approx(100 * 6 / 51, abs=0.01)

    def test_without_a_mask_there_is_none(self):
        mm2, _, slices = rescan_difference(area_profile(a_box(6)), None)

        assert math.isnan(mm2)
        assert slices == 0
