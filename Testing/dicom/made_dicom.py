"""Volumes written as the DICOM series of a scanner: single-frame and enhanced, with a canary in
every text of the header.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian

from SoftCordSegLib.volume import Volume

MR, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1"
CANARY = "Canary"
PATIENT = f"{CANARY}PATIENT"
# Texts that say who somebody is, or that somebody may have typed a name into.
NAMES = {
    "PatientName": f"{CANARY}^NAME",
    "PatientID": PATIENT,
    "IssuerOfPatientID": f"{CANARY}ISSUER",
    "OtherPatientIDs": f"{CANARY}OTHER",
    "PatientComments": f"{CANARY} COMMENT",
    "PatientAddress": f"{CANARY} ADDRESS",
    "AdditionalPatientHistory": f"{CANARY} HISTORY",
    "EthnicGroup": f"{CANARY}ETHNIC",
    "ReferringPhysicianName": f"{CANARY}^REFERRING",
    "PerformingPhysicianName": f"{CANARY}^PERFORMING",
    "OperatorsName": f"{CANARY}^OPERATOR",
    "InstitutionName": f"{CANARY} INSTITUTION",
    "InstitutionAddress": f"{CANARY} INSTADDR",
    "StationName": f"{CANARY}STATION",
    "AccessionNumber": f"{CANARY}ACC",
    "StudyID": f"{CANARY}STUDY",
    "StudyDescription": f"{CANARY} STUDYDESC",
    "SeriesDescription": f"{CANARY} SERIESDESC",
    "ProtocolName": f"{CANARY} PROTOCOL",
    "RequestedProcedureDescription": f"{CANARY} REQUESTED",
    "ImageComments": f"{CANARY} IMAGECOMMENT",
    "DeviceSerialNumber": f"{CANARY}SERIAL",
    "SequenceName": f"{CANARY}SEQ",
}
BIRTH = "19010203"


def every_text() -> dict[str, str]:
    """A canary in every field that may hold a text, of all modules of an MR image (PS3.3 A.4)."""
    from highdicom._standard_utils import get_iod_module_map, get_module_attribute_map

    attributes = get_module_attribute_map()
    keywords = {
        item["keyword"]
        for module in get_iod_module_map()["mr-image"]
        for item in attributes[module["key"]]
        if not item["path"] and pydicom.datadict.tag_for_keyword(item["keyword"]) is not None
    }
    kinds = {keyword: pydicom.datadict.dictionary_VR(keyword) for keyword in keywords}
    return {
        keyword: f"{CANARY}{number}"
        for number, (keyword, kind) in enumerate(sorted(kinds.items()))
        if kind in ("LO", "LT", "PN", "SH", "ST", "UC", "UT") and keyword != "Manufacturer"
    }


def uid(*parts) -> str:
    """The same for the same parts."""
    return str(pydicom.uid.generate_uid(entropy_srcs=[str(part) for part in parts]))


def write_series(
    volume: Volume,
    folder: Path,
    *,
    number: int = 3,
    study: str = "study",
    echoes: tuple[float, ...] = (0.01,),
    reverse: bool = False,
    enhanced: bool = False,
    **more,
) -> list[Path]:
    """A volume, whose axes are columns, rows and slices of the images.

    Args:
        volume: values are rounded and stored in 16 bits.
        folder: of the files.
        number: of the series.
        study: visits of a patient have different ones.
        echoes: times in s; the second echo has 0.8 of the values of the first, and so on.
        reverse: count the images from the other end.
        enhanced: one multi-frame file.
        more: further elements of the header, or other values of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if enhanced:
        return [_write_enhanced(volume, folder / "IM0", number, study, more)]
    files = []
    order = range(volume.shape[2])
    for k, place in enumerate(reversed(order) if reverse else order):
        for at, echo in enumerate(echoes):
            instance = k * len(echoes) + at + 1
            header = _header(volume, number, study, instance, MR, more)
            header.EchoTime, header.EchoNumbers = 1000 * echo, at + 1
            header.ImagePositionPatient = _numbers(_position(volume, place))
            header.ImageOrientationPatient = _numbers(_cosines(volume))
            header.PixelSpacing = _numbers(volume.spacing[[1, 0]])
            header.SliceThickness = header.SpacingBetweenSlices = _numbers(volume.spacing[2:])[0]
            header.SliceLocation = float(place)
            _pixels(header, volume.data[:, :, place] * 0.8**at)
            files.append(folder / f"IM{instance:04d}")
            _save(header, files[-1])
    return files


