"""When the visits of a participant were, as far as a data set says it (BIDS, "Sessions file" and
"Scans file").  Dates may be shifted, as BIDS wants them to be: only differences are used.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from ..structured_text import limited_text

_DAYS_A_YEAR = 365.25
_TIME = "acq_time"


def session_years(dataset: Path, participant: str, sessions: Sequence[str]) -> dict[str, float]:
    """The time of each visit in years from some point; without those that are not known.

    From ``sub-01_sessions.tsv`` (``acq_time``, else ``age``), else from ``sub-01_ses-1_scans.tsv``.

    Args:
        dataset: folder of the raw images.
        participant: "sub-01".
        sessions: "ses-1", …
    """
    folder = dataset / participant
    rows = {_session(row): row for row in _rows(folder / f"{participant}_sessions.tsv")}
    for read in (_by_time, _by_age):
        found = {name: read(rows[name]) for name in sessions if name in rows}
        known = {name: years for name, years in found.items() if years is not None}
        if len(known) > 1:
            return known
    scans = {
        name: [_by_time(row) for row in _rows(folder / name / f"{participant}_{name}_scans.tsv")]
        for name in sessions
    }
    first = {name: [x for x in times if x is not None] for name, times in scans.items()}
    return {name: min(times) for name, times in first.items() if times}


def _session(row: Mapping[str, str]) -> str:
    """ "ses-1", also where the table has "1"."""
    name = row.get("session_id", "")
    return name if name.startswith("ses-") else f"ses-{name}"


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        text = limited_text(path)
        return [
            {str(key).strip().lower(): str(value or "").strip() for key, value in row.items()}
            for row in csv.DictReader(io.StringIO(text), delimiter="\t")
        ]
    except (OSError, ValueError, csv.Error):
        return []


def _by_time(row: Mapping[str, str]) -> float | None:
    try:
        when = datetime.fromisoformat(row.get(_TIME, "")[:19])
    except ValueError:
        return None
    return (when - datetime(1900, 1, 1)).total_seconds() / 86400 / _DAYS_A_YEAR


def _by_age(row: Mapping[str, str]) -> float | None:
    try:
        age = float(row.get("age", ""))
    except ValueError:
        return None
    return age if math.isfinite(age) else None
