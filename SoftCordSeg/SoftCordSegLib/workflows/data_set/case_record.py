"""The record of a measured image: what is known of it slice by slice, from which files and how;
written, and read again where contrasts and visits are compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...bids import contrast_of, read_sidecar
from ...provenance import generated_by

if TYPE_CHECKING:
    from ...morphometry import CordShape
    from ..csa_measure import Measured


def record_of(
    measured: Measured,
    key: str,
    *,
    inputs: Mapping[str, Any],
    choice: Mapping[str, Any],
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """In plain types.

    Args:
        measured: an image's mask.
        key: of the case.
        inputs: the files that it was measured from, of :func:`.case_inputs.noted`.
        choice: the options.
        notes: sentences beside those of the measurement.
    """
    from ...morphometry import to_json

    shape = measured.shape
    content = to_json(
        shape, measured.summary, measured.path.name, notes=(*measured.source_notes, *notes)
    )
    return {
        **content,
        "GeneratedBy": generated_by(),
        "Case": key,
        "Contrast": contrast_of(key.rpartition("/")[2]),
        "Grid": {"Shape": list(shape.grid.shape), "Affine": shape.grid.affine.tolist()},
        "LevelNotes": {str(level): list(found) for level, found in shape.level_notes.items()},
        "SliceNotes": {note: list(slices) for note, slices in shape.slice_notes.items()},
        "Inputs": dict(inputs),
        "Choice": dict(choice),
    }


def shape_of(path: Path) -> CordShape | None:
    """The shape of the cord that a record holds; None where it cannot be read."""
    try:
        return _shape(read_sidecar(path))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def measured_of(path: Path, name: Path) -> Measured | None:
    """What a record holds, one row a level where these are known; None where it cannot be read.

    Args:
        path: of the record.
        name: of the image.
    """
    from ...morphometry import aggregate
    from ..csa_measure import Measured

    shape = shape_of(path)
    if shape is None:
        return None
    return Measured(name, shape, aggregate(shape, per_level=shape.levels is not None))


def _shape(content: Mapping[str, Any]) -> CordShape:
    import numpy as np

    from ...morphometry import CordShape, MeasureOptions
    from ...volume import Grid

    slices, options = dict(content["Slices"]), content["Options"]
    numbers, levels, centres = (slices.pop(name) for name in ("Slice", "Level", "CentreMm"))
    grid = content["Grid"]
    return CordShape(
        np.array(numbers, int),
        {name: _numbers(column) for name, column in slices.items()},
        np.array([[math.nan] * 3 if one is None else one for one in centres], float),
        Grid(tuple(grid["Shape"]), np.array(grid["Affine"], float)),
        None,
        MeasureOptions(
            angle_correction=bool(options["AngleCorrection"]),
            rescaling=str(options["Rescaling"]),
            threshold=options["Threshold"],
            smooth=float(options["Smooth"]),
            tilt=str(options["Tilt"]),
        ),
        levels=None if levels is None else np.array([one or 0 for one in levels], int),
        slice_notes={str(k): tuple(v) for k, v in content["SliceNotes"].items()},
        level_notes={int(k): tuple(v) for k, v in content["LevelNotes"].items()},
    )


def _numbers(column: Sequence[float | None]) -> Any:
    import numpy as np

    return np.array([math.nan if one is None else one for one in column], float)