def _write_enhanced(volume: Volume, path: Path, number: int, study: str, more: dict) -> Path:
    header = _header(volume, number, study, 1, ENHANCED_MR, more)
    header.NumberOfFrames = volume.shape[2]
    orientation, measures, echo, transform = (Dataset() for _ in range(4))
    orientation.ImageOrientationPatient = _numbers(_cosines(volume))
    measures.PixelSpacing = _numbers(volume.spacing[[1, 0]])
    measures.SliceThickness = measures.SpacingBetweenSlices = _numbers(volume.spacing[2:])[0]
    echo.EffectiveEchoTime = 10.0
    transform.RescaleSlope, transform.RescaleIntercept, transform.RescaleType = 1, 0, "US"
    shared = Dataset()
    shared.PlaneOrientationSequence = Sequence([orientation])
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.MREchoSequence = Sequence([echo])
    shared.PixelValueTransformationSequence = Sequence([transform])
    header.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for k in range(volume.shape[2]):
        plane, content = Dataset(), Dataset()
        plane.ImagePositionPatient = _numbers(_position(volume, k))
        content.StackID, content.InStackPositionNumber = "1", k + 1
        content.TemporalPositionIndex = 1
        content.DimensionIndexValues = [1, k + 1]
        frame = Dataset()
        frame.PlanePositionSequence = Sequence([plane])
        frame.FrameContentSequence = Sequence([content])
        frames.append(frame)
    header.PerFrameFunctionalGroupsSequence = Sequence(frames)
    organisation = Dataset()
    organisation.DimensionOrganizationUID = uid("organisation")
    header.DimensionOrganizationSequence = Sequence([organisation])
    pointers = []
    for keyword in ("StackID", "InStackPositionNumber"):
        pointer = Dataset()
        pointer.DimensionOrganizationUID = uid("organisation")
        pointer.DimensionIndexPointer = pydicom.datadict.tag_for_keyword(keyword)
        pointer.FunctionalGroupPointer = pydicom.datadict.tag_for_keyword("FrameContentSequence")
        pointers.append(pointer)
    header.DimensionIndexSequence = Sequence(pointers)
    _pixels(header, volume.data)
    _save(header, path)
    return path


def _header(
    volume: Volume, number: int, study: str, instance: int, kind: str, more: dict
) -> Dataset:
    header = Dataset()
    header.SOPClassUID, header.SOPInstanceUID = kind, uid(study, number, instance)
    header.StudyInstanceUID, header.SeriesInstanceUID = uid(study), uid(study, number)
    header.FrameOfReferenceUID = uid(study, "frame")
    header.Modality, header.Manufacturer = "MR", "SIEMENS"
    header.ManufacturerModelName, header.SoftwareVersions = "Prisma", "syngo MR E11"
    header.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    header.SeriesNumber, header.InstanceNumber, header.AcquisitionNumber = number, instance, 1
    header.StudyDate = header.SeriesDate = header.ContentDate = header.AcquisitionDate = "20260102"
    header.StudyTime = header.SeriesTime = header.ContentTime = header.AcquisitionTime = "120000"
    header.PatientBirthDate, header.PatientSex, header.PatientAge = BIRTH, "F", "125Y"
    header.PatientPosition, header.BodyPartExamined = "HFS", "CSPINE"
    header.RepetitionTime, header.FlipAngle, header.MagneticFieldStrength = 1500.0, 120.0, 3.0
    header.ScanningSequence, header.SequenceVariant, header.MRAcquisitionType = "SE", "SK", "3D"
    header.PositionReferenceIndicator, header.Laterality = "", ""
    for name, value in {**NAMES, **more}.items():
        setattr(header, name, value)
    return header


def _pixels(header: Dataset, data: np.ndarray) -> None:
    header.Columns, header.Rows = data.shape[:2]
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit = 16, 16, 15
    header.PixelRepresentation = 0
    header.PixelData = np.rint(np.clip(data, 0, 65535)).astype("<u2").T.tobytes()


def _save(header: Dataset, path: Path) -> None:
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.file_meta.MediaStorageSOPClassUID = UID(header.SOPClassUID)
    header.file_meta.MediaStorageSOPInstanceUID = UID(header.SOPInstanceUID)
    pydicom.dcmwrite(path, header, enforce_file_format=True)


def _lps(volume: Volume) -> np.ndarray:
    return np.diag([-1.0, -1, 1, 1]) @ volume.affine


def _cosines(volume: Volume) -> np.ndarray:
    axes = _lps(volume)[:3, :2]
    return (axes / np.linalg.norm(axes, axis=0)).T.reshape(6)


def _position(volume: Volume, k: int) -> np.ndarray:
    return _lps(volume)[:3] @ (0, 0, k, 1)


def _numbers(values) -> list[str]:
    return [f"{value:.10g}"[:16] for value in values]
