"""The families of tests of the paper: contrasts within each method, and methods side by side."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..areas.csa import ImageArea, ParticipantSpread
from ..areas.slices import REFERENCE
from ..masks.score import ImageScore
from .paired import regression, repeated_measures_anova, wilcoxon_pairs
from .rows import AnovaRow, PairRow, RegressionRow

# condition -> participant (or image) -> number
_Values = dict[str, dict[object, float]]


@dataclass(frozen=True)
class Tested:
    """One test and what it is about.

    Attributes:
        dataset: "" where there is one only.
        measure: "CSA", "SD of CSA over contrasts", "absolute CSA error" or "Dice".
        method: whose contrasts are compared; "" where methods are compared.
        row: the test.
    """

    dataset: str
    measure: str
    method: str
    row: AnovaRow | PairRow | RegressionRow


@dataclass(frozen=True)
class Statistics:
    """All tests, by kind."""

    anova: tuple[Tested, ...]
    pairs: tuple[Tested, ...]
    lines: tuple[Tested, ...]


def all_tests(
    areas: Sequence[ImageArea], spreads: Sequence[ParticipantSpread], scores: Sequence[ImageScore]
) -> Statistics:
    """Every test that the numbers allow; those with too little to go on have a sentence instead of
    numbers.

    Args:
        areas: of one cut and place; contrasts are compared within each method, the reference
            included.
        spreads: of the same; methods (not the reference) are compared, participant by participant.
        scores: at one threshold; methods are compared, image by image, as for the absolute errors
            in ``areas``.
    """
    anova: list[Tested] = []
    pairs: list[Tested] = []
    lines: list[Tested] = []
    for (dataset, method), values in _contrasts(areas).items():
        if len(values) > 1:
            _add(anova, pairs, dataset, "CSA", method, values)
            lines += [
                Tested(dataset, "CSA", method, regression(x, y, values))
                for x, y in itertools.combinations(values, 2)
            ]
    for measure, groups in (
        (
            "SD of CSA over contrasts",
            _by_method(
                [
                    (r.dataset, r.method, r.participant, r.sd_mm2)
                    for r in spreads
                    if r.method != REFERENCE
                ]
            ),
        ),
        (
            "absolute CSA error",
            _by_method(
                [
                    (r.dataset, r.method, (r.participant, r.contrast), r.absolute_error_mm2)
                    for r in areas
                    if r.method != REFERENCE
                ]
            ),
        ),
        (
            "Dice",
            _by_method(
                [(r.dataset, r.method, (r.participant, r.contrast), r.dice) for r in scores]
            ),
        ),
    ):
        for dataset, values in groups.items():
            if len(values) > 1:
                _add(anova, pairs, dataset, measure, "", values)
    return Statistics(tuple(anova), tuple(pairs), tuple(lines))


def _add(
    anova: list[Tested],
    pairs: list[Tested],
    dataset: str,
    measure: str,
    method: str,
    values: _Values,
) -> None:
    anova.append(Tested(dataset, measure, method, repeated_measures_anova(values)))
    pairs += [Tested(dataset, measure, method, row) for row in wilcoxon_pairs(values)]


def _contrasts(areas: Sequence[ImageArea]) -> dict[tuple[str, str], _Values]:
    """(data set, method) to contrast to CSA by participant, of images that show the same piece of
    cord.
    """
    found: dict[tuple[str, str], _Values] = {}
    for row in areas:
        if row.is_comparable:
            found.setdefault((row.dataset, row.method), {}).setdefault(row.contrast, {})[
                row.participant
            ] = row.area_mm2
    return found


def _by_method(rows: Sequence[tuple[str, str, object, float]]) -> dict[str, _Values]:
    """Data set to method to number by participant or image; numbers that have no meaning are left
    out.
    """
    found: dict[str, _Values] = {}
    for dataset, method, key, number in rows:
        if math.isfinite(number):
            found.setdefault(dataset, {}).setdefault(method, {})[key] = number
    return found
