"""A mask against those of other contrasts and of the rest of the data set."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from review import round_cord
from SoftCordSegLib.review.doubt_others import (
    SampledCord,
    cohort_signs,
    other_signs,
    sampled_cord,
)
from SoftCordSegLib.review.mask_profile import mask_profile


def cord(radius=round_cord.RADIUS_MM, slices=slice(None), letters="RAS", shift=(0, 0)):
    data = np.zeros(round_cord.SHAPE, np.float32)
    data[:, :, slices] = round_cord.mask(radius, (24 + shift[0], 26 + shift[1]))[:, :, slices]
    volume = round_cord.volume(data, letters)
    return sampled_cord(mask_profile(volume, round_cord.volume(round_cord.image(), letters)))


def chances(signs):
    return {sign.name: sign.chance for sign in signs}


def test_the_same_cord_in_another_orientation_agrees():
    found = chances(other_signs(cord(), {"T1w": cord(letters="PIR")}))

    assert max(found.values()) < 0.05


def test_another_area_is_said_in_per_cent():
    (sign,) = [s for s in other_signs(cord(), {"T1w": cord(radius=3.6)}) if s.name == "other_area"]

    assert sign.value == pytest.approx(2 * math.log(4.5 / 3.6), abs=0.05)
    assert sign.words.startswith("T1w disagrees by 5")
    assert sign.chance > 0.4


def test_another_place_is_said_in_mm_where_both_are():
    found = other_signs(cord(), {"T1w": cord(shift=(0, 13))})
    (sign,) = [one for one in found if one.name == "other_place"]

    assert sign.words == "T1w has the cord 13 mm away"
    assert sign.chance > 0.7


def test_what_a_wrong_mask_says_does_not_count():
    assert chances(other_signs(cord(), {"T1w": cord(shift=(0, 13))}, {"T1w": 0.02}))[
        "other_place"
    ] == pytest.approx(0.016, abs=0.005)


def test_of_three_the_odd_one_is_to_blame():
    three = {"T1w": cord(), "T2starw": cord(), "MTon": cord(shift=(0, 13))}

    def blame(name):
        others = {key: one for key, one in three.items() if key != name}
        return chances(other_signs(three[name], others))["other_place"]

    assert blame("MTon") > 0.7
    assert blame("T1w") < 0.05


def test_a_mask_that_ends_before_the_others_is_found_at_its_end():
    found = other_signs(cord(slices=slice(40, 60)), {"T1w": cord()})
    (sign,) = [one for one in found if one.name == "other_reach"]

    assert sign.value == pytest.approx(60, abs=10)
    assert sign.slice in (40, 41, 42, 43, 44)
    assert sign.chance > 0.5
    # In its own field only: a small field of view is no error.
    assert "other_reach" not in chances(other_signs(cord(), {"T1w": cord()}))


def test_an_empty_mask_is_missing_where_another_one_is_not():
    assert chances(other_signs(None, {"T1w": cord()})) == {"missing": pytest.approx(0.88, abs=0.03)}
    assert other_signs(None, {}) == []


def test_masks_far_apart_are_in_different_frames_and_say_nothing():
    own, other = cord(), cord()
    moved = SampledCord(
        other.slices, other.points_mm + (0, 100, 0), other.area_mm2, other.levels,
        other.field_mm, other.measures,
    )  # fmt: skip

    assert other_signs(own, {"T1w": moved}) == []


def test_the_one_that_strays_from_its_cohort_is_found():
    usual = [cord(radius=radius) for radius in np.linspace(4.2, 4.8, 9)]

    assert chances(cohort_signs(cord(), "T2w", usual))["cohort"] < 0.05
    (sign,) = cohort_signs(cord(radius=2.6), "T2w", usual)
    assert sign.chance > 0.4
    assert sign.words == "area 66 % below the usual of T2w here"
    assert cohort_signs(cord(radius=2.6), "T2w", usual[:5]) == []


def test_a_sampled_cord_comes_back_from_json():
    own = cord()
    again = SampledCord.from_json(json.loads(json.dumps(own.as_json())))

    assert again.slices.tolist() == own.slices.tolist()
    assert again.points_mm == pytest.approx(own.points_mm, abs=0.01)
    assert again.measures == pytest.approx(dict(own.measures), abs=1e-3)
