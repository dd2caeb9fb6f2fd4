"""Each way to be wrong raises the doubt, by its own sign and at its place; a good mask does not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import ndimage

from review import round_cord, spoiling
from SoftCordSegLib.morphometry import DiscLabel
from SoftCordSegLib.review.doubt_signs import LIMITS, Limit, Sign, doubt_from, mask_signs
from SoftCordSegLib.review.mask_profile import mask_profile
from SoftCordSegLib.review.normal_calibre import normal_calibre

SPACING = np.array([1, 1, 1.5])


def judged(data, discs=(), normal=None):
    """Doubt, chances by sign, and the signs."""
    image = round_cord.volume(round_cord.image())
    signs = mask_signs(mask_profile(round_cord.volume(data), image, discs), normal)
    return doubt_from(signs), {sign.name: sign.chance for sign in signs}, signs


@pytest.mark.parametrize("data", [round_cord.mask(), round_cord.mask() > 0.5])
def test_a_good_mask_soft_or_binary_is_not_doubted(data):
    doubt, *_ = judged(data)

    assert doubt.score < 0.1
    assert doubt.reason == ""
    assert doubt.slice is None


def with_block(data):
    data[3:10, 3:10, 20:40] = 1
    return data


def with_gap(data):
    data[:, :, 20:40] = 0
    return data


def stretched(data):
    i, j, _ = np.indices(data.shape)
    away = np.hypot((i - 24) / 1.9, (j - 26) * 1.9)
    return np.clip(round_cord.RADIUS_MM - away + 0.5, 0, 1)


def ragged(data):
    holes = np.random.default_rng(2).random(data.shape) < 0.35
    inside = ndimage.distance_transform_edt(data > 0.5, sampling=(1, 1, 99)) > 2.5
    return np.where(holes & ~inside, 0, data)


def unsure(data):
    return np.where(np.arange(data.shape[2]) > 40, 0.45 * data, data)


@pytest.mark.parametrize(
    ("spoil", "name", "slices"),
    [
        (lambda data: np.zeros_like(data), "empty", None),
        (lambda data: data * (np.arange(data.shape[2]) < 1), "small", None),
        (lambda data: spoiling.shifted(data, SPACING), "off_middle", range(60)),
        (lambda data: spoiling.truncated(data, SPACING), "lower_end", [30]),
        (lambda data: spoiling.leaking(data, SPACING), "jump", range(28, 44)),
        (lambda data: spoiling.hollow(data, SPACING), "holes", range(22, 38)),
        (lambda data: round_cord.mask(radius=8.0), "two_tissues", range(60)),
        (lambda data: round_cord.mask(radius=8.0), "inner_edge", range(60)),
        (lambda data: round_cord.mask(radius=8.0), "large", range(60)),
        (lambda data: round_cord.mask(radius=1.8), "thin", None),
        (with_block, "pieces", range(20, 40)),
        (with_gap, "gap", [19]),
        (stretched, "flat", range(60)),
        (ragged, "ragged", range(60)),
        (unsure, "unsure", range(41, 60)),
    ],
)
def test_a_wrong_mask_is_doubted_for_what_is_wrong_with_it(spoil, name, slices):
    doubt, chances, signs = judged(spoil(round_cord.mask()))

    assert chances[name] > 0.5
    assert doubt.score >= chances[name]
    assert doubt.reason
    if slices is not None:
        place = next(sign.slice for sign in signs if sign.name == name)
        assert place in slices


def test_a_jump_of_the_centreline_is_found_where_it_is():
    data = round_cord.mask()
    data[:, :, 30:] = round_cord.mask(centre=(24, 33))[:, :, 30:]
    doubt, chances, _ = judged(data)

    assert chances["kink"] > 0.5
    assert abs(doubt.slice - 30) <= 4


def test_the_reason_names_level_slice_and_size():
    data = round_cord.mask()
    data[:, :, 30] = round_cord.mask(radius=3.3)[:, :, 30]
    discs = [DiscLabel(5, (0, 0, 180.0)), DiscLabel(6, (0, 0, 130.0))]
    doubt, *_ = judged(data, discs)

    assert doubt.reason.startswith("C5, slice 30: area drops by 4")
    assert doubt.slice == 30
    assert doubt.position_mm == pytest.approx((0, 6, 145), abs=0.5)


def test_a_cord_of_twice_the_usual_calibre_for_its_level_is_doubted():
    # 64 mm² is usual at C3 and far too much at T6.
    def at(first):
        discs = [DiscLabel(first + n, (0, 0, 180.0 - 15 * n)) for n in range(5)]
        return judged(round_cord.mask(), discs, normal_calibre())[1]["level"]

    assert at(3) < 0.1
    assert at(11) > 0.5


def test_the_chance_grows_from_limit_to_limit_and_signs_add_up():
    limit = Limit(2.0, 4.0, 0.5)

    assert limit.chance(2.0) == pytest.approx(0.5 * 0.018, abs=0.001)
    assert limit.chance(3.0) == pytest.approx(0.25)
    assert limit.chance(1e9) == pytest.approx(0.5)
    assert limit.chance(float("nan")) == 0
    kink = Sign("kink", 3.0, "one")
    both = doubt_from([kink, Sign("jump", 0.36, "other")])
    assert kink.chance == pytest.approx(0.5)
    assert both.score == pytest.approx(0.75)
    assert doubt_from([]).score == 0


def test_a_sign_comes_back_from_json():
    sign = Sign("jump", 0.5, "area drops", 7, (1.0, 2.0, 3.0), 5)

    assert Sign.from_json(json.loads(json.dumps(sign.as_json()))) == sign
    with pytest.raises(ValueError, match="no such sign"):
        Sign.from_json({**sign.as_json(), "Name": "luck"})


def test_every_limit_is_a_range():
    assert all(limit.good < limit.wrong and 0 < limit.most <= 1 for limit in LIMITS.values())
