"""Where a rater stopped: one file a rater and machine, replaced at every move."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from ..bids import review_folder
from ..errors import OutputError
from ..files import json_text, write_text_atomically
from ..structured_text import read_json
from .raters import rater_file, rater_slug
from .verdicts import utc_now

_POSITIONS, _ENDING = "position", ".json"


def read_position(dataset: Path, rater: str, reading: str = "") -> str:
    """Key of the case at which a rater was last, on whatever machine; "" where that is not known.

    Args:
        dataset: folder of the data set.
        rater: name.
        reading: each has a place of its own.
    """
    found = [("", "")]
    for path in (review_folder(dataset) / _POSITIONS).glob(f"*{_ENDING}"):
        if path.stem.rpartition("_")[0] != rater_slug(rater):
            continue
        with contextlib.suppress(OSError, ValueError, AttributeError, KeyError, TypeError):
            place = read_json(path)[reading]
            found.append((str(place["when"]), str(place["case"])))
    return max(found)[1]


def write_position(dataset: Path, rater: str, case: str, reading: str = "") -> None:
    """Keep where a rater is.  That the folder cannot be written is no error: one may look at it."""
    path = review_folder(dataset) / _POSITIONS / rater_file(rater, _ENDING)
    content: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        before = read_json(path)
        content = dict(before) if isinstance(before, dict) else {}
    content[reading] = {"case": case, "when": utc_now()}
    with contextlib.suppress(OSError):
        if path.is_symlink():  # a DataLad data set was saved; what it leads to stays as it is
            path.unlink()
    with contextlib.suppress(OutputError):
        write_text_atomically(path, json_text(content))
