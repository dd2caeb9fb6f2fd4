"""Where a mask in the scene came from: kept with its node, so that the sidecar can say it after the scene was saved and opened."""

from __future__ import annotations

import json
from datetime import datetime, timezone

from .. import __version__

_ATTRIBUTE = "SoftCordSeg.Run"


def remember_run(soft, request, mask) -> None:
    """Keep with a soft mask node how it was made.

    Args:
        soft: the soft mask's node.
        request: ``engine.Request``.
        mask: ``SoftMask``.
    """
    record = {
        "GeneratedBy": [{"Name": "SoftCordSeg", "Version": __version__}],
        "Model": _model(request.model),
        "Device": request.device,
        "Found": mask.found,
        "Message": mask.message,
        "Notes": list(mask.notes),
        "Box": _box(mask.box),
        "BoxGivenByUser": request.box is not None,
        "Date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    # MRML files separate attributes by semicolons and colons; hexadecimal has neither.
    soft.SetAttribute(_ATTRIBUTE, json.dumps(record).encode("utf-8").hex())


def run_of(soft) -> dict | None:
    """How a soft mask was made; None where that is not known, for example of a mask from elsewhere."""
    text = soft.GetAttribute(_ATTRIBUTE)
    return json.loads(bytes.fromhex(text).decode("utf-8")) if text else None


def _model(folder) -> dict | None:
    from ..errors import ModelError
    from ..network import load_bundle, shipped_bundles

    folders = [folder] if folder is not None else shipped_bundles()
    if not folders:
        return None
    try:
        bundle = load_bundle(folders[0])
    except ModelError:
        return None  # moved away since the run
    return {"Name": bundle.metadata["name"], "Version": str(bundle.metadata["version"]), "SHA256": bundle.sha256}


def _box(box) -> dict | None:
    if box is None:
        return None
    return {
        "CenterMm": [round(float(x), 3) for x in box.center_mm],
        "Axes": [[round(float(x), 6) for x in row] for row in box.axes],
        "SizeMm": [round(float(x), 3) for x in box.size_mm],
        "Space": "RAS",
    }
