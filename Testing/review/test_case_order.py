"""Order of the cases, search, and the time that is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from SoftCordSegLib.review import ReviewCase, Verdict, in_order, matching, seconds_left, shuffled


def case(key, *, mask=True, problem=""):
    return ReviewCase(key, Path(f"{key}.nii"), masks=(Path("m"),) * mask, problem=problem)


def test_the_most_doubtful_first_then_unknown_ones_by_name_then_what_cannot_be_judged():
    worth = {"a": 0.2, "b": 0.9, "broken": 1.0}
    rows = [case(key) for key in ("s10", "s2", "a", "b")]
    rows += [case("bare", mask=False), case("broken", problem="It is broken.")]

    def ordered(**options):
        return in_order(
            rows,
            lambda row: row,
            lambda row: worth.get(row.key),
            lambda row: bool(row.problem),
            **options,
        )

    found = ordered()

    assert [row.key for row in found] == ["b", "a", "s2", "s10", "bare", "broken"]
    found = ordered(broken_first=True)
    assert [row.key for row in found] == ["broken", "b", "a", "s2", "s10", "bare"]


def test_every_word_of_a_search_must_be_there():
    assert matching("T2W area", "sub-01_T2w", "The area jumps")
    assert not matching("T2W sub-02", "sub-01_T2w", "The area jumps")
    assert matching("", "x")


def looked(*seconds):
    return [Verdict("x", seconds=one) for one in seconds]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([], None),
        ([0, 0], None),
        ([10, 30, 20], 20 * 5),
        ([10, 30, 20, 601, 86400], 20 * 5),
        ([600], 600 * 5),
        ([999] * 3 + [50] * 10 + [4] * 20, 4 * 5),
    ],
)
def test_time_left_is_the_median_of_the_last_twenty_without_pauses(seconds, expected):
    assert seconds_left(looked(*seconds), 5) == expected


def test_shuffling_depends_on_the_seed_and_not_on_the_order_before():
    keys = [str(number) for number in range(50)]

    assert shuffled(keys, 1, "") == shuffled(reversed(keys), 1, "")
    assert sorted(shuffled(keys, 1, "")) == sorted(keys)
    assert len({tuple(shuffled(keys, seed, "")) for seed in range(3)}) == 3
