"""The families of tests of the paper: contrasts within each method, and methods side by side."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields
from typing import Any

import pandas as pd

from .csa_frames import comparable
from .paired_tests import (
    AnovaRow,
    PairRow,
    RegressionRow,
    paired_table,
    regression,
    repeated_measures_anova,
    wilcoxon_pairs,
)
from .slice_areas import REFERENCE

SPREAD, ERROR, DICE = "SD of CSA over contrasts", "absolute CSA error", "Dice"


@dataclass(frozen=True, eq=False)
class Statistics:
    """All tests, by kind. Every frame has the columns ``dataset`` ("" where there is one only),
    ``measure`` ("CSA", :data:`SPREAD`, :data:`ERROR` or :data:`DICE`), ``method`` (whose contrasts
    are compared; "" where methods are compared), and those of the test.

    Attributes:
        anova: of :class:`~.paired_tests.AnovaRow`.
        pairs: of :class:`~.paired_tests.PairRow`.
        lines: of :class:`~.paired_tests.RegressionRow`.
    """

    anova: pd.DataFrame
    pairs: pd.DataFrame
    lines: pd.DataFrame


def all_tests(areas: pd.DataFrame, spreads: pd.DataFrame, scores: pd.DataFrame) -> Statistics:
    """Every test that the numbers allow; those with too few of them have a sentence instead.

    Args:
        areas: of one cut; contrasts are compared within each method, the reference included.
        spreads: of the same; methods (not the reference) are compared, participant by participant.
        scores: at one threshold; methods are compared, image by image, as for the absolute errors
            in ``areas``.
    """
    anova: list[dict[str, Any]] = []
    pairs: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []

    def compare(about: dict[str, str], table: pd.DataFrame) -> None:
        anova.append({**about, **vars(repeated_measures_anova(table))})
        pairs.extend({**about, **vars(row)} for row in wilcoxon_pairs(table))

    groups = comparable(areas).groupby(["dataset", "method"], sort=False)
    for (dataset, method), own in groups:
        table = paired_table(own, "contrast", ["participant"], "area_mm2")
        if table.shape[1] > 1:
            about = {"dataset": dataset, "measure": "CSA", "method": method}
            compare(about, table)
            lines.extend(
                {**about, **vars(regression(x, y, table))}
                for x, y in itertools.combinations(table.columns, 2)
            )
    image = ["participant", "contrast"]
    for measure, rows, units, value in (
        (SPREAD, spreads, ["participant"], "sd_mm2"),
        (ERROR, areas, image, "absolute_error_mm2"),
        (DICE, scores, image, "dice"),
    ):
        rows = rows[(rows["method"] != REFERENCE) & rows[value].notna()]
        for dataset, own in rows.groupby("dataset", sort=False):
            table = paired_table(own, "method", units, value)
            if table.shape[1] > 1:
                compare({"dataset": dataset, "measure": measure, "method": ""}, table)
    return Statistics(_frame(anova, AnovaRow), _frame(pairs, PairRow), _frame(lines, RegressionRow))


def _frame(rows: list[dict[str, Any]], kind: type) -> pd.DataFrame:
    names = [field.name for field in fields(kind)]
    return pd.DataFrame(rows, columns=["dataset", "measure", "method", *names])
