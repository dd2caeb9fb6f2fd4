"""Tests of statistics against numbers worked out by hand or printed in textbooks."""

from __future__ import annotations

import math
import sys

import numpy as np
import pandas as pd
import pytest

from SoftCordSegLib.evaluation.paired_tests import (
    PairRow,
    paired_table,
    regression,
    repeated_measures_anova,
    wilcoxon_pairs,
)


def conditions(**values):
    """A row for each participant, a column for each condition."""
    return pd.DataFrame({name: pd.Series(list(numbers)) for name, numbers in values.items()})


class TestAnova:
    def test_three_participants_worked_out_by_hand(self):
        # Means of the conditions 218/3, 64, 166/3; SS of conditions 4056/9, of the rest 16/3 on 4
        # degrees of freedom.
        row = repeated_measures_anova(
            conditions(T1w=[56, 72, 90], T2w=[48, 64, 80], T2star=[40, 56, 70])
        )

        assert (row.participants, row.conditions) == (3, 3)
        assert row.f == pytest.approx((4056 / 9 / 2) / (16 / 3 / 4))
        assert (row.df_conditions, row.df_error) == (2, 4)
        # With 2 degrees of freedom above, p = (1 + 2 F / df)^(-df/2).
        assert row.p == pytest.approx((1 + 2 * 169 / 4) ** -2)
        assert row.note == ""

    def test_two_conditions_are_the_paired_t_test_squared(self):
        row = repeated_measures_anova(conditions(a=[1.0, 2.0, 4.0, 7.0], b=[2.0, 4.0, 5.0, 10.0]))

        differences = np.array([1.0, 2.0, 1.0, 3.0])
        t = differences.mean() / (differences.std(ddof=1) / 2.0)
        assert row.f == pytest.approx(t**2)
        assert (row.df_conditions, row.df_error) == (1, 3)

    def test_who_lacks_a_condition_is_left_out_and_counted(self):
        values = conditions(a=[1.0, 2.0, 4.0, 7.0], b=[2.0, 4.0, 5.0])
        whole = repeated_measures_anova(conditions(a=[1.0, 2.0, 4.0], b=[2.0, 4.0, 5.0]))

        row = repeated_measures_anova(values)

        assert row.f == pytest.approx(whole.f)
        assert "1 of 4 participants" in row.note

    @pytest.mark.parametrize(
        ("values", "word"),
        [
            (conditions(a=[1.0], b=[2.0]), "needs 2 participants"),
            (conditions(a=[1.0, 2.0]), "one condition only"),
            (conditions(a=[1.0, 2.0], b=[2.0, 3.0]), "no meaning"),
        ],
    )
    def test_too_little_to_go_on_is_a_sentence(self, values, word):
        row = repeated_measures_anova(values)

        assert math.isnan(row.f)
        assert word in row.note

    def test_without_its_package_it_says_what_to_install(self, monkeypatch):
        for name in ("statsmodels", "statsmodels.stats.anova"):
            monkeypatch.setitem(sys.modules, name, None)
        row = repeated_measures_anova(conditions(a=[1.0, 2.0, 4.0], b=[2.0, 4.0, 5.0]))

        assert math.isnan(row.f)
        assert "pip install 'softcordseg[evaluation]'" in row.note


class TestWilcoxon:
    def test_six_that_all_grew(self):
        # All 6 ranks on one side: W = 0, two-sided p = 2 / 2^6.
        (row,) = wilcoxon_pairs(conditions(a=[1, 2, 3, 4, 5, 6], b=[2, 4, 6, 8, 10, 12]))

        assert row.pairs == 6
        assert row.w == 0
        assert row.p == pytest.approx(2 / 64)
        assert row.p_bonferroni == row.p
        assert row.mean_difference == pytest.approx(-3.5)
        assert row.stars == "*"

    def test_one_of_the_smallest_rank_went_the_other_way(self):
        # W = 1; of 2^6 signings 2 on each side are as far out: {} and {1}.
        (row,) = wilcoxon_pairs(conditions(a=[1, 0, 0, 0, 0, 0], b=[0, 2, 3, 4, 5, 6]))

        assert row.w == 1
        assert row.p == pytest.approx(4 / 64)
        assert row.stars == ""

    def test_bonferroni_multiplies_by_the_number_of_pairs_up_to_1(self):
        rows = wilcoxon_pairs(
            conditions(
                a=range(8),
                b=[n + 1 + n / 10 for n in range(8)],
                c=[n + (-1) ** n * (1 + n / 7) for n in range(8)],
            )
        )

        assert [(row.a, row.b) for row in rows] == [("a", "b"), ("a", "c"), ("b", "c")]
        for row in rows:
            assert row.p_bonferroni == pytest.approx(min(3 * row.p, 1.0))
        assert rows[0].p == pytest.approx(2 / 256)

    def test_three_pairs_can_tell_nothing_and_say_so(self):
        (row,) = wilcoxon_pairs(conditions(a=[1, 2, 3], b=[2, 4, 6]))

        assert row.p == pytest.approx(2 / 8)
        assert "cannot be below 0.25" in row.note

    def test_no_difference_at_all(self):
        (row,) = wilcoxon_pairs(conditions(a=[1, 2, 3], b=[1, 2, 3]))

        assert row.p == 1.0
        assert "All differences are 0" in row.note

    def test_no_participant_has_both(self):
        (row,) = wilcoxon_pairs(conditions(a=[1.0, math.nan], b=[math.nan, 2.0]))

        assert row.pairs == 0
        assert "No participant has both" in row.note

    @pytest.mark.parametrize(
        ("p", "stars"), [(0.05, ""), (0.049, "*"), (0.009, "**"), (0.0009, "***"), (math.nan, "")]
    )
    def test_the_papers_stars(self, p, stars):
        assert PairRow("a", "b", 9, p_bonferroni=p).stars == stars


class TestRegression:
    def test_three_points_by_hand(self):
        # Sxx 2, Sxy 3, Syy 14/3: slope 1.5, intercept 10/3 - 3, r² = 9 / (2 * 14/3).
        row = regression("x", "y", conditions(x=[1, 2, 3], y=[2, 3, 5]))

        assert row.slope == pytest.approx(1.5)
        assert row.intercept == pytest.approx(1 / 3)
        assert row.r2 == pytest.approx(27 / 28)

    def test_anscombes_first_quartet(self):
        x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
        y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]

        row = regression("x", "y", conditions(x=x, y=y))

        assert row.slope == pytest.approx(0.5001, abs=5e-5)
        assert row.intercept == pytest.approx(3.0001, abs=5e-5)
        assert row.r2 == pytest.approx(0.6665, abs=5e-5)
        assert row.p == pytest.approx(0.00217, abs=5e-6)

    @pytest.mark.parametrize(
        "values", [conditions(x=[1, 2], y=[1, 2]), conditions(x=[1, 1, 1], y=[1, 2, 3])]
    )
    def test_too_little_for_a_line_is_a_sentence(self, values):
        row = regression("x", "y", values)

        assert math.isnan(row.slope)
        assert row.note


def test_a_long_frame_becomes_a_row_for_each_participant():
    long = pd.DataFrame(
        [("q", "T2w", 2.0), ("q", "T1w", 1.0), ("p", "T1w", 3.0), ("p", "T2w", math.nan)],
        columns=["participant", "contrast", "area"],
    )

    table = paired_table(long, "contrast", ["participant"], "area")

    assert list(table.columns) == ["T2w", "T1w"]
    assert list(table.index) == ["q", "p"]
    assert table.loc["p"].isna().tolist() == [True, False]
