"""Disc labels from a file: a label image, or points marked in Slicer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ..guard import naming

if TYPE_CHECKING:
    from ...morphometry import DiscLabel


@dataclass(frozen=True)
class MarkedPoint:
    """A point of Slicer's: its name, where it is (world RAS+, mm) and what is written about it."""

    label: str
    position_mm: tuple[float, float, float]
    description: str = ""


def read_discs(path: Path) -> list[DiscLabel]:
    """Discs from a NIfTI label image (SCT's values), or from Slicer's markups (``.mrk.json``,
    ``.json``, ``.fcsv``).

    Raises:
        InputError: the file cannot be read, or holds no usable discs.
    """
    from ...morphometry import discs_from_label_image, discs_from_points
    from ...volume import read_nifti

    with naming(path):
        if is_points_file(path):
            return discs_from_points(
                (point.label, point.position_mm) for point in read_points(path)
            )
        return discs_from_label_image(read_nifti(path))


def is_points_file(path: Path) -> bool:
    """True if the name is one of Slicer's point lists."""
    return path.name.lower().endswith((".json", ".fcsv"))


def read_points(path: Path) -> list[MarkedPoint]:
    """The placed points of a list of Slicer's.

    Raises:
        InputError: the file cannot be read, or is something else.
    """
    try:
        return _from_fcsv(path) if path.name.lower().endswith(".fcsv") else _from_markups_json(path)
    except FileNotFoundError as error:
        raise InputError(f"There is no file '{path}'. Check the name and the folder.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"'{path}' cannot be read. Save the disc labels again.") from error


def _from_markups_json(path: Path) -> list[MarkedPoint]:
    try:
        markups = json.loads(path.read_text(encoding="utf-8"))["markups"][0]
        to_ras = _to_ras(markups.get("coordinateSystem", "LPS"))
        return [
            MarkedPoint(
                str(point["label"]),
                to_ras(*map(float, point["position"])),
                str(point.get("description", "")),
            )
            for point in markups["controlPoints"]
            if point.get("positionStatus", "defined") == "defined"
        ]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(
            f"'{path}' is not a markups file of Slicer. Save the discs there as .mrk.json."
        ) from error


def _from_fcsv(path: Path) -> list[MarkedPoint]:
    """Slicer's older list format."""
    system, columns, points = "0", ["id", "x", "y", "z"], []
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
                position = _to_ras(system)(*(float(values[axis]) for axis in "xyz"))
                points.append(MarkedPoint(values["label"], position, values.get("desc", "")))
            except (KeyError, ValueError) as error:
                raise InputError(
                    f"'{path}' has a line that is no point: '{line}'. Save the discs in Slicer"
                    " again."
                ) from error
    return points


def _to_ras(system: str):
    """What turns coordinates of this system (RAS or LPS, in old files 0 or 1) into RAS."""
    sign = 1 if system.upper() in ("RAS", "0") else -1
    return lambda x, y, z: (sign * x, sign * y, z)
