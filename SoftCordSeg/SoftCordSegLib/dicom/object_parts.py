"""What all objects that we write have in common: who made them, whose they are, and the cord's
codes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..provenance import CODE_URL
from .dicom_geometry import SourceSlices

MAKER = "SoftCordSeg"
SEGMENT_LABEL = "Spinal cord"
# What the patient, study and image modules of the objects require, and what says which frame was
# segmented.  Whatever else a header holds (comments, addresses, operators, protocols) is left.
_REQUIRED_EMPTY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_COPIED = (
    "SpecificCharacterSet",
    "IssuerOfPatientID",
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SeriesNumber",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
    "Modality",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "ImageType",
    "DimensionOrganizationSequence",
    "DimensionIndexSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)
_USUAL = {
    "PatientBirthDate": re.compile(r"\d{8}"),
    "PatientSex": re.compile(r"[MFO]"),
    "StudyDate": re.compile(r"\d{8}"),
    "StudyTime": re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?"),
}
_GROUPS = (
    "PixelMeasuresSequence",
    "PlaneOrientationSequence",
    "PlanePositionSequence",
    "FrameContentSequence",
)
_FRAME_CONTENT = ("DimensionIndexValues", "StackID", "InStackPositionNumber")


@dataclass(frozen=True)
class MadeBy:
    """How a mask was made.

    Attributes:
        version: of the software.
        model: its name and version; "" where no model took part.
        sha256: of the model's weights, by file, as one text.
        corrected: somebody corrected or drew it.
    """

    version: str
    model: str = ""
    sha256: str = ""
    corrected: bool = False

    @property
    def algorithm_type(self) -> str:
        """In DICOM's words."""
        if not self.model:
            return "MANUAL"
        return "SEMIAUTOMATIC" if self.corrected else "AUTOMATIC"


def required_header(image: Any) -> Any:
    """A copy of the header of an image with what the objects require, and no more."""
    from pydicom.dataset import Dataset

    kept = Dataset()
    kept.file_meta = image.file_meta
    for keyword in _COPIED:
        if keyword in image:
            kept[keyword] = image[keyword]
    if "SpecificCharacterSet" in kept and not isinstance(kept.SpecificCharacterSet, str):
        # Several, as for Japanese names: highdicom takes one, and UTF-8 has the letters of all.
        kept.SpecificCharacterSet = "ISO_IR 192"
    for keyword in _REQUIRED_EMPTY:
        value = str(image.get(keyword) or "")
        usual = _USUAL.get(keyword)
        # All of these may be empty; what is no date or time at all cannot be written.
        setattr(kept, keyword, value if usual is None or usual.fullmatch(value) else "")
    for name in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        if name in kept:
            setattr(kept, name, [_bare_groups(groups) for groups in image[name].value])
    return kept


def _bare_groups(groups: Any) -> Any:
    from pydicom.dataset import Dataset

    bare = Dataset()
    for name in _GROUPS:
        if not groups.get(name):
            continue
        if name == "FrameContentSequence":
            content = Dataset()
            for keyword in _FRAME_CONTENT:
                if keyword in groups[name][0]:
                    content[keyword] = groups[name][0][keyword]
            setattr(bare, name, [content])
        else:
            bare[name] = groups[name]
    return bare


def series_number(image: Any, offset: int) -> int:
    """The number of a series that we write: of those made from series 5 they are 501, 502, …

    Args:
        image: header of an image of the source.
        offset: 1 to 99.
    """
    number = image.get("SeriesNumber")
    return 100 * (int(number) if number is not None and 0 < int(number) < 10**6 else 90) + offset


def equipment(made_by: MadeBy) -> dict[str, Any]:
    """Of the equipment module of each object."""
    return {
        "manufacturer": MAKER,
        "manufacturer_model_name": MAKER,
        "software_versions": made_by.version,
        "device_serial_number": made_by.version,
    }


def algorithm(made_by: MadeBy) -> Any:
    """The algorithm identification of a segment; None where no model took part."""
    import highdicom
    from pydicom.sr.codedict import codes

    if not made_by.model:
        return None
    return highdicom.AlgorithmIdentificationSequence(
        name=MAKER,
        family=codes.DCM.ArtificialIntelligence,
        version=made_by.version,
        source=CODE_URL,
        parameters={"model": made_by.model, "sha256": made_by.sha256},
    )


def cord_codes() -> tuple[Any, Any]:
    """Category and type of the segment, as the panel has them (SNOMED CT)."""
    from pydicom.sr.coding import Code

    return (
        Code("123037004", "SCT", "Anatomical Structure"),
        Code("2748008", "SCT", "Spinal cord"),
    )


def as_frames(frames: np.ndarray, slices: SourceSlices) -> Any:
    """highdicom's volume of frames (slices, rows, columns): values and their geometry."""
    import highdicom

    affine = np.eye(4)
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ slices.grid.affine
    affine[:, 0], affine[:, 1], affine[:, 2], affine[:, 3] = (lps[:, n] for n in (2, 1, 0, 3))
    return highdicom.Volume(
        frames,
        affine,
        coordinate_system="PATIENT",
        frame_of_reference_uid=str(slices.images[0].FrameOfReferenceUID),
    )


def cord_tracking(image: Any, what: str) -> tuple[str, str]:
    """The tracking identifier and UID of a thing in a patient: the same at every visit.

    The UID is that of RFC 4122, version 5, of the patient's identifier; of a patient without one,
    of the study, so that two such patients are never taken for one.

    Args:
        image: header of an image of the patient.
        what: as "Spinal cord C3".
    """
    import uuid

    patient = str(image.get("PatientID") or "").strip()
    issuer = str(image.get("IssuerOfPatientID") or "").strip()
    whose = f"{issuer}\0{patient}" if patient else f"study\0{image.StudyInstanceUID}"
    number = uuid.uuid5(uuid.NAMESPACE_URL, f"{CODE_URL}\0{whose}\0{what}").int
    return what, f"2.25.{number}"
