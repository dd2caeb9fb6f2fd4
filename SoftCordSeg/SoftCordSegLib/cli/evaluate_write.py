"""The tables of ``softcord evaluate`` as files."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import write_text_atomically

if TYPE_CHECKING:
    from ..evaluation import Evaluation, GridSpread


def write_tables(out: Path, result: Evaluation, spreads: Sequence[GridSpread]) -> list[Path]:
    """Write a file for each table that has rows; empty cells are numbers that have no meaning there.

    Raises:
        OutputError: the folder is not writable or the disk is full.
    """
    tables = {"images.csv": result.images, "slices.csv": result.slices, "contrasts.csv": spreads}
    written = []
    for name, rows in tables.items():
        if rows:
            write_text_atomically(out / name, csv_text([plain(row) for row in rows]))
            written.append(out / name)
    return written


def plain(row: Any) -> dict[str, Any]:
    """A row in plain types; None where a number has no meaning."""
    values = dataclasses.asdict(row)
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in values.items()}


def csv_text(rows: Sequence[dict[str, Any]]) -> str:
    """A table with a header; numbers to six significant digits."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(["" if value is None else f"{value:.6g}" if isinstance(value, float) else value for value in row.values()])
    return stream.getvalue()
