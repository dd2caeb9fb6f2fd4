"""Where a result came from, for the sidecar beside it and the summary."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .. import __version__


def generated_by() -> list[dict[str, str]]:
    """BIDS's "GeneratedBy"."""
    return [{"Name": "SoftCordSeg", "Version": __version__}]


def model_of(bundle: Any) -> dict[str, Any]:
    """Name, version and SHA-256 of the weights of a model bundle."""
    return {"Name": bundle.metadata["name"], "Version": str(bundle.metadata["version"]), "SHA256": dict(bundle.sha256)}


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


def sidecar(
    image: Path, bundle: Any, result: Any, *, volumes: int, time: str | int | None, options: dict[str, Any]
) -> dict[str, Any]:
    """The sidecar of a soft mask.

    Args:
        image: what was segmented; only its name is recorded, not where it lies on this machine.
        bundle: the model.
        result: the ``SoftMask``.
        volumes: of the image file: 1, or the length of a series.
        time: which volume of a series was taken, "mean", or None for a 3D image.
        options: of the command.
    """
    from ..network import file_sha256

    return {
        "GeneratedBy": generated_by(),
        "SpatialReference": "orig",
        "Source": image.name,
        "SourceSHA256": file_sha256(image),
        "SourceVolumes": volumes,
        "SourceVolume": time,
        "Model": model_of(bundle),
        "Found": result.found,
        "Message": result.message,
        "Notes": list(getattr(result, "notes", ())),
        "Box": box_of(result.box),
        "Command": {"Name": "softcord segment", "Options": options},
        "Date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
