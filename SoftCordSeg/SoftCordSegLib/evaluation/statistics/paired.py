"""Repeated-measures ANOVA, Wilcoxon's signed-rank test for all pairs with Bonferroni's correction,
and a straight line.

The choices are the paper's: AnovaRM on the contrast without correction for sphericity, two-sided
Wilcoxon, linregress.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from .rows import AnovaRow, PairRow, RegressionRow, complete, left_out

_FEWEST_FOR_ANOVA = 2
_FEWEST_FOR_LINE = 3
_USUAL_LEVEL = 0.05


def repeated_measures_anova(values: Mapping[str, Mapping[object, float]]) -> AnovaRow:
    """Does the condition matter?  statsmodels' AnovaRM on those who have all conditions.

    Args:
        values: condition (contrast) to number by participant.
    """
    people, table = complete(values)
    out = left_out(values, people)
    note = (
        f"{out} of {out + len(people)} participants lack a condition and were left out."
        if out
        else ""
    )
    row = AnovaRow(len(people), len(values))
    if len(values) < 2:
        return _with(row, note, "There is one condition only: nothing to compare.")
    if len(people) < _FEWEST_FOR_ANOVA:
        return _with(
            row,
            note,
            f"An analysis of variance needs {_FEWEST_FOR_ANOVA} participants who have all"
            " conditions.",
        )
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    if np.abs(rest).max() <= 1e-12 * max(np.abs(table).max(), 1.0):
        return _with(
            row,
            note,
            "All participants differ alike from condition to condition, so that F has no meaning.",
        )
    try:
        import pandas
        from statsmodels.stats.anova import AnovaRM
    except ImportError:
        return _with(
            row,
            note,
            "The analysis of variance needs pandas and statsmodels: pip install"
            " 'softcordseg[evaluation]'.",
        )

    long = [
        (person, name, number)
        for person, numbers in enumerate(table)
        for name, number in zip(values, numbers)
    ]
    frame = pandas.DataFrame(long, columns=["participant", "condition", "value"])
    result = AnovaRM(frame, "value", "participant", within=["condition"]).fit().anova_table.iloc[0]
    numbers = (float(result[name]) for name in ("F Value", "Num DF", "Den DF", "Pr > F"))
    return AnovaRow(len(people), len(values), *numbers, note)


def wilcoxon_pairs(
    values: Mapping[str, Mapping[object, float]], pairs: Sequence[tuple[str, str]] | None = None
) -> list[PairRow]:
    """Each pair of conditions; p-values times the number of pairs (Bonferroni).

    Args:
        values: condition to number by participant (or by image); each pair uses those who have
            both.
        pairs: which to compare; all where None.
    """
    pairs = list(itertools.combinations(values, 2)) if pairs is None else list(pairs)
    return [_wilcoxon(a, b, values[a], values[b], len(pairs)) for a, b in pairs]


def regression(x: str, y: str, values: Mapping[str, Mapping[object, float]]) -> RegressionRow:
    """The line through one condition over another, of those who have both."""
    people, table = complete({x: values[x], y: values[y]})
    row = RegressionRow(x, y, len(people))
    if len(people) < _FEWEST_FOR_LINE:
        return _with(row, "", f"A line needs {_FEWEST_FOR_LINE} participants who have both.")
    if np.ptp(table[:, 0]) == 0:
        return _with(row, "", f"All have the same number in {x}: no line.")
    from scipy import stats

    line = stats.linregress(table[:, 0], table[:, 1])
    return RegressionRow(
        x,
        y,
        len(people),
        *(float(one) for one in (line.slope, line.intercept, line.rvalue**2, line.pvalue)),
    )


def within_three_sd(values: Sequence[float]) -> np.ndarray:
    """Which values have |z| < 3 (population SD, as scipy's zscore): the paper removed the others
    from its violins only.
    """
    values = np.asarray(values, float)
    sd = values.std()
    return np.abs(values - values.mean()) < 3.0 * sd if sd > 0 else np.ones(len(values), bool)


def _wilcoxon(
    a: str, b: str, one: Mapping[object, float], other: Mapping[object, float], family: int
) -> PairRow:
    people, table = complete({a: one, b: other})
    if not len(people):
        return PairRow(a, b, 0, note="Nobody has both.")
    differences = table[:, 0] - table[:, 1]
    mean = float(differences.mean())
    if not differences.any():
        return PairRow(a, b, len(people), mean, 0.0, 1.0, 1.0, "All differences are 0.")
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
    return PairRow(a, b, len(people), mean, float(result.statistic), p, min(p * family, 1.0), note)


def _with(row, *sentences: str):
    return replace(row, note=" ".join(sentence for sentence in sentences if sentence))
