"""Raters: one spelling of a name, and the names of the files that one rater writes on one machine.

Each rater and machine has files of its own, so that on a network folder no two machines ever write
the same one.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from ..errors import OptionError
from ..processes import machine_mark

_PLAIN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_SLUG, _LONGEST_NAME = 32, 200


def rater_name(name: str) -> str:
    """A rater's name in one spelling: composed characters (NFC), single spaces, none at its ends.

    Raises:
        OptionError: it is empty, too long, or has characters that do not print.
    """
    composed = " ".join(unicodedata.normalize("NFC", name).split())
    if not composed:
        raise OptionError("A verdict needs the name of its rater.", hint="Give your name.")
    if len(composed) > _LONGEST_NAME or not composed.isprintable():
        raise OptionError(
            "This name of a rater is too long, or has characters that cannot be printed.",
            hint="Give a name of letters, at most 200 of them.",
        )
    return composed


def rater_slug(name: str) -> str:
    """A rater's name as part of a file's name: "anna", "anna-b-1f2e3d4c", "rater-5a6b7c8d".

    A name that is not of small Latin letters and digits alone gets a part of its SHA-256, so that
    two raters never have one slug, also where a disk does not tell capitals from small letters.
    """
    name = rater_name(name)
    if _PLAIN.fullmatch(name) and len(name) <= _LONGEST_SLUG:
        return name
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    letters = re.sub(r"[^a-z0-9]+", "-", plain)[:_LONGEST_SLUG].strip("-") or "rater"
    return f"{letters}-{hashlib.sha256(name.encode('utf-8')).hexdigest()[:8]}"


def rater_file(name: str, extension: str) -> str:
    """The name of the file that a rater writes on this machine: "anna_1a2b3c4d.jsonl"."""
    return f"{rater_slug(name)}_{machine_mark()}{extension}"
