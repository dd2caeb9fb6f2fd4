"""Discs into a file: SCT's label image with a sidecar, or points for Slicer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ...provenance import generated_by
from ..discs.placed import PlacedDisc, sidecar_of
from ..guard import UsageProblem
from ..outputs import json_text, text_writer, write_together

if TYPE_CHECKING:
    from ...volume import Volume

# The version of the format, which Slicer looks for.
_SCHEMA = "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/markups-schema-v1.0.3.json#"


def check_kind(path: Path) -> None:
    """Refuse names of files that cannot hold discs.

    Raises:
        UsageProblem: neither NIfTI nor Slicer's points.
    """
    if not path.name.lower().endswith((".nii", ".nii.gz", ".mrk.json")):
        raise UsageProblem(
            "Discs are written as .nii.gz (label image) or .mrk.json (Slicer's points);"
            f" '{path.name}' is neither."
        )


def files_of(path: Path) -> list[Path]:
    """All files that :func:`write_discs` writes for an output of this name."""
    return [path] if path.name.lower().endswith(".json") else [path, sidecar_of(path)]


def write_discs(
    path: Path, discs: Sequence[PlacedDisc], image: Volume, about: dict[str, Any]
) -> tuple[str, ...]:
    """Write the discs, in the manner that the name asks for.

    Args:
        path: ``.mrk.json``, ``.nii`` or ``.nii.gz``.
        discs: from above to below.
        image: whose grid a label image gets.
        about: for the sidecar of a label image.

    Returns:
        Sentences on discs that a label image cannot hold.

    Raises:
        InputError: none of the discs is inside the image.
        OutputError: the folder is not writable or the disk is full; nothing was written then.
    """
    from ...morphometry import discs_to_label_image
    from ...volume import write_nifti

    if path.name.lower().endswith(".json"):
        write_together({path: text_writer(json_text(_markups(discs)))})
        return ()
    labels, notes = discs_to_label_image([disc.label for disc in discs], image)
    held = _as_held(discs, labels)
    if not held:
        raise InputError(
            "None of the discs is inside the image, so that a label image cannot hold them. Write"
            " .mrk.json instead."
        )
    content = {"GeneratedBy": generated_by(), **about, "Discs": [disc.as_json() for disc in held]}
    writers: dict[Path, Callable[[Path], object]] = {
        path: lambda temporary: write_nifti(labels, temporary)
    }
    write_together({**writers, sidecar_of(path): text_writer(json_text(content))})
    return notes


def _as_held(discs: Sequence[PlacedDisc], labels: Volume) -> list[PlacedDisc]:
    """The discs that the label image has, at the voxels it has them."""
    import numpy as np

    from ...morphometry import DiscLabel

    held = []
    for disc in discs:
        voxels = np.argwhere(labels.data == disc.label.value)
        if len(voxels):
            position = tuple(float(x) for x in labels.grid.to_world(voxels[0]))
            held.append(
                PlacedDisc(DiscLabel(disc.label.value, position), disc.source, disc.confidence)
            )
    return held


def _markups(discs: Sequence[PlacedDisc]) -> dict[str, Any]:
    return {
        "@schema": _SCHEMA,
        "markups": [
            {
                "type": "Fiducial",
                "coordinateSystem": "LPS",
                "coordinateUnits": "mm",
                "controlPoints": [
                    {
                        "id": str(number),
                        "label": disc.label.name,
                        "description": disc.remark,
                        "position": [
                            -disc.label.position_mm[0],
                            -disc.label.position_mm[1],
                            disc.label.position_mm[2],
                        ],
                        "positionStatus": "defined",
                    }
                    for number, disc in enumerate(discs, start=1)
                ],
            }
        ],
    }
