"""Agreement of readers, against published tables."""

from __future__ import annotations

import builtins
import math

import numpy as np
import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.review import agreement

# Shrout and Fleiss 1979, table 2: four judges rate six targets.
SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
)


def answers_of(table, names):
    """Answers of two readers that make this table of counts."""
    pairs = [
        (a, b)
        for i, a in enumerate(names)
        for j, b in enumerate(names)
        for _ in range(int(table[i][j]))
    ]
    return [a for a, _ in pairs], [b for _, b in pairs]


def test_icc_of_shrout_and_fleiss_own_table():
    """0.29 in their table 4; the interval is what R's psych prints for the same data."""
    found = agreement.icc(SHROUT_FLEISS)
    assert found.value == pytest.approx(0.29, abs=0.005)
    assert (found.low, found.high) == pytest.approx((0.019, 0.761), abs=0.001)
    assert found.cases == 6


def test_icc_counts_an_offset_between_readers_and_a_missing_value_leaves_its_case_out():
    rng = np.random.default_rng(1)
    areas = rng.normal(70, 8, 30)
    table = np.column_stack([areas, areas + rng.normal(0, 0.5, 30)])
    near = agreement.icc(table)
    assert near.value > 0.98
    assert near.low < near.value < near.high
    assert agreement.icc(table + [0, 8]).value < 0.75
    table[3, 1] = math.nan
    assert agreement.icc(table).cases == 29


@pytest.mark.parametrize(
    ("table", "value", "note"),
    [
        (np.column_stack([[60, 70, 80.0]] * 2), 1.0, "exactly"),
        (np.full((5, 2), 70.0), math.nan, "same value"),
        (np.array([[60, 61.0], [70, 71]]), math.nan, "3 cases"),
    ],
)
def test_icc_of_tables_without_an_interval(table, value, note):
    found = agreement.icc(table)
    assert found.value == pytest.approx(value, nan_ok=True)
    assert note in found.note


def test_icc_of_readers_who_differ_by_a_constant_has_an_interval():
    areas = np.array([60.0, 66, 71, 75, 82])
    found = agreement.icc(np.column_stack([areas, areas + 2]))
    nearly = agreement.icc(np.column_stack([areas, areas + 2 + [1e-5, -1e-5, 0, 1e-5, -1e-5]]))
    assert (found.value, found.low, found.high) == pytest.approx(
        (nearly.value, nearly.low, nearly.high), abs=1e-3
    )


def test_kappa_of_a_table_in_fleiss_textbook():
    """Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, table 18.1: 100
    patients, three diagnoses, κ 0.68 with a standard error of 0.087.
    """
    one, other = answers_of(
        [[75, 1, 4], [5, 4, 1], [0, 0, 10]], ["psychotic", "neurotic", "organic"]
    )
    found = agreement.cohens_kappa(one, other)
    assert found.value == pytest.approx(0.676, abs=0.001)
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.088, abs=0.01)
    assert agreement.same_share(one, other).value == pytest.approx(0.89)


def test_weighted_kappa_counts_large_differences_more_and_is_the_icc_of_its_ranks():
    """Fleiss and Cohen 1973: with quadratic weights kappa tends to ICC(2,1)."""
    rng = np.random.default_rng(3)
    one = rng.integers(0, 10, 400)
    near = np.clip(one + rng.integers(-1, 2, 400), 0, 9)
    far = np.clip(one + rng.choice([-4, 0, 0, 4], 400), 0, 9)
    found = agreement.weighted_kappa(list(one), list(near))
    assert found.value > agreement.weighted_kappa(list(one), list(far)).value
    assert found.value == pytest.approx(
        agreement.icc(np.column_stack([one, near])).value, abs=0.005
    )
    assert found.low < found.value < found.high < 1


def test_kappa_says_where_it_is_not_defined_and_where_the_interval_is_a_point():
    assert "not defined" in agreement.cohens_kappa(["pass"] * 9, ["pass"] * 9).note
    equal = agreement.cohens_kappa(["pass", "fail", "pass"], ["pass", "fail", "pass"])
    assert (equal.value, equal.low, equal.high) == (1, 1, 1)
    assert "a point" in equal.note
    assert "3 cases" in agreement.cohens_kappa(["pass"], ["fail"]).note
    constant = agreement.weighted_kappa([8] * 5, [7, 7, 6, 8, 7])
    assert constant.value == 0
    assert math.isnan(constant.low)
    assert "always 0" in constant.note


def test_wilsons_interval_of_the_share_of_same_answers():
    found = agreement.same_share(["a"] * 10, ["a"] * 9 + ["b"])
    assert (found.low, found.high) == pytest.approx((0.596, 0.982), abs=0.001)


def test_the_interval_of_a_mean_draws_participants_and_not_their_images():
    values = np.repeat(np.random.default_rng(2).normal(0.9, 0.03, 20), 5)
    participants = [f"sub-{n // 5}" for n in range(100)]
    by_participant = agreement.mean_interval(values, participants)
    by_image = agreement.mean_interval(values)
    assert by_participant.value == by_image.value == pytest.approx(values.mean())
    assert by_participant.high - by_participant.low > 1.8 * (by_image.high - by_image.low)
    assert agreement.mean_interval(values, participants) == by_participant
    assert agreement.mean_interval([0.5, math.nan], ["a", "b"]).cases == 1


def test_overlap_of_equal_soft_masks_is_1_and_of_masks_apart_0():
    soft = np.linspace(0, 1, 24).reshape(2, 3, 4)
    assert agreement.overlap(soft, soft) == 1
    assert agreement.overlap(np.zeros((2, 2, 2)), np.zeros((2, 2, 2))) == 1
    assert agreement.overlap(np.eye(2)[None], 1 - np.eye(2)[None]) == 0
    with pytest.raises(InputError, match="differ in shape"):
        agreement.overlap(soft, soft[:1])


def test_preference_is_a_sign_test():
    found = agreement.preference(15, 3)
    assert found.value == pytest.approx(15 / 18)
    assert found.low > 0.5
    assert found.note == "p = 0.0075"
    assert math.isnan(agreement.preference(0, 0).value)


def test_a_sentence_where_statsmodels_is_missing(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **options):
        if name.startswith("statsmodels"):
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match="statsmodels") as error:
        agreement.cohens_kappa(["a", "b", "a"], ["a", "b", "b"])
    assert "softcordseg[evaluation]" in error.value.hint
