"""What the tests take and give: paired numbers, and rows of tables with a sentence where a test
could not be made.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


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
        """The paper's signs: * p < 0.05, ** p < 0.01, *** p < 0.001, corrected."""
        return "".join("*" for level in (0.05, 0.01, 0.001) if self.p_bonferroni < level)


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


def complete(values: Mapping[str, Mapping[object, float]]) -> tuple[list[object], np.ndarray]:
    """Who has a finite number in every condition.

    Args:
        values: condition to number by participant.

    Returns:
        The participants, and their numbers (participants, conditions).
    """
    conditions = list(values)
    first = values[conditions[0]] if conditions else {}
    people = [
        one
        for one in first
        if all(math.isfinite(values[name].get(one, math.nan)) for name in conditions)
    ]
    table = np.array([[values[name][one] for name in conditions] for one in people], float)
    return people, table.reshape(len(people), len(conditions))


def left_out(values: Mapping[str, Mapping[object, float]], people: Sequence[object]) -> int:
    """How many participants have a number in some condition, but not in all."""
    return len({one for numbers in values.values() for one in numbers}) - len(people)
