"""The tables of ``softcord evaluate`` as files."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...files import write_text_atomically

if TYPE_CHECKING:
    from ...evaluation import Evaluation, Summary


# What may be written besides tables/, figures/ and masks/.
TABLES = (
    "images.csv",
    "slices.csv",
    "contrasts.csv",
    "csa.csv",
    "csa_participants.csv",
    "resolutions.csv",
    "drift.csv",
    "drift_images.csv",
    "statistics/anova.csv",
    "statistics/wilcoxon.csv",
    "statistics/regression.csv",
)


def write_tables(out: Path, result: Evaluation, summary: Summary) -> list[Path]:
    """Write a file for each table that has rows; empty cells are numbers that have no meaning
    there.

    Raises:
        OutputError: the folder is not writable or the disk is full.
    """
    tests = summary.statistics
    rows_of = (
        result.images,
        result.slices,
        summary.grid_spreads,
        summary.areas,
        summary.spreads,
        summary.resolutions,
        summary.drifts,
        summary.differences,
        tests.anova,
        tests.pairs,
        tests.lines,
    )
    texts = {
        name: csv_text([plain(row) for row in rows]) for name, rows in zip(TABLES, rows_of) if rows
    }
    for table in summary.tables:
        texts[f"tables/{table.name}.csv"] = table.csv_text()
        texts[f"tables/{table.name}.tex"] = table.latex_text()
    for name, text in texts.items():
        write_text_atomically(out / name, text)
    return [out / name for name in texts]


def plain(row: Any) -> dict[str, Any]:
    """A row in plain types, a test's own numbers among what it is about; None where a number has no
    meaning.
    """
    values = dataclasses.asdict(row)
    values.update(values.pop("row", {}))
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
    }


def csv_text(rows: Sequence[dict[str, Any]]) -> str:
    """A table with a header; numbers to six significant digits."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(
            [
                "" if value is None else f"{value:.6g}" if isinstance(value, float) else value
                for value in row.values()
            ]
        )
    return stream.getvalue()
