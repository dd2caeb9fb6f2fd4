"""JSON that may come from strangers: whatever is wrong with it is a ValueError."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .files import text_of

# Lists of cases and measurements of large studies have a few megabytes.
MAX_BYTES = 64 << 20


def read_json(path: str | Path) -> Any:
    """The content of a JSON file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not JSON, nested too deeply, or larger than :data:`MAX_BYTES`.
    """
    return parse_json(limited_text(path))


def parse_json(text: str) -> Any:
    """The content of a text in JSON.

    Raises:
        ValueError: it is not JSON, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def limited_text(path: str | Path) -> str:
    """As :func:`~.files.text_of`, of a file that is not larger than :data:`MAX_BYTES`.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no text, or larger.
    """
    if os.path.getsize(path) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES >> 20} MB")
    return text_of(path)
