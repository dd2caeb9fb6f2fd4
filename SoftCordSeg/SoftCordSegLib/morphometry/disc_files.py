"""Disc labels from files and into files: a label image with SCT's values, or Slicer's points.

A file of ours says of each disc whether it was known or found, where, and how surely, so that a
point that somebody moved, renamed or added later can be told from one that was left where the
program found it.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bids import sidecar_path
from ..errors import InputError, OptionError, naming_file
from ..files import json_text, text_of, text_writer, write_together
from ..provenance import generated_by
from ..structured_text import read_json
from .discs import (
    DiscLabel,
    discs_from_label_image,
    discs_from_points,
    discs_to_label_image,
    found_remark,
    is_unmoved,
    parse_found_remark,
)

if TYPE_CHECKING:
    from ..volume import Volume

KNOWN, FOUND, CARRIED = "known", "found", "carried over"
# Values from here on are not discs (49 pontomedullary groove, 50 pontomedullary junction, 60
# conus).
FIRST_LANDMARK = 49
_BRAINSTEM = (49, 50)
# What :func:`~.found_remark` ends with.
_CONFIDENCE = re.compile(r"with confidence (\d\.\d+)")
_UNITS_MM = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "um": 1e-3, "µm": 1e-3}
# The version of the format, which Slicer looks for.
_SCHEMA = "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/markups-schema-v1.0.3.json#"


@dataclass(frozen=True)
class MarkedPoint:
    """A point of Slicer's: its name, its position (world RAS+, mm) and its description."""

    label: str
    position_mm: tuple[float, float, float]
    description: str = ""


@dataclass(frozen=True)
class LocatedDisc:
    """A disc with what is known about it.

    Attributes:
        label: value and position.
        source: ``KNOWN``, ``FOUND`` or ``CARRIED``.
        confidence: 0 to 1; 1 for one that is not found.
    """

    label: DiscLabel
    source: str
    confidence: float = 1.0

    def as_json(self) -> dict[str, Any]:
        """In plain types; positions world RAS+, mm."""
        return {
            "Value": self.label.value,
            "Name": self.label.name,
            "PositionMm": [round(float(x), 3) for x in self.label.position_mm],
            "Source": self.source,
            "Confidence": round(self.confidence, 3),
        }

    @property
    def remark(self) -> str:
        """The same in words, for the description of a point."""
        return found_remark(self.label, self.confidence) if self.source == FOUND else self.source


def located_disc(disc: DiscLabel, remark: str) -> LocatedDisc:
    """A disc with what the description of its point says: found there, or else known."""
    found = parse_found_remark(remark)
    confidence = _CONFIDENCE.search(remark)
    if found is None or confidence is None or not is_unmoved(disc, *found):
        return LocatedDisc(disc, KNOWN)
    return LocatedDisc(disc, FOUND, float(confidence[1]))


def is_landmark(disc: DiscLabel) -> bool:
    """Whether a label is not a disc but, for example, the pontomedullary junction."""
    return disc.value >= FIRST_LANDMARK


def from_above(discs: Iterable[LocatedDisc]) -> tuple[LocatedDisc, ...]:
    """In order from above to below; the landmarks of the brainstem lie above C1."""
    return tuple(
        sorted(
            discs,
            key=lambda disc: disc.label.value - 100 * (disc.label.value in _BRAINSTEM),
        )
    )


# --- Reading ---


def read_discs(path: Path) -> list[DiscLabel]:
    """Discs from a NIfTI label image (SCT's values), or from Slicer's markups (``.mrk.json``,
    ``.json``, ``.fcsv``).

    Raises:
        InputError: the file cannot be read, or holds no usable discs.
    """
    from ..volume import read_nifti

    with naming_file(path):
        if is_points_file(path):
            return discs_from_points(
                (point.label, point.position_mm) for point in read_points(path)
            )
        return discs_from_label_image(read_nifti(path))


def read_remarks(path: Path) -> dict[int, str]:
    """Disc value -> description of its point, where there is one; of a label image those that its
    sidecar tells to be found.

    Raises:
        InputError: as :func:`read_discs`.
    """
    if is_points_file(path):
        remarks = (point.description for point in read_points(path))
        return {disc.value: remark for disc, remark in zip(read_discs(path), remarks) if remark}
    return {
        disc.value: found_remark(DiscLabel(disc.value, position), confidence)
        for disc in read_discs(path)
        for name, position, confidence in _found_in_sidecar(path)
        if disc.name == name
    }


def is_points_file(path: Path) -> bool:
    """True if the name is one of Slicer's point lists."""
    return path.name.lower().endswith((".json", ".fcsv"))


