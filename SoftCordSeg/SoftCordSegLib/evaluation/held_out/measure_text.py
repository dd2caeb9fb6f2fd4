"""The measure as plain text, for the terminal and for notes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .image_measures import Measured
from .measure_rows import MASKS, MOVED, RESCAN, SPREAD, TIPS, MeasureRow, measure_rows

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
    **{
        "dice": 3,
        "volume_ratio": 3,
        "distance_mm": 2,
        "calibration": 3,
        "pieces": 2,
        "nothing_found": 2,
    },
    **{"sd_mm2": 2, "difference_mm2": 2},
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
        "SD of area over the contrasts of a person, median over positions of their common stretch"
        " in scanner coordinates"
    ),
    RESCAN: (
        "Scan and rescan after repositioning: mean area over the slices that both cover, which do"
        " not show quite the same cord"
    ),
}
_SEEN = "*"
FOOTNOTES = """\
Means are over people: several images of one person count once.  Masks: all but pieces between the
first and the last drawn slice.  vol/mask: sum of soft values over that of the mask.  dist: mean
distance of the surfaces at 0.5.  missed: cord in drawn slices without prediction; surplus:
prediction in slices between that were not drawn, or in an image without a cord; (beyond): predicted
before the first and after the last drawn slice, where nobody knows: not counted as wrong.  pieces:
of the mask at 0.5 that do not touch the drawn one (whole image).  calibr.: expected calibration
error of voxels between 0.05 and 0.95.  empty: part of images with a cord in which none was found.
n: people, images, with a drawn mask (without one, where none of the row has it; pieces and empty
count all of the row).  *: seen unlabelled in the training of this bundle; not to be compared.
"""


def measure_text(measured: Sequence[Measured], without_offset: Sequence[str] = ()) -> str:
    """All tables, one bundle under the other in each group.

    Args:
        measured: bundles, in the order of rows.
        without_offset: data sets with drawn masks whose offset is not known.
    """
    names = [one.bundle for one in measured]
    labels = [
        name if names.count(name) == 1 else f"{name} {one.sha256[:6]}"
        for name, one in zip(names, measured)
    ]
    rows = {label: measure_rows(one) for label, one in zip(labels, measured)}
    parts = ["Bundles: " + "; ".join(f"{one.bundle} ({one.sha256[:12]})" for one in measured)]
    for table in (MASKS, TIPS, SPREAD, RESCAN):
        text = _table(table, rows)
        if text:
            parts.append(f"{_TITLES[table]}\n\n{text}")
    parts.append(FOOTNOTES.rstrip())
    if without_offset:
        names = ", ".join(without_offset)
        parts.append(f"No offset is known of {names}: no second row for their images.")
    notes = dict.fromkeys(note for one in measured for note in one.notes)
    parts += [f"Note: {note}" for note in notes]
    return "\n\n".join(parts) + "\n"


def _table(table: str, rows: dict[str, list[MeasureRow]]) -> str:
    tables = (MASKS, MOVED) if table == MASKS else (table,)
    own = {name: [row for row in some if row.table in tables] for name, some in rows.items()}
    present = {row.measure for some in own.values() for row in some if row.table == table}
    columns = [name for name in _HEADINGS if name in present]
    if not columns:
        return ""
    groups = dict.fromkeys(row.group[1:4] for some in own.values() for row in some)
    lines = [
        [
            "contrast",
            "region",
            *(["person"] if table == SPREAD else []),
            "bundle",
            "n",
            *(_HEADINGS[name] for name in columns),
        ]
    ]
    for group in groups:
        for name, some in own.items():
            for part in tables:
                for seen in (False, True):
                    cells = {row.measure: row for row in some if row.group == (part, *group, seen)}
                    if cells:
                        lines.append(
                            _line(part, group, name, seen, cells, columns, table == SPREAD)
                        )
    return _aligned(lines)


def _line(
    table: str,
    group: tuple[str, str, str],
    bundle: str,
    seen: bool,
    cells: dict[str, MeasureRow],
    columns: Sequence[str],
    with_person: bool,
) -> list[str]:
    contrast, region, person = group
    name = f"{bundle} - offset" if table == MOVED else bundle
    counted = [cells["dice"]] if "dice" in cells else cells.values()
    people, images = max((row.people, row.images) for row in counted)
    start = [
        contrast,
        region,
        *([person] if with_person else []),
        name + (_SEEN if seen else ""),
        f"{people}, {images}",
    ]
    return start + [_number(cells[column]) if column in cells else "" for column in columns]


def _number(row: MeasureRow) -> str:
    return "-" if math.isnan(row.value) else f"{row.value:.{_DIGITS.get(row.measure, 1)}f}"


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
