"""The sidecar of a mask: where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...provenance import box_of, generated_by, model_of, now


def sidecar(
    image: Path,
    bundle: Any,
    result: Any,
    *,
    volumes: int,
    time: str | int | None,
    options: dict[str, Any],
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
    from ...network import file_sha256

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
        "Date": now(),
    }
