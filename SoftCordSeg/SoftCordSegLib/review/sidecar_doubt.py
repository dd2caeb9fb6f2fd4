"""The doubt that a mask was saved with, from its sidecar."""

from __future__ import annotations

from pathlib import Path

from ..bids import is_as_described, read_sidecar, sidecar_path
from .doubt import DOUBT_VERSION, Doubt

KEY = "Doubt"


def sidecar_doubt(mask: Path) -> Doubt | None:
    """How likely a mask is wrong, as it was judged when it was made; None where its sidecar does
    not say so, is older than today's signs, or describes another mask.
    """
    content = read_sidecar(sidecar_path(mask)).get(KEY)
    if content is None:
        return None
    try:
        found = Doubt.from_json(content)
        return found if found.version == DOUBT_VERSION and is_as_described(mask) else None
    except (ValueError, OSError):
        return None
