"""Where a mask in the scene came from: kept with its node, so that the sidecar can say it after the
scene was saved and opened.
"""

from __future__ import annotations

import json

from ..provenance import box_of, generated_by, model_of, now

_ATTRIBUTE = "SoftCordSeg.Run"


def remember_run(soft, request, mask) -> None:
    """Keep with a soft mask node how it was made.

    Args:
        soft: the soft mask's node.
        request: ``engine.Request``.
        mask: ``SoftMask``.
    """
    record = {
        "GeneratedBy": generated_by(),
        "Model": _model(request.model),
        "Device": request.device,
        "Found": mask.found,
        "Message": mask.message,
        "Notes": list(mask.notes),
        "Box": box_of(mask.box),
        "BoxGivenByUser": request.box is not None,
        "Date": now(),
    }
    # MRML files separate attributes by semicolons and colons; hexadecimal has neither.
    soft.SetAttribute(_ATTRIBUTE, json.dumps(record).encode("utf-8").hex())


def run_of(soft) -> dict | None:
    """How a soft mask was made; None where that is not known, for example of a mask from
    elsewhere.
    """
    text = soft.GetAttribute(_ATTRIBUTE)
    return json.loads(bytes.fromhex(text).decode("utf-8")) if text else None


def _model(folder) -> dict | None:
    from ..errors import ModelError
    from ..network import load_bundle, shipped_bundles

    folders = [folder] if folder is not None else shipped_bundles()
    if not folders:
        return None
    try:
        return model_of(load_bundle(folders[0]))
    except ModelError:
        return None  # moved away since the run
