"""Whether one bundle is better than another in every row of a list."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .image_measures import Measured
from .measure_rows import MASKS, RESCAN, SPREAD, TIPS, MeasureRow, measure_rows

HIGHER, LOWER, NEARER_1 = "higher", "lower", "nearer 1"

# The numbers that decide, and which way is better.  Not among them: what was predicted beyond the
# drawn stretch (nobody knows whether it is wrong), calibration (binary masks by several
# conventions), and the rescan, in which the person was moved.
DECIDING = {
    (MASKS, "dice"): HIGHER,
    (MASKS, "volume_ratio"): NEARER_1,
    (MASKS, "distance_mm"): LOWER,
    (MASKS, "missed_mm"): LOWER,
    (MASKS, "surplus_mm"): LOWER,
    (MASKS, "pieces"): LOWER,
    (MASKS, "nothing_found"): LOWER,
    (TIPS, "tip_distance_mm"): LOWER,
    (SPREAD, "sd_mm2"): LOWER,
}
RESCANS_TOO = {**DECIDING, (RESCAN, "difference_percent"): LOWER}


@dataclass(frozen=True)
class ComparedRow:
    """A row of two bundles.

    Attributes:
        row: of the new one.
        old: value of the old one.
        gain: by how much the new one is better, in the units of the row; below 0 it is worse.  NaN
            where only one of them has a value.
        tolerance: a loss up to it counts as none.
    """

    row: MeasureRow
    old: float
    gain: float
    tolerance: float

    @property
    def is_worse(self) -> bool:
        """Worse by more than the tolerance, or without a value that the old one has."""
        if math.isnan(self.old):
            return False
        return math.isnan(self.row.value) or self.gain < -self.tolerance

    @property
    def is_better(self) -> bool:
        """Better by more than the tolerance, or the only one with a value."""
        if math.isnan(self.row.value):
            return False
        return math.isnan(self.old) or self.gain > self.tolerance


@dataclass(frozen=True)
class BundleComparison:
    """Two bundles on one list.

    Attributes:
        rows: that decide, of people whom neither of them saw.
        reasons: sentences on what is worse; empty where nothing is.
    """

    rows: tuple[ComparedRow, ...]
    reasons: tuple[str, ...]

    @property
    def is_better(self) -> bool:
        """No row is worse, and at least one is better."""
        return not self.reasons and any(row.is_better for row in self.rows)


def better_in_every_row(
    new: Measured,
    old: Measured,
    tolerances: Mapping[str, float] | None = None,
    deciding: Mapping[tuple[str, str], str] | None = None,
) -> BundleComparison:
    """Compare a bundle with another, row by row.

    A row in which both are alike (no piece outside in either) is not worse.  People whom one of the
    two saw in training, though unlabelled, are left out of both.

    Args:
        new, old: on the same list.
        tolerances: by name of the number, a loss that still counts as none; 0 by default.
        deciding: numbers that decide, by (table, name), to their direction; :data:`DECIDING` by
            default.
    """
    deciding = DECIDING if deciding is None else deciding
    seen = {
        one.participant
        for bundle in (new, old)
        for one in (*bundle.images, *bundle.spreads)
        if one.seen
    }
    before = {(row.group, row.measure): row for row in measure_rows(old, seen)}
    after = {(row.group, row.measure): row for row in measure_rows(new, seen)}
    rows, reasons = [], []
    for key, row in before.items():
        direction = deciding.get((row.table, row.measure))
        if direction is None:
            continue
        if key not in after or after[key].images < row.images:
            reasons.append(f"{_name(row)}: the new one has fewer images with a value.")
        if key not in after:
            continue
        one = after[key]
        compared = ComparedRow(
            one,
            row.value,
            _gain(one.value, row.value, direction),
            (tolerances or {}).get(row.measure, 0.0),
        )
        rows.append(compared)
        if compared.is_worse:
            reasons.append(
                f"{_name(row)}: {one.value:.4g} instead of {row.value:.4g} ({direction} is better)."
            )
    if not rows:
        reasons.append("The two have no row in common.")
    return BundleComparison(tuple(rows), tuple(reasons))


def _gain(new: float, old: float, direction: str) -> float:
    if direction == HIGHER:
        return new - old
    return old - new if direction == LOWER else abs(old - 1.0) - abs(new - 1.0)


def _name(row: MeasureRow) -> str:
    return " ".join(
        part for part in (row.table, row.person, row.contrast, row.region, row.measure) if part
    )
