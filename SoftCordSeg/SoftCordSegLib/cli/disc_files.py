"""Disc labels from a file: a label image, or points marked in Slicer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from ..morphometry import DiscLabel


def read_discs(path: Path) -> list[DiscLabel]:
    """Discs from a NIfTI label image (SCT's values), or from Slicer's markups (``.mrk.json``, ``.json``, ``.fcsv``).

    Raises:
        InputError: the file cannot be read, or holds no usable discs.
    """
    from ..morphometry import discs_from_label_image, discs_from_points
    from ..volume import read_nifti

    name = path.name.lower()
    try:
        if name.endswith(".json"):
            return discs_from_points(_from_markups_json(path))
        if name.endswith(".fcsv"):
            return discs_from_points(_from_fcsv(path))
        return discs_from_label_image(read_nifti(path))
    except InputError as error:
        if path.name in str(error):
            raise
        raise InputError(f"In the disc labels '{path}': {error}") from error
    except FileNotFoundError as error:
        raise InputError(f"There is no file '{path}'. Check the name and the folder.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"'{path}' cannot be read. Save the disc labels again.") from error


def _from_markups_json(path: Path) -> list[tuple[str, tuple[float, float, float]]]:
    """(label, position RAS mm) of the points of Slicer's markups file that are placed."""
    try:
        markups = json.loads(path.read_text(encoding="utf-8"))["markups"][0]
        points = [point for point in markups["controlPoints"] if point.get("positionStatus", "defined") == "defined"]
        labelled = [(str(point["label"]), tuple(float(x) for x in point["position"])) for point in points]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(f"'{path}' is not a markups file of Slicer. Save the discs there as .mrk.json.") from error
    return _to_ras(labelled, markups.get("coordinateSystem", "LPS"))


def _from_fcsv(path: Path) -> list[tuple[str, tuple[float, float, float]]]:
    """(label, position RAS mm) of the points of Slicer's older list format."""
    system, columns, labelled = "0", ["id", "x", "y", "z"], []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            key, _, value = line[1:].partition("=")
            if key.strip() == "CoordinateSystem":
                system = value.strip()
            elif key.strip() == "columns":
                columns = [name.strip() for name in value.split(",")]
        elif line.strip():
            values = dict(zip(columns, line.split(",")))
            try:
                labelled.append((values["label"], tuple(float(values[axis]) for axis in "xyz")))
            except (KeyError, ValueError) as error:
                raise InputError(f"'{path}' has a line that is no point: '{line}'. Save the discs in Slicer again.") from error
    return _to_ras(labelled, "RAS" if system in ("0", "RAS") else "LPS")


def _to_ras(points: list, system: str) -> list:
    if system.upper() in ("RAS", "0"):
        return points
    return [(label, (-x, -y, z)) for label, (x, y, z) in points]