def read_points(path: Path) -> list[MarkedPoint]:
    """The placed points of a list of Slicer's.

    Raises:
        InputError: the file cannot be read, or is something else.
    """
    try:
        with naming_file(path):
            is_fcsv = path.name.lower().endswith(".fcsv")
            return _from_fcsv(path) if is_fcsv else _from_markups_json(path)
    except FileNotFoundError as error:
        raise InputError(
            "There is no file of this name.", path=path, hint="Check the name and the folder."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "The file cannot be read.", path=path, hint="Save the disc labels again."
        ) from error


def changed_and_left(path: Path) -> tuple[list[DiscLabel], list[DiscLabel]]:
    """The discs of a file of ours after somebody worked on it.

    Returns:
        The discs that somebody placed: known from the first, added, moved or renamed; and those
        left where they were found.

    Raises:
        InputError: as :func:`read_discs`.
    """
    discs, found = read_discs(path), _found_before(path)
    left = [disc for disc in discs if any(is_unmoved(disc, *one) for one in found)]
    return [disc for disc in discs if disc not in left], left


def _found_before(path: Path) -> list[tuple[str, tuple[float, float, float]]]:
    """(name, position) of each disc that the program found, as the file says."""
    if is_points_file(path):
        remarks = (parse_found_remark(point.description) for point in read_points(path))
        return [found for found in remarks if found is not None]
    return [(name, position) for name, position, _confidence in _found_in_sidecar(path)]


def _found_in_sidecar(path: Path) -> list[tuple[str, tuple[float, float, float], float]]:
    """(name, position, confidence) of each disc of a label image that the program found."""
    sidecar = sidecar_path(path)
    if not sidecar.exists():
        return []
    try:
        discs = read_json(sidecar).get("Discs", [])
        return [
            (disc["Name"], tuple(disc["PositionMm"]), float(disc["Confidence"]))
            for disc in discs
            if disc["Source"] == FOUND
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "The file cannot be read.",
            path=sidecar,
            hint=f"Delete it to take all discs of '{path.name}' as known.",
        ) from error


