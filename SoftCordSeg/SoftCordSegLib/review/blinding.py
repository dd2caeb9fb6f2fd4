"""What blinded readings of a data set are shuffled by: a secret that is drawn once, at random.

Orders and neutral names come from it and from the seed, so that they are the same on every machine
that reads the data set, and that who knows the names of the files and the seed cannot work them
out; so do the marks by which masks are found again after a blinded reading.  It is in
``derivatives/review/blinding.json``: who reads blinded does not open that folder.
"""

from __future__ import annotations

import contextlib
import hashlib
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
    return stored_secret(dataset) or _drawn(review_folder(dataset) / BLINDING)


def stored_secret(dataset: Path) -> str:
    """The secret of a data set; "" where none was drawn yet."""
    return _stored(review_folder(dataset) / BLINDING)


def hidden(secret: str, text: str) -> str:
    """A mark of a text, 64 letters and digits, that cannot be made without the secret."""
    return hashlib.sha256(f"{secret} {text}".encode()).hexdigest()


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
