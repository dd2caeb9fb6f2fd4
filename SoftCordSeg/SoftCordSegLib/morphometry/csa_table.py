"""The table as SCT writes it (CSV), with our own columns after SCT's, and the same as JSON.

Units: areas mm², diameters, lengths and distances mm, angles and orientation degrees, eccentricity,
solidity and Dice without unit.  The JSON names the unit of every measure; the CSV keeps SCT's bare
column names, so that scripts written for SCT keep working.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from .. import __version__
from ..errors import InputError
from ..files import safe_cell, write_text_atomically
from .aggregate import LevelSummary, Summary
from .cord_shape import IMAGE_MEASURES, MEASURES, UNITS, CordShape
from .level_names import slice_ranges

VERSION = f"SoftCordSeg {__version__}"
_LEADING = ("Timestamp", "SCT Version", "Filename", "Slice (I->S)", "VertLevel", "DistancePMJ")
_OURS = ("LevelName", "SliceCount", "AngleCorrection", "Rescaling", "Threshold", "notes")


def csv_columns(extra: Iterable[str] = (), with_image: bool = False) -> list[str]:
    """Column names: SCT's in SCT's order, then ours.

    Args:
        extra: names of further measures, which come at the end as MEAN() and STD().
        with_image: SCT's measures that need an image (quadrants, symmetry) are there too.
    """
    measures = [name for name in MEASURES if name != "length"]
    further = [*(IMAGE_MEASURES if with_image else ()), *extra]
    return [*_LEADING, *_mean_and_std(measures), "SUM(length)", *_mean_and_std(further), *_OURS]


def csv_text(
    shape: CordShape,
    summary: Summary | Iterable[LevelSummary],
    filename: str = "",
    timestamp: datetime | None = None,
) -> str:
    """The table of ``summary`` rows as text, header line first."""
    rows = table_rows(shape, summary, filename, timestamp)
    return _to_text(_columns_of(shape), rows)


def text_added_to(path: Path, text: str) -> str:
    """The text of the table in a file, with the rows of another table added.

    Args:
        path: an existing table, or an empty file; a byte order mark stays.
        text: of :func:`csv_text`.

    Raises:
        InputError: the file has other columns.
    """
    header, rows = text.split("\r\n", 1)
    with open(path, encoding="utf-8", newline="") as stream:
        old = stream.read()
    if not old.strip("\ufeff\r\n "):
        return text
    if old.lstrip("\ufeff").splitlines()[:1] != [header]:
        raise InputError(
            "The table has other columns than the new rows, so they cannot be added to it.",
            path=path,
            hint="Write to a new file.",
        )
    return old.rstrip("\r\n") + f"\r\n{rows}"


def write_csv(
    path: str | Path,
    shape: CordShape,
    summary: Summary | Iterable[LevelSummary],
    filename: str = "",
    *,
    timestamp: datetime | None = None,
) -> None:
    """Write the table atomically.

    Args:
        path: the CSV file.
        shape: the measurement, for the options in the last columns.
        summary: the rows.
        filename: name of the mask, for the column "Filename".
        timestamp: of the column "Timestamp"; now by default.

    Raises:
        OutputError: the folder is not writable or the disk is full.
    """
    write_text_atomically(path, csv_text(shape, summary, filename, timestamp))


def table_rows(
    shape: CordShape,
    summary: Summary | Iterable[LevelSummary],
    filename: str = "",
    timestamp: datetime | None = None,
) -> list[dict[str, object]]:
    """The rows as dictionaries by column name; None where there is no value."""
    when = (timestamp or datetime.now()).strftime("%Y-%m-%d %H:%M:%S")
    options = shape.options
    rows = []
    for row in summary:
        values: dict[str, object] = {
            "Timestamp": when,
            "SCT Version": VERSION,
            "Filename": str(filename),
            "Slice (I->S)": slice_ranges(row.slices),
            "VertLevel": slice_ranges(row.levels),
            "DistancePMJ": _number(row.distance_pmj),
            "SUM(length)": _number(row.sum.get("length", math.nan)),
            "LevelName": row.name if row.levels else "",
            "SliceCount": row.count,
            "AngleCorrection": (
                "exact"
                if options.angle_correction and options.tilt == "exact"
                else int(options.angle_correction)
            ),
            "Rescaling": options.rescaling,
            "Threshold": options.threshold,
            "notes": row.notes,
        }
        for name in row.mean:
            values[f"MEAN({name})"], values[f"STD({name})"] = (
                _number(row.mean[name]),
                _number(row.std[name]),
            )
        rows.append(values)
    return rows


def to_json(
    shape: CordShape,
    summary: Summary,
    filename: str = "",
    timestamp: datetime | None = None,
    notes: Iterable[str] = (),
) -> dict:
    """Everything as one dictionary of plain types: version, options, units, notes, rows and the
    slices themselves.

    Args:
        shape, summary, filename, timestamp: as for :func:`write_csv`.
        notes: sentences that come before those of the shape and the summary, for example on where
            the levels are from.
    """
    return {
        "GeneratedBy": VERSION,
        "Timestamp": (timestamp or datetime.now()).strftime("%Y-%m-%d %H:%M:%S"),
        "Filename": str(filename),
        "Options": {
            "AngleCorrection": shape.options.angle_correction,
            "Rescaling": shape.options.rescaling,
            "Threshold": shape.options.threshold,
            "Smooth": shape.options.smooth,
            "Tilt": shape.options.tilt,
        },
        "Units": {name: UNITS[name] for name in (*shape.columns, "distance_pmj") if name in UNITS},
        "Notes": [*notes, *shape.notes, *summary.notes],
        "Rows": [
            {
                "Slices": list(row.slices),
                "Levels": list(row.levels),
                "Name": row.name,
                "DistancePMJ": _number(row.distance_pmj),
                "SliceCount": row.count,
                "Mean": {name: _number(value) for name, value in row.mean.items()},
                "SD": {name: _number(value) for name, value in row.std.items()},
                "Sum": {name: _number(value) for name, value in row.sum.items()},
                "Notes": row.notes,
            }
            for row in summary
        ],
        "Slices": {
            "Slice": [int(number) for number in shape.slices],
            "Level": (
                None if shape.levels is None else [int(level) or None for level in shape.levels]
            ),
            "CentreMm": [
                [float(x) for x in centre] if all(map(math.isfinite, centre)) else None
                for centre in shape.centres_mm
            ],
            **{
                name: [_number(value) for value in column] for name, column in shape.columns.items()
            },
        },
    }


def _columns_of(shape: CordShape) -> list[str]:
    known = {*MEASURES, *IMAGE_MEASURES}
    return csv_columns(
        [name for name in shape.columns if name not in known],
        with_image=IMAGE_MEASURES[0] in shape.columns,
    )


def _to_text(columns: list[str], rows: list[dict[str, object]]) -> str:
    stream = io.StringIO()
    stream.write(",".join(columns) + "\r\n")
    # SCT quotes text and leaves numbers bare; a missing value is an empty text.
    writer = csv.DictWriter(
        stream, columns, quoting=csv.QUOTE_NONNUMERIC, restval="", extrasaction="ignore"
    )
    for row in rows:
        writer.writerow(
            {name: "" if value is None else safe_cell(value) for name, value in row.items()}
        )
    return stream.getvalue()


def _mean_and_std(names: Iterable[str]) -> list[str]:
    return [f"{function}({name})" for name in names for function in ("MEAN", "STD")]


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
