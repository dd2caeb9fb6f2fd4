"""Repeated-measures ANOVA, Wilcoxon's signed-rank test for all pairs with Bonferroni's correction,
and a straight line: each gives a row with a sentence where the test could not be made.

The choices are the paper's: AnovaRM on the contrast without correction for sphericity, two-sided
Wilcoxon, linregress. All take a frame of numbers, a row for each participant (or image) and a
column for each condition (contrast or method), NaN where there is none.
"""

from __future__ import annotations

import itertools
import math
import warnings
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pandas as pd

_FEWEST_FOR_ANOVA = 2
_FEWEST_FOR_LINE = 3
_USUAL_LEVEL = 0.05


@dataclass(frozen=True)
class AnovaRow:
    """One-way repeated-measures analysis of variance.

    Attributes:
        participants, conditions: how many were compared; participants that lack a condition are
            left out.
        f, df_conditions, df_error, p: NaN where the test could not be made.
        note: sentence on what a reader has to know; "" for nothing.
    """

    participants: int
    conditions: int
    f: float = math.nan
    df_conditions: float = math.nan
    df_error: float = math.nan
    p: float = math.nan
    note: str = ""


@dataclass(frozen=True)
class PairRow:
    """Two conditions, Wilcoxon's signed-rank test (two-sided).

    Attributes:
        a, b: names of the conditions.
        pairs: how many participants (or images) have both.
        mean_difference: of a less b.
        w, p: statistic and p-value; NaN where the test could not be made.
        p_bonferroni: p times the number of tests of the family, at most 1.
        note: as in :class:`AnovaRow`.
    """

    a: str
    b: str
    pairs: int
    mean_difference: float = math.nan
    w: float = math.nan
    p: float = math.nan
    p_bonferroni: float = math.nan
    note: str = ""

    @property
    def stars(self) -> str:
        """See :func:`significance_stars`, corrected."""
        return significance_stars(self.p_bonferroni)


@dataclass(frozen=True)
class RegressionRow:
    """Least-squares line y = slope x + intercept.

    Attributes:
        x, y: names of the conditions.
        pairs: how many participants have both.
        slope, intercept, r2, p: NaN where no line could be fitted; p is that of a slope of 0.
        note: as in :class:`AnovaRow`.
    """

    x: str
    y: str
    pairs: int
    slope: float = math.nan
    intercept: float = math.nan
    r2: float = math.nan
    p: float = math.nan
    note: str = ""


_Row = TypeVar("_Row", AnovaRow, RegressionRow)


def significance_stars(p: float) -> str:
    """The paper's signs: * p < 0.05, ** p < 0.01, *** p < 0.001; none for NaN."""
    return "".join("*" for level in (0.05, 0.01, 0.001) if p < level)


def paired_table(rows: pd.DataFrame, conditions: str, units: list[str], value: str) -> pd.DataFrame:
    """The frame that the tests take, of a long one.

    Args:
        rows: a row for each number; NaN is left out.
        conditions: column whose values become columns, in the order of their first row.
        units: columns that say whose number it is.
        value: column of the numbers.
    """
    known = rows[rows[value].notna()]
    table = known.pivot(index=units, columns=conditions, values=value)
    order = pd.MultiIndex.from_frame(known[units].drop_duplicates())
    if len(units) == 1:
        order = order.get_level_values(0)
    return table.reindex(index=order, columns=known[conditions].unique())


def repeated_measures_anova(table: pd.DataFrame) -> AnovaRow:
    """Does the condition matter? statsmodels' AnovaRM on those who have all conditions."""
    whole, conditions = table.dropna(), table.shape[1]
    count, missing = len(whole), len(table) - len(whole)
    note = (
        f"{missing} of {len(table)} participants lack a condition and were left out."
        if missing
        else ""
    )
    row = AnovaRow(count, conditions)
    if conditions < 2:
        return _noted(row, note, "There is one condition only: nothing to compare.")
    if count < _FEWEST_FOR_ANOVA:
        return _noted(
            row,
            note,
            f"An analysis of variance needs {_FEWEST_FOR_ANOVA} participants who have all"
            " conditions.",
        )
    values = whole.to_numpy(float)
    rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    if np.abs(rest).max() <= 1e-12 * max(np.abs(values).max(), 1.0):
        return _noted(
            row,
            note,
            "All participants differ alike from condition to condition, so that F has no meaning.",
        )
    try:
        from statsmodels.stats.anova import AnovaRM
    except ImportError:
        return _noted(
            row,
            note,
            "The analysis of variance needs statsmodels: pip install 'softcordseg[evaluation]'.",
        )
    long = pd.DataFrame(
        {
            "participant": np.repeat(np.arange(count), conditions),
            "condition": np.tile(np.arange(conditions), count),
            "value": values.ravel(),
        }
    )
    result = AnovaRM(long, "value", "participant", within=["condition"]).fit().anova_table.iloc[0]
    f, df_conditions, df_error, p = (
        float(result[name]) for name in ("F Value", "Num DF", "Den DF", "Pr > F")
    )
    return AnovaRow(count, conditions, f, df_conditions, df_error, p, note)


def wilcoxon_pairs(table: pd.DataFrame) -> list[PairRow]:
    """Each pair of conditions, of those who have both; p-values times the number of pairs
    (Bonferroni).
    """
    pairs = list(itertools.combinations(table.columns, 2))
    return [_wilcoxon(a, b, table, len(pairs)) for a, b in pairs]


def regression(x: str, y: str, table: pd.DataFrame) -> RegressionRow:
    """The line through one condition over another, of those who have both."""
    both = table[[x, y]].dropna()
    row = RegressionRow(x, y, len(both))
    if len(both) < _FEWEST_FOR_LINE:
        return _noted(row, f"A line needs {_FEWEST_FOR_LINE} participants who have both.")
    if both[x].nunique() == 1:
        return _noted(row, f"All have the same number in {x}: no line.")
    from scipy import stats

    line = stats.linregress(both[x], both[y])
    return replace(
        row,
        slope=float(line.slope),
        intercept=float(line.intercept),
        r2=float(line.rvalue**2),
        p=float(line.pvalue),
    )


def _wilcoxon(a: str, b: str, table: pd.DataFrame, family: int) -> PairRow:
    differences = (table[a] - table[b]).dropna().to_numpy(float)
    if not len(differences):
        return PairRow(a, b, 0, note="No participant has both.")
    mean = float(differences.mean())
    if not differences.any():
        return PairRow(a, b, len(differences), mean, 0.0, 1.0, 1.0, "All differences are 0.")
    from scipy import stats

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few pairs or ties: the note below says it better
        result = stats.wilcoxon(differences)
    p, count = float(result.pvalue), int(np.count_nonzero(differences))
    least = min(2.0 * 0.5**count * family, 1.0)
    note = ""
    if least >= _USUAL_LEVEL:
        note = (
            f"With {count} pairs that differ and {family} tests the corrected p cannot be below"
            f" {least:.2g}: too few to tell."
        )
    p_bonferroni = min(p * family, 1.0)
    return PairRow(a, b, len(differences), mean, float(result.statistic), p, p_bonferroni, note)


def _noted(row: _Row, *sentences: str) -> _Row:
    return replace(row, note=" ".join(sentence for sentence in sentences if sentence))
