"""Rows of the measure: means over people, of whom several images of one count once."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from .image_measures import Measured

MASKS, MOVED, TIPS, SPREAD, RESCAN = (
    "masks",
    "masks, offset taken off",
    "tip",
    "contrasts",
    "rescan",
)

# By table, its numbers in order.
COLUMNS = {
    MASKS: (
        *(
            "dice",
            "volume_ratio",
            "distance_mm",
            "missed_mm",
            "surplus_mm",
            "beyond_mm",
            "pieces",
            "calibration",
        ),
        "nothing_found",
    ),
    MOVED: ("dice", "volume_ratio", "distance_mm"),
    TIPS: ("tip_mm", "tip_distance_mm", "tip_uncertainty_mm"),
    SPREAD: ("sd_mm2", "sd_percent"),
    RESCAN: ("difference_mm2", "difference_percent"),
}


@dataclass(frozen=True)
class MeasureRow:
    """One number of one group.

    Attributes:
        table: :data:`MASKS` and so on.
        contrast: of the group; of :data:`SPREAD` the contrasts that are compared.
        region: of the group.
        person: of the tables of single people (:data:`SPREAD`), else "".
        seen: the bundle saw these images unlabelled.
        measure: name of the number, one of :data:`COLUMNS`.
        value: mean over people; of :data:`RESCAN` of the absolute differences.
        people: over whom.
        images: of theirs, that have the number.
    """

    table: str
    contrast: str
    region: str
    person: str
    seen: bool
    measure: str
    value: float
    people: int
    images: int

    @property
    def group(self) -> tuple[str, str, str, str, bool]:
        """What it is of, but for the number."""
        return self.table, self.contrast, self.region, self.person, self.seen


def measure_rows(measured: Measured, left_out: Collection[str] = ()) -> list[MeasureRow]:
    """All rows of a bundle, in the order of its list.

    Args:
        measured: a bundle on a list.
        left_out: participants not to count.
    """
    images = [one for one in measured.images if one.participant not in left_out]
    rows: list[MeasureRow] = []
    for table in (MASKS, MOVED, TIPS):
        records = [
            (
                (one.contrast, one.region, "", one.seen),
                one.participant,
                one.offset_values if table == MOVED else one.values,
            )
            for one in images
        ]
        rows += _grouped(table, records)
    rows += _grouped(
        SPREAD,
        (
            (
                (" ".join(one.contrasts), one.region, one.participant, one.seen),
                one.participant,
                {"sd_mm2": one.spread.sd_mm2, "sd_percent": one.spread.sd_percent},
            )
            for one in measured.spreads
            if one.participant not in left_out
        ),
    )
    rows += _grouped(
        RESCAN,
        (
            (
                (one.contrast, one.region, "", one.seen),
                one.participant,
                {
                    "difference_mm2": abs(one.difference_mm2),
                    "difference_percent": abs(one.difference_percent),
                },
            )
            for one in measured.rescans
            if one.participant not in left_out
        ),
    )
    return rows


def mean_over_people(values: Iterable[tuple[str, float]]) -> tuple[float, int, int]:
    """Mean over people of each one's mean; number of people; number of values.  Values that are NaN
    are left out.
    """
    by_person: dict[str, list[float]] = {}
    for person, value in values:
        if not math.isnan(value):
            by_person.setdefault(person, []).append(value)
    means = [sum(own) / len(own) for own in by_person.values()]
    return (
        (sum(means) / len(means) if means else math.nan),
        len(means),
        sum(map(len, by_person.values())),
    )


def _grouped(
    table: str, records: Iterable[tuple[tuple[str, str, str, bool], str, dict[str, float]]]
) -> list[MeasureRow]:
    groups: dict[tuple[str, str, str, bool], list[tuple[str, dict[str, float]]]] = {}
    for key, person, values in records:
        groups.setdefault(key, []).append((person, values))
    rows = []
    for key, members in groups.items():
        for name in COLUMNS[table]:
            given = [(person, values[name]) for person, values in members if name in values]
            if given:
                rows.append(MeasureRow(table, *key, name, *mean_over_people(given)))
    return rows
