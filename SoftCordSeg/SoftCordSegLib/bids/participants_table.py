"""What ``participants.tsv`` says of the participants of a data set (BIDS, "Participants file")."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from ..structured_text import limited_text
from .data_sets import linked_raw

PARTICIPANTS = "participants.tsv"
_ID = "participant_id"
_SEXES = {"f": "F", "female": "F", "m": "M", "male": "M"}
# The names of this column in the data sets of the spinal cord.
_SITES = ("site", "institution_id", "institution", "centre", "center")


@dataclass(frozen=True)
class ParticipantFacts:
    """What is known of a participant.

    Attributes:
        sex: "F" or "M"; "" where not known.
        age: years; None where not known.
        site: where the images were made; "" where not known.
    """

    sex: str = ""
    age: float | None = None
    site: str = ""


def participant_facts(dataset: Path) -> dict[str, ParticipantFacts]:
    """By participant ("sub-01"); empty where there is no such file, or none that can be read.  Of a
    folder of derivatives without one, that of its raw data set.
    """
    _, rows = participant_rows(dataset)
    lowered = {
        name: {key.lower(): value for key, value in row.items()} for name, row in rows.items()
    }
    return {name: _facts(row) for name, row in lowered.items()}


def participant_rows(dataset: Path) -> tuple[list[str], dict[str, dict[str, str]]]:
    """The columns, but for that of the participant, and the row of each participant ("sub-01"), as
    they are written.
    """
    raw = linked_raw(dataset)
    for folder in (dataset, *([] if raw is None else [raw])):
        try:
            text = limited_text(folder / PARTICIPANTS)
            return _rows(text)
        except (OSError, ValueError, csv.Error):
            continue
    return [], {}


def _rows(text: str) -> tuple[list[str], dict[str, dict[str, str]]]:
    found: dict[str, dict[str, str]] = {}
    columns: list[str] = []
    for row in csv.DictReader(io.StringIO(text), delimiter="\t"):
        values = {str(key).strip(): str(value or "").strip() for key, value in row.items()}
        columns = columns or [name for name in values if name.lower() != _ID and name != "None"]
        name = next((value for key, value in values.items() if key.lower() == _ID), "")
        if name:
            name = normalize("NFC", name if name.startswith("sub-") else f"sub-{name}")
            before = found.get(name, values)
            # Of a participant with several rows, such as one a visit, only what all of them say.
            found[name] = {k: v if before.get(k, v) == v else "" for k, v in values.items()}
    return columns, found


def _facts(values: dict[str, str]) -> ParticipantFacts:
    site = next((values[name] for name in _SITES if values.get(name, "n/a") != "n/a"), "")
    return ParticipantFacts(_SEXES.get(values.get("sex", "").lower(), ""), _age(values), site)


def _age(values: dict[str, str]) -> float | None:
    try:
        # "89+" is how the oldest are written.
        age = float(values.get("age", "").rstrip("+"))
    except ValueError:
        return None
    return age if math.isfinite(age) and 0 <= age < 130 else None
