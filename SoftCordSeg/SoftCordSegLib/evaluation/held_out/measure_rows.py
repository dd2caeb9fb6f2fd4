"""The measure in rows, means over participants of whom several images count once, and as plain text
for the terminal and for notes.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

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
        *("dice", "volume_ratio", "distance_mm", "missed_mm", "surplus_mm", "beyond_mm", "pieces"),
        *("calibration", "nothing_found"),
    ),
    MOVED: ("dice", "volume_ratio", "distance_mm"),
    TIPS: ("tip_mm", "tip_distance_mm", "tip_uncertainty_mm"),
    SPREAD: ("sd_mm2", "sd_percent"),
    RESCAN: ("difference_mm2", "difference_percent"),
}
# What a row is of, but for the number.
GROUP = ["table", "contrast", "region", "participant", "seen"]
_HEADINGS = {
    "dice": "Dice",
    "volume_ratio": "vol/mask",
    "distance_mm": "dist mm",
    "missed_mm": "missed mm",
    "surplus_mm": "surplus mm",
    "beyond_mm": "(beyond mm)",
    "pieces": "pieces",
    "calibration": "calibr.",
    "nothing_found": "empty",
    "tip_mm": "signed mm",
    "tip_distance_mm": "absolute mm",
    "tip_uncertainty_mm": "(eye +-mm)",
    "sd_mm2": "SD mm2",
    "sd_percent": "SD %",
    "difference_mm2": "|diff| mm2",
    "difference_percent": "|diff| %",
}
_DIGITS = {
    **{"dice": 3, "volume_ratio": 3, "distance_mm": 2, "calibration": 3, "pieces": 2},
    **{"nothing_found": 2, "sd_mm2": 2, "difference_mm2": 2},
}
_TITLES = {
    MASKS: (
        "Masks (as drawn; '- offset': the edge of the drawn mask brought to the spine-generic"
        " convention)"
    ),
    TIPS: (
        "Tip of the cord (mask's lowest point less the tip by eye; negative: the mask goes too far"
        " down)"
    ),
    SPREAD: (
        "SD of area over the contrasts of a participant, median over positions of their common"
        " stretch in scanner coordinates"
    ),
    RESCAN: (
        "Scan and rescan after repositioning: mean area over the slices that both cover, which do"
        " not show quite the same cord"
    ),
}
_SEEN = "*"
FOOTNOTES = """\
Means are over participants: several images of one participant count once. Masks: all but pieces
between the first and the last drawn slice. vol/mask: sum of soft values over that of the mask.
dist: mean distance of the surfaces at 0.5. missed: cord in drawn slices without prediction;
surplus: prediction in slices between that were not drawn, or in an image without a cord; (beyond):
predicted before the first and after the last drawn slice, where the truth is not known: not counted
as wrong. pieces: of the mask at 0.5 that do not touch the drawn one (whole image). calibr.:
expected calibration error of voxels between 0.05 and 0.95. empty: part of images with a cord in
which none was found. n: participants, images, with a drawn mask (without one, where none of the row
has it; pieces and empty count all of the row). *: seen in the training of this bundle, with a mask
or without; not to be compared.
"""


def measure_rows(measured: Measured, left_out: Collection[str] = ()) -> pd.DataFrame:
    """All rows of a bundle, in the order of its list.

    Args:
        measured: a bundle on a list.
        left_out: participants not to count.

    Returns:
        ``table`` (:data:`MASKS` and so on), ``contrast`` (of :data:`SPREAD` the contrasts that are
        compared), ``region``, ``participant`` (of :data:`SPREAD`, else ""), ``seen`` (the bundle
        saw these images unlabelled), ``measure`` (one of :data:`COLUMNS`), ``value`` (mean over
        participants of each one's mean; of :data:`RESCAN` of the absolute differences),
        ``participants`` (over how many), ``images`` (of theirs, that have the number).
    """
    records = [record for record in _records(measured) if record[1] not in left_out]
    long = pd.DataFrame(
        [
            (*group, name, owner, values[name])
            for group, owner, values in records
            for name in COLUMNS[group[0]]
            if name in values
        ],
        columns=[*GROUP, "measure", "owner", "value"],
    ).astype({"value": float, "seen": bool})
    keys = [*GROUP, "measure"]
    owners = long.groupby([*keys, "owner"], sort=False)["value"].agg(["mean", "count"])
    rows = owners.groupby(level=keys, sort=False).agg(
        value=("mean", "mean"), participants=("mean", "count"), images=("count", "sum")
    )
    order = {group: at for at, group in enumerate(dict.fromkeys(one[0] for one in records))}
    group_at = [order[key[:-1]] for key in rows.index]
    column_at = [COLUMNS[key[0]].index(key[-1]) for key in rows.index]
    return rows.iloc[np.lexsort((column_at, group_at))].reset_index()


def _records(
    measured: Measured,
) -> Iterator[tuple[tuple[str, str, str, str, bool], str, Mapping[str, float]]]:
    """Group, participant and numbers of every image and comparison."""
    for table in (MASKS, MOVED, TIPS):
        for one in measured.images:
            values = one.offset_values if table == MOVED else one.values
            yield (table, one.contrast, one.region, "", one.seen), one.participant, values
    for spread in measured.spreads:
        contrasts = " ".join(spread.contrasts)
        group = (SPREAD, contrasts, spread.region, spread.participant, spread.seen)
        yield group, spread.participant, vars(spread.spread)
    for rescan in measured.rescans:
        differences = {name: abs(getattr(rescan, name)) for name in COLUMNS[RESCAN]}
        group = (RESCAN, rescan.contrast, rescan.region, "", rescan.seen)
        yield group, rescan.participant, differences


def measure_text(
    measured: Sequence[Measured],
    without_offset: Sequence[str] = (),
    drawn: Measured | None = None,
) -> str:
    """All tables, one bundle under the other in each group.

    Args:
        measured: bundles, in the order of rows.
        without_offset: data sets with drawn masks whose offset is not known.
        drawn: of :func:`.image_measures.as_drawn`, beside the bundles where images of one
            participant are compared.
    """
    names = [one.bundle for one in measured]
    labels = [
        name if names.count(name) == 1 else f"{name} {one.sha256[:6]}"
        for name, one in zip(names, measured)
    ]
    rows = {label: measure_rows(one) for label, one in zip(labels, measured)}
    parts = ["Bundles: " + "; ".join(f"{one.bundle} ({one.sha256[:12]})" for one in measured)]
    for table in (MASKS, TIPS, SPREAD, RESCAN):
        among = rows
        if drawn is not None and (drawn.spreads or drawn.rescans) and table in (SPREAD, RESCAN):
            among = {drawn.bundle: measure_rows(drawn), **rows}
        text = _table(table, among)
        if text:
            parts.append(f"{_TITLES[table]}\n\n{text}")
    parts.append(FOOTNOTES.rstrip())
    if without_offset:
        unknown = ", ".join(without_offset)
        parts.append(f"No offset is known of {unknown}: no second row for their images.")
    notes = dict.fromkeys(note for one in measured for note in one.notes)
    parts += [f"Note: {note}" for note in notes]
    return "\n\n".join(parts) + "\n"


def _table(table: str, rows: Mapping[str, pd.DataFrame]) -> str:
    parts = (MASKS, MOVED) if table == MASKS else (table,)
    own = pd.concat(
        [some[some["table"].isin(parts)].assign(bundle=name) for name, some in rows.items()]
    )
    present = set(own.loc[own["table"] == table, "measure"])
    columns = [name for name in _HEADINGS if name in present]
    if not columns:
        return ""
    labels = ["contrast", "region", *(["participant"] if table == SPREAD else [])]
    lines = [[*labels, "bundle", "n", *(_HEADINGS[name] for name in columns)]]
    for words, group in own.groupby(labels, sort=False):
        for name in rows:
            for part in parts:
                for seen in (False, True):
                    cells = group[
                        (group["bundle"] == name)
                        & (group["table"] == part)
                        & (group["seen"] == seen)
                    ].set_index("measure")
                    if len(cells):
                        title = f"{name} - offset" if part == MOVED else name
                        lines.append(
                            [*words, title + (_SEEN if seen else ""), *_cells(cells, columns)]
                        )
    return _aligned(lines)


def _cells(rows: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """The number of participants and images, and the numbers of one line."""
    counted = rows.loc[["dice"]] if "dice" in rows.index else rows
    participants, images = max(zip(counted["participants"], counted["images"]))
    return [
        f"{participants}, {images}",
        *(_number(rows["value"].get(column), column) for column in columns),
    ]


def _number(value: float | None, measure: str) -> str:
    if value is None:
        return ""
    return "-" if math.isnan(value) else f"{value:.{_DIGITS.get(measure, 1)}f}"


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    """Columns of equal width; numbers to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*lines)]
    texts = lines[0].index("n")
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at < texts else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths))
        ).rstrip()
        for line in lines
    )
