"""What a result says of how it was made: plain types, in one wording for the command line and the
panel.  BIDS, "Derived dataset and pipeline description" (``GeneratedBy``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from . import __version__

CODE_URL = "https://github.com/SoftCordSeg/SoftCordSeg"


def generated_by(bundle: Any = None) -> list[dict[str, Any]]:
    """BIDS's "GeneratedBy": the software and, where one was used, the model.

    Args:
        bundle: ``network.ModelBundle``; None where no model took part.
    """
    software = {"Name": "SoftCordSeg", "Version": __version__, "CodeURL": CODE_URL}
    return [software] if bundle is None else [software, model_of(bundle)]


def model_of(bundle: Any) -> dict[str, Any]:
    """Name, version, licence and SHA-256 of the weights of a model bundle."""
    about = {
        "Name": bundle.metadata["name"],
        "Version": str(bundle.metadata["version"]),
        "SHA256": dict(bundle.sha256),
    }
    licence = bundle.metadata.get("license")
    return {**about, "License": licence} if licence else about


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
    """Date and time as sidecars have them, "2026-10-31 14:05:00", local time (manual-correction
    writes it so).
    """
    return datetime.now().strftime("%Y-%m-%d %H:%M:%S")