def _from_markups_json(path: Path) -> list[MarkedPoint]:
    """The points of all lists of the file; lines, curves and the like have none that are discs."""
    try:
        markups = read_json(path)["markups"]
        lists = [one for one in markups if one.get("type", "Fiducial") == "Fiducial"]
        places = [(one, point) for one in lists for point in one["controlPoints"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            "This is not a markups file of Slicer.",
            path=path,
            hint="Save the discs in Slicer as .mrk.json.",
        ) from error
    if not lists:
        raise InputError(
            "The file has no list of points.",
            path=path,
            hint="Mark the discs in Slicer with a list of points, and save that.",
        )
    frames = {
        id(one): (
            _to_ras(str(one.get("coordinateSystem", "LPS"))),
            _to_mm(one.get("coordinateUnits", "mm")),
        )
        for one in lists
    }
    points = []
    for number, (one, point) in enumerate(places, start=1):
        if not isinstance(point, dict):
            raise _no_point(f"Point {number}")
        if point.get("positionStatus", "defined") == "defined":
            to_ras, to_mm = frames[id(one)]
            name = str(point.get("label", ""))
            position = _position(point.get("position"), f"Point {number} ('{name}')")
            points.append(
                MarkedPoint(
                    name,
                    to_ras(*(to_mm * x for x in position)),
                    str(point.get("description", "")),
                )
            )
    return points


def _from_fcsv(path: Path) -> list[MarkedPoint]:
    """Slicer's older list format."""
    system, columns, points = "0", ["id", "x", "y", "z"], []
    for number, line in enumerate(text_of(path).splitlines(), start=1):
        if line.startswith("#"):
            key, _, value = line[1:].partition("=")
            if key.strip() == "CoordinateSystem":
                system = value.strip()
            elif key.strip() == "columns":
                columns = [name.strip() for name in value.split(",")]
        elif line.strip():
            (cells,) = csv.reader([line], skipinitialspace=True)
            values = dict(zip(columns, cells))
            what = f"Line {number}, '{line}',"
            if "label" not in values:
                raise _no_point(what)
            position = _position([values.get(axis) for axis in "xyz"], what)
            point = MarkedPoint(values["label"], position, values.get("desc", ""))
            points.append(replace(point, position_mm=_to_ras(system)(*position)))
    return points


def _position(values: Any, what: str) -> tuple[float, float, float]:
    """Three numbers; ``what`` they are of, for the error."""
    try:
        x, y, z = map(float, values)
    except (TypeError, ValueError) as error:
        raise _no_point(what) from error
    if not all(map(math.isfinite, (x, y, z))):
        raise _no_point(what)
    return x, y, z


def _no_point(what: str) -> InputError:
    return InputError(
        f"{what} is not a point: it has no label, or no position of three numbers.",
        hint="Place the point again in Slicer, or remove it, and save the discs.",
    )


def _to_ras(system: str) -> Callable[[float, float, float], tuple[float, float, float]]:
    """What turns coordinates of this system (RAS or LPS, in old files 0 or 1) into RAS."""
    signs = {"RAS": 1, "0": 1, "LPS": -1, "1": -1}
    sign = signs.get(system.upper())
    if sign is None:
        raise InputError(
            f"The points are in the coordinate system '{system}', and not in RAS or LPS.",
            hint="Save the discs in Slicer again.",
        )
    return lambda x, y, z: (sign * x, sign * y, z)


def _to_mm(units: Any) -> float:
    """By what coordinates in these units are multiplied: "cm", or one for each axis in UCUM's
    brackets.
    """
    names = {str(unit).strip("[] ") for unit in (units if isinstance(units, list) else [units])}
    (name,) = names if len(names) == 1 else (", ".join(sorted(names)),)
    if name not in _UNITS_MM:
        raise InputError(
            f"The points are in the unit '{name}', which is not a known one.",
            hint=f"Save them in mm; {', '.join(_UNITS_MM)} are understood.",
        )
    return _UNITS_MM[name]


# --- Writing ---


def check_disc_file_name(path: Path) -> None:
    """Refuse names of files that cannot hold discs.

    Raises:
        OptionError: neither NIfTI nor Slicer's points.
    """
    if not path.name.lower().endswith((".nii", ".nii.gz", ".mrk.json")):
        raise OptionError(
            "Discs cannot be written in this format.",
            path=path,
            hint="Give a name that ends in .nii.gz (label image) or .mrk.json (Slicer's points).",
        )


def disc_files_of(path: Path) -> list[Path]:
    """All files that :func:`write_discs` writes for an output of this name."""
    return [path] if path.name.lower().endswith(".json") else [path, sidecar_path(path)]


def write_discs(
    path: Path, discs: Sequence[LocatedDisc], image: Volume, about: dict[str, Any]
) -> tuple[str, ...]:
    """Write the discs, in the format that the name tells.

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
    writers, notes = disc_writers(path, discs, image, about)
    write_together(writers)
    return notes


def disc_writers(
    path: Path, discs: Sequence[LocatedDisc], image: Volume, about: dict[str, Any]
) -> tuple[dict[Path, Callable[[Path], object]], tuple[str, ...]]:
    """For each file of :func:`write_discs` a function that writes it, and the sentences."""
    from ..volume import write_nifti

    if path.name.lower().endswith(".json"):
        return {path: text_writer(json_text(_markups(discs)))}, ()
    labels, notes = discs_to_label_image([disc.label for disc in discs], image)
    held = _as_held(discs, labels)
    if not held:
        raise InputError(
            "None of the discs is inside the image, so that a label image cannot hold them.",
            hint="Write Slicer's points (.mrk.json) instead.",
        )
    content = {"GeneratedBy": generated_by(), **about, "Discs": [disc.as_json() for disc in held]}
    return {
        path: lambda temporary: write_nifti(labels, temporary),
        sidecar_path(path): text_writer(json_text(content)),
    }, notes


def _as_held(discs: Sequence[LocatedDisc], labels: Volume) -> list[LocatedDisc]:
    """The discs that the label image has, at the voxels it has them."""
    import numpy as np

    held = []
    for disc in discs:
        voxels = np.argwhere(labels.data == disc.label.value)
        if len(voxels):
            r, a, s = (float(x) for x in labels.grid.to_world(voxels[0]))
            label = DiscLabel(disc.label.value, (r, a, s))
            held.append(LocatedDisc(label, disc.source, disc.confidence))
    return held


def _markups(discs: Sequence[LocatedDisc]) -> dict[str, Any]:
    points = []
    for number, disc in enumerate(discs, start=1):
        r, a, s = disc.label.position_mm
        points.append(
            {
                "id": str(number),
                "label": disc.label.name,
                "description": disc.remark,
                "position": [-r, -a, s],
                "positionStatus": "defined",
            }
        )
    markups = {
        "type": "Fiducial",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "controlPoints": points,
    }
    return {"@schema": _SCHEMA, "markups": [markups]}
