"""What blinded readings of a data set are shuffled by: a secret that is drawn once, at random.

Orders and neutral names come from it and from the seed, so that they are the same on every machine
that reads the data set, and that who knows the names of the files and the seed cannot work them
out.  It is in ``derivatives/review/blinding.json``: who reads blinded does not open that folder.
"""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

from ..bids import review_folder
from ..files import json_text, locked, write_text_atomically
from ..structured_text import read_json

BLINDING = "blinding.json"
_KEY = "secret"


def blinding_secret(dataset: Path) -> str:
    """The secret of a data set; drawn and stored where there is none yet.

    Raises:
        OutputError: it cannot be stored.
    """
    path = review_folder(dataset) / BLINDING
    return _stored(path) or _drawn(path)


def _stored(path: Path) -> str:
    with contextlib.suppress(OSError, ValueError):
        content = read_json(path)
        known = content.get(_KEY) if isinstance(content, dict) else None
        if isinstance(known, str):
            return known
    return ""


def _drawn(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path):
        # Another process may have been first.
        secret = _stored(path)
        if not secret:
            secret = secrets.token_hex(16)
            write_text_atomically(path, json_text({_KEY: secret}))
    return secret
