"""Which cases are chosen to be corrected and taught."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from review import round_cord
from SoftCordSegLib.errors import OptionError
from SoftCordSegLib.review.doubt import Doubt
from SoftCordSegLib.review.mask_profile import mask_profile
from SoftCordSegLib.review.review_cases import ReviewCase
from SoftCordSegLib.review.worth_teaching import (
    AT_RANDOM,
    UNSURE,
    TeachCandidate,
    candidate_of,
    choose_to_teach,
    teach_of,
    teaching_order,
)


def teach(data):
    return teach_of(mask_profile(round_cord.volume(data)))[0]


def test_a_soft_rim_is_worth_more_than_a_sharp_one_and_length_is_not():
    sharp = round_cord.mask()
    soft = ndimage.gaussian_filter(sharp, (1.5, 1.5, 0))
    short = soft.copy()
    short[:, :, 20:] = 0

    assert teach(soft) > teach(sharp) + 0.1
    assert teach(short) == pytest.approx(teach(soft), abs=0.03)
    assert teach(sharp > 0.5) == 0
    assert teach_of(None) == (0.0, 0)


def candidates(count=200):
    rng = np.random.default_rng(5)
    return [
        TeachCandidate(
            f"sub-{n:03d}",
            float(rng.uniform(0.05, 0.95)),
            ("T1w", "T2w", "T2w", "T2w")[n % 4],
            f"site{n % 5}",
            f"sub-{n // 2:03d}",
            n % 12,
        )
        for n in range(count)
    ]


def test_the_draw_is_the_same_for_one_seed_whatever_the_order():
    some = candidates()

    assert choose_to_teach(some, 20, 7) == choose_to_teach(some[::-1], 20, 7)
    assert choose_to_teach(some, 20, 7) != choose_to_teach(some, 20, 8)


def test_a_quarter_is_drawn_at_random_and_nothing_twice():
    chosen = choose_to_teach(candidates(), 20, 1)

    assert Counter(one.how for one in chosen) == {UNSURE: 15, AT_RANDOM: 5}
    assert len({one.key for one in chosen}) == 20
    assert [one.how for one in choose_to_teach(candidates(), 20, 1, random_share=0)] == [
        UNSURE
    ] * 20
    assert len(choose_to_teach(candidates(3), 20, 1)) == 3


def test_the_unsure_are_preferred_and_more_so_in_later_rounds():
    def mean(round_number):
        worth = {one.key: one.worth for one in candidates()}
        return np.mean(
            [
                worth[one.key]
                for seed in range(10)
                for one in choose_to_teach(
                    candidates(), 20, seed, random_share=0, round_number=round_number
                )
            ]
        )

    assert 0.55 < mean(1) < mean(4)
    assert mean(4) > 0.75


def test_the_draw_is_spread_over_contrasts_and_sites():
    some = {one.key: one for one in candidates()}
    chosen = [some[one.key] for one in choose_to_teach(some.values(), 20, 3, random_share=0)]

    contrasts = Counter(one.contrast for one in chosen)
    sites = Counter(one.site for one in chosen)
    assert contrasts["T1w"] >= 7
    assert min(sites.values()) >= 3
    assert len({one.session for one in chosen}) == 20


def test_a_case_becomes_a_candidate_with_what_is_known_of_it():
    case = ReviewCase("k", Path("i"), "sub-unf01", "sub-unf01", "T2w")
    doubt = Doubt(0.1, teach=0.4, features={"teach_level": 5.0})

    assert candidate_of(case, doubt) == TeachCandidate("k", 0.4, "T2w", "unf", "sub-unf01", 5)
    assert candidate_of(case, None, "Montreal").site == "Montreal"
    assert candidate_of(case, None).worth is None


def test_wherever_one_stops_in_the_order_a_quarter_was_drawn_at_random():
    some = candidates(200)
    order = teaching_order(some, 3)
    how = {one.key: one.how for one in choose_to_teach(some, 100, 3)}
    assert sorted(order) == sorted(one.key for one in some)
    for stop in (12, 40, 100):
        drawn = [how[key] for key in order[:stop]]
        assert drawn.count(AT_RANDOM) == pytest.approx(stop / 4, abs=1)
    worth = {one.key: one.worth for one in some}
    rest = [worth[key] for key in order[100:]]
    assert rest == sorted(rest, reverse=True)
    assert "unknown" not in teaching_order([TeachCandidate("unknown"), *some[:3]], 3)


@pytest.mark.parametrize(
    ("n", "options"), [(-1, {}), (1, {"random_share": 1.1}), (1, {"round_number": 0})]
)
def test_numbers_out_of_range_are_refused(n, options):
    with pytest.raises(OptionError):
        choose_to_teach(candidates(4), n, 1, **options)
