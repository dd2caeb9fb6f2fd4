"""The tables of ``softcord evaluate`` in the window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from ...evaluation import Evaluation, GridSpread, ImageScore, Summary

# More rows than this are in the files, not in the window.
_SHOWN_ROWS = 60
# Columns of a log file, where no window says how wide it is.
_LOG_WIDTH = 160
_WORDS = (
    "Participant",
    "Contrast",
    "Method",
    "Grid",
    "Cut",
    "With reference",
    "CSA by contrast",
    "Resolution",
    "Release",
    "Previous",
)
_COLUMNS = (
    "Participant",
    "Contrast",
    "Method",
    "Dice",
    "soft Dice",
    "RVE, %",
    "ASD, mm",
    "soft ratio",
    "Cord, mL",
    "Pieces",
    "False",
    "Time, s",
)


def show(result: Evaluation, summary: Summary) -> None:
    """Images (methods side by side), their means, and what CSA does over contrasts and releases."""
    if not result.images:
        return
    scores = list(summary.scores)
    order = list(dict.fromkeys((row.dataset, row.participant, row.contrast) for row in scores))
    scores.sort(key=lambda row: order.index((row.dataset, row.participant, row.contrast)))
    _table(f"Masks cut at {summary.threshold:g}", _COLUMNS, [_image_row(row) for row in scores])
    _show_means(scores)
    _show_grids(summary.grid_spreads)
    for table in summary.tables:
        if table.name in ("table4_csa", "thresholds", "resolutions"):
            _table(
                table.caption,
                (*table.labels, *(column.title for column in table.columns)),
                table.texts(),
            )
    if summary.drifts:
        columns = (
            "Release",
            "Previous",
            "Images",
            "Missing",
            "Difference, mm²",
            "SD, mm²",
            "%",
            f"Beyond {summary.drift_limit:g} %",
        )
        rows = [
            (
                r.release,
                r.previous,
                r.images,
                r.missing,
                _number(r.mean_mm2, 2),
                _number(r.sd_mm2, 2),
                _number(r.mean_percent, 2),
                r.flagged,
            )
            for r in summary.drifts
        ]
        _table("Drift of CSA from release to release", columns, rows)


def _show_grids(spreads: Sequence[GridSpread]) -> None:
    if not spreads:
        return
    rows = [
        (
            row.grid,
            row.cut,
            row.method,
            row.slices,
            _number(row.area_mm2, 2),
            _number(row.sd_mm2, 2),
            _number(row.sd_percent, 1),
            row.by_contrast,
        )
        for row in sorted(spreads, key=lambda row: (row.grid, row.cut != "soft", row.cut))
    ]
    columns = ("Grid", "Cut", "Method", "Slices", "CSA, mm²", "SD, mm²", "SD, %", "CSA by contrast")
    _table("Same cord, several contrasts: SD over contrasts, median over slices", columns, rows)


def _image_row(row: ImageScore) -> tuple:
    return (
        row.participant,
        row.contrast,
        row.method,
        _number(row.dice, 3),
        _number(row.soft_dice, 3),
        _number(row.volume_error_percent, 1),
        _number(row.surface_distance_mm, 2),
        _number(row.volume_ratio, 3),
        _number(row.volume_ml, 2),
        row.components,
        _number(row.false_positives, 0),
        _number(row.seconds, 1),
    )


def _show_means(scores: Sequence[ImageScore]) -> None:
    """A row a method: means over its images with a reference, the lowest Dice, the sum of false
    positives.
    """
    rows = []
    for method in dict.fromkeys(row.method for row in scores):
        own = [row for row in scores if row.method == method]
        known = [row for row in own if math.isfinite(row.dice)]
        rows.append(
            (
                method,
                f"{len(known)} of {len(own)}",
                _mean([row.dice for row in known], 3),
                _number(min((row.dice for row in known), default=math.nan), 3),
                _mean([row.soft_dice for row in known], 3),
                _mean([row.volume_error_percent for row in known], 1),
                _mean([row.surface_distance_mm for row in known], 2),
                _mean([row.volume_ratio for row in known], 3),
                _number(
                    sum(row.false_positives for row in own if math.isfinite(row.false_positives)), 0
                ),
                _mean([row.seconds for row in own], 1),
            )
        )
    columns = (
        "Method",
        "With reference",
        "Dice",
        "lowest",
        "soft Dice",
        "RVE, %",
        "ASD, mm",
        "soft ratio",
        "False",
        "Time, s",
    )
    _table("Means over images with a reference; false pieces in all", columns, rows)


def _mean(values: Sequence[float], digits: int) -> str:
    finite = [value for value in values if math.isfinite(value)]
    return _number(sum(finite) / len(finite), digits) if finite else "-"


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on stderr, a line a row where the window has room; what is too long for it is in the
    files.
    """
    hidden = len(rows) - _SHOWN_ROWS
    title += f" (first {_SHOWN_ROWS} of {len(rows)} rows)" if hidden > 0 else ""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console = Console(stderr=True, highlight=False, width=_LOG_WIDTH)
    table = Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for index, column in enumerate(columns):
        numeric = any(str(row[index])[:1].isdigit() for row in rows) and column not in _WORDS
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows[:_SHOWN_ROWS]:
        table.add_row(*map(str, row))
    console.print(table)
