"""What ``participants.tsv`` says of the participants of a data set (BIDS, "Participants file")."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path

from ..structured_text import limited_text

PARTICIPANTS = "participants.tsv"
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
    """By participant ("sub-01"); empty where there is no such file, or none that can be read."""
    try:
        text = limited_text(dataset / PARTICIPANTS)
    except (OSError, ValueError):
        return {}
    found = {}
    try:
        for row in csv.DictReader(io.StringIO(text), delimiter="\t"):
            values = {
                str(key).strip().lower(): str(value or "").strip() for key, value in row.items()
            }
            name = values.get("participant_id", "")
            if name:
                found[name if name.startswith("sub-") else f"sub-{name}"] = _facts(values)
    except csv.Error:
        return {}
    return found


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
