"""What a result says of how it was made: plain types for a sidecar, in one wording for the command
line and the panel.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from . import __version__


def generated_by() -> list[dict[str, str]]:
    """BIDS's "GeneratedBy"."""
    return [{"Name": "SoftCordSeg", "Version": __version__}]


def model_of(bundle: Any) -> dict[str, Any]:
    """Name, version and SHA-256 of the weights of a model bundle."""
    return {
        "Name": bundle.metadata["name"],
        "Version": str(bundle.metadata["version"]),
        "SHA256": dict(bundle.sha256),
    }


def box_of(box: Any) -> dict[str, Any] | None:
    """A box in plain numbers, world RAS+, mm; None where there is none."""
    if box is None:
        return None
    return {
        "CenterMm": [round(float(x), 3) for x in box.center_mm],
        "Axes": [[round(float(x), 6) for x in row] for row in box.axes],
        "SizeMm": [round(float(x), 3) for x in box.size_mm],
        "Space": "RAS",
    }


def now() -> str:
    """The time, UTC, ISO 8601."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
