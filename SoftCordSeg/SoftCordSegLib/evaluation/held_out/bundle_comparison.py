"""Whether one bundle is better than another in every row of a list."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from .image_measures import Measured
from .measure_rows import GROUP, MASKS, SPREAD, TIPS, measure_rows

HIGHER, LOWER, NEARER_1 = "higher", "lower", "nearer 1"

# The numbers that decide, and which way is better. Not among them: what was predicted beyond the
# drawn stretch (whether it is wrong is not known), calibration (binary masks by several
# conventions), and the rescan, in which the participant was moved.
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


@dataclass(frozen=True, eq=False)
class BundleComparison:
    """Two bundles on one list.

    Attributes:
        rows: that decide, of participants whom neither of them saw: as of
            :func:`~.measure_rows.measure_rows`, of the new one, with ``old`` (value of the old
            one), ``gain`` (by how much the new one is better, in the units of the row) and
            ``better``.
        reasons: sentences on what is worse; empty where nothing is.
    """

    rows: pd.DataFrame
    reasons: tuple[str, ...]

    @property
    def is_better(self) -> bool:
        """No row is worse, and at least one is better."""
        return not self.reasons and bool(self.rows["better"].any())


def better_in_every_row(
    new: Measured, old: Measured, tolerances: Mapping[str, float] | None = None
) -> BundleComparison:
    """Compare a bundle with another, row by row.

    A row in which both are alike (no piece outside in either) is not worse. A row without a value
    that the old one has is worse. Participants whom one of the two saw in training, though
    unlabelled, are left out of both.

    Args:
        new, old: on the same list.
        tolerances: by name of the number, a loss that still counts as none; 0 by default.
    """
    seen = {
        participant
        for bundle in (new, old)
        for participant, saw in (
            *((one.participant, one.seen) for one in bundle.images),
            *((one.participant, one.seen) for one in bundle.spreads),
        )
        if saw
    }
    both = measure_rows(old, seen).merge(
        measure_rows(new, seen),
        on=[*GROUP, "measure"],
        how="left",
        suffixes=("_old", ""),
    )
    rows, reasons = [], []
    for row in both.to_dict("records"):
        direction = DECIDING.get((row["table"], row["measure"]))
        if direction is None:
            continue
        name = " ".join(
            row[key]
            for key in ("table", "participant", "contrast", "region", "measure")
            if row[key]
        )
        if not row["images"] >= row["images_old"]:  # NaN where the new one has no such row
            reasons.append(f"{name}: the new one has fewer images with a value.")
        if math.isnan(row["images"]):
            continue
        value, before = row["value"], row["value_old"]
        gain = _gain(value, before, direction)
        tolerance = (tolerances or {}).get(row["measure"], 0.0)
        better = not math.isnan(value) and (math.isnan(before) or gain > tolerance)
        rows.append({**row, "old": before, "gain": gain, "better": better})
        if not math.isnan(before) and (math.isnan(value) or gain < -tolerance):
            reasons.append(f"{name}: {value:.4g} instead of {before:.4g} ({direction} is better).")
    if not rows:
        reasons.append("The two have no row in common.")
    columns = [*GROUP, "measure", "value", "participants", "images", "old", "gain", "better"]
    return BundleComparison(pd.DataFrame(rows, columns=columns), tuple(reasons))


def _gain(new: float, old: float, direction: str) -> float:
    if direction == HIGHER:
        return new - old
    return old - new if direction == LOWER else abs(old - 1.0) - abs(new - 1.0)
