"""The series in a folder of DICOM files, a file or a zip archive: found by their headers, never by
names.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import struct
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, OptionError
from ..progress import Progress
from ..zip_files import check_entries, check_wanted, copy_entry, zip_errors
from .dicom_packages import needing_dicom

MAX_ZIP_BYTES = 16 << 30
# Files of a folder that are looked at before it is said to hold no DICOM.
_MOST_LOOKED_AT = 2000
_NEVER_DICOM = (".nii", ".gz", ".json", ".tsv", ".csv", ".txt", ".md", ".bval", ".bvec", ".png")
_TAGS = (
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "SeriesNumber",
    "SeriesDescription",
    "Modality",
    "ImageType",
    "NumberOfFrames",
    "Rows",
    "ImageOrientationPatient",
    "PatientID",
)
# What pydicom raises on a file that is cut or corrupt.
_CORRUPT = (
    AttributeError,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)
_OUR_OBJECTS = {"SEG": "masks", "SR": "a report", "RWV": "a parametric map", "PR": "a view"}
# An image that shows the cord in three directions is there to plan the others.
_FEW_IMAGES = 30


@dataclass(frozen=True)
class DicomSeries:
    """A series of one scan.

    Attributes:
        uid: its SeriesInstanceUID.
        number: as the scanner counts it; 0 where it does not.
        modality: "MR", "CT", "SR", …
        description: the scanner's own, for the screen alone: it may name a patient.
        files: of its images.
        images: number of images, frames of multi-frame files counted.
        passed_over: why it is not segmented, as "a localiser"; "" where it can be.
    """

    uid: str
    number: int
    modality: str
    description: str
    files: tuple[Path, ...]
    images: int
    passed_over: str = ""

    @property
    def name(self) -> str:
        """What its results are named by: its number and eight digits of a hash of its UID; nothing
        of a patient.
        """
        mark = hashlib.sha256(self.uid.encode()).hexdigest()[:8]
        return f"series{self.number:03d}-{mark}"


class SeveralSeries(InputError):
    """One of several series is to be chosen.

    Attributes:
        series: those that can be segmented.
        others: those that are passed over.
    """

    def __init__(
        self, series: Sequence[DicomSeries], others: Sequence[DicomSeries], path: Path
    ) -> None:
        numbers = ", ".join(
            f"{one.number} ({_count(one.images)})" for one in sorted(series, key=_order)
        )
        super().__init__(
            f"There are {len(series)} series here: {numbers}.",
            path=path,
            hint="Choose one by its number, or by its UID where two have one number.",
        )
        self.series, self.others = tuple(series), tuple(others)


def is_dicom_file(path: Path) -> bool:
    """Whether a file begins as DICOM files do, with its preamble or without."""
    try:
        with open(path, "rb") as stream:
            begin = stream.read(132)
    except OSError:
        return False
    # Without a preamble, the first element is of group 8 or 2, little endian as everywhere today.
    bare = re.match(rb"[\x02\x08]\x00[\x00-\x60]\x00(UI|UL|CS|OB|[\x00-\x40]\x00\x00\x00)", begin)
    return begin[128:132] == b"DICM" or bare is not None


def is_dicom_source(path: Path) -> bool:
    """Whether a path leads to DICOM: a file, a folder with such files at any depth, or a zip
    archive.
    """
    if path.is_dir():
        candidates = (one for one, _ in zip(_files_in(path), range(_MOST_LOOKED_AT)))
        return any(map(is_dicom_file, candidates))
    if path.suffix.lower() == ".zip":
        return True
    return is_dicom_file(path)


@contextlib.contextmanager
def opened_source(path: Path, progress: Progress) -> Iterator[list[Path]]:
    """The files of a DICOM source; those of a zip archive are unpacked for the time of the block.

    Args:
        path: a folder, a file (with the others of its folder, to find the rest of its series), or
            a zip archive.
        progress: receives progress; checked for cancellation at every file.

    Raises:
        InputError: missing, or an archive that is corrupt or would write outside its folder.
        OutputError: no space to unpack.
        Cancelled: through ``progress``.
    """
    if not path.exists():
        raise InputError(
            "There is no such file or folder.", path=path, hint="Check the name and the folder."
        )
    if path.is_dir():
        yield list(_files_in(path))
    elif path.suffix.lower() == ".zip":
        with tempfile.TemporaryDirectory(prefix="softcord-") as folder:
            yield _unpacked(path, Path(folder), progress)
    else:
        yield [path, *(one for one in _files_in(path.parent, deep=False) if one != path)]


def series_among(files: Iterable[Path], progress: Progress) -> list[DicomSeries]:
    """The series that the files belong to, in the order of their numbers; other files are left
    aside.

    Raises:
        InputError: a package for DICOM is missing.
        Cancelled: through ``progress``.
    """
    files = list(files)
    headers: dict[str, list[tuple[Path, Any]]] = {}
    with needing_dicom():
        for number, file in enumerate(files):
            progress.check_cancelled()
            progress.report(number / len(files), "Reading the headers")
            header = read_header(file, _TAGS) if is_dicom_file(file) else None
            uid = str(getattr(header, "SeriesInstanceUID", "") or "")
            if header is not None and uid:
                headers.setdefault(uid, []).append((file, header))
    return sorted((_series_of(uid, found) for uid, found in headers.items()), key=_order)


def series_of_source(
    path: Path, files: Sequence[Path], choice: str | None, progress: Progress
) -> tuple[DicomSeries, list[DicomSeries]]:
    """The series that is to be segmented, and those that are passed over.

    Args:
        path: of the source, for sentences; a single file chooses its own series.
        files: of the source, by :func:`opened_source`.
        choice: number or UID of a series; None where there is one only.
        progress: as for :func:`series_among`.

    Raises:
        SeveralSeries: one is to be chosen.
        OptionError: there is no such series, or two of that number.
        InputError: no series that can be segmented.
    """
    found = series_among(files, progress)
    if path.is_file() and path.suffix.lower() != ".zip":
        found = [one for one in found if path in one.files]
    if choice is not None:
        found = _chosen(found, choice, path)
    good = [one for one in found if not one.passed_over]
    others = [one for one in found if one.passed_over]
    if len(good) > 1:
        raise SeveralSeries(good, others, path)
    if not good:
        raise _nothing(others, path)
    return good[0], others


def passed_over_sentences(series: Iterable[DicomSeries]) -> list[str]:
    """One sentence on each series that is not segmented."""
    return [
        f"Series {one.number} ({_count(one.images)}) is passed over: {one.passed_over}."
        for one in series
        if one.passed_over
    ]


def corrupt_file_errors() -> tuple[type[Exception], ...]:
    """What pydicom raises on a file that is cut or corrupt, also when an element is taken."""
    import pydicom

    errors = pydicom.errors
    return (errors.BytesLengthException, errors.InvalidDicomError, *_CORRUPT)


def read_header(file: Path, tags: Sequence[str] | None = None) -> Any:
    """The header of a file, without its pixels; None where it is no DICOM file or is corrupt.

    Within :func:`.dicom_packages.needing_dicom`.
    """
    import pydicom

    wanted: Any = None if tags is None else list(tags)
    try:
        header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=wanted, force=True)
        if tags is not None:
            for tag in header.keys():  # noqa: SIM118  pydicom decodes an element when it is taken
                header[tag]
        return header
    except corrupt_file_errors():
        return None


def _files_in(folder: Path, deep: bool = True) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if deep else []
        for name in sorted(names):
            if not name.lower().endswith(_NEVER_DICOM) and not name.startswith("."):
                yield Path(at, name)


def _unpacked(archive: Path, folder: Path, progress: Progress) -> list[Path]:
    """The files of an archive in a folder, under numbers: its names may be a patient's."""
    files = []
    with zip_errors(archive), zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
        check_entries(members, archive)
        wanted = [
            one
            for one in members
            if not one.is_dir() and not one.filename.lower().endswith(_NEVER_DICOM)
        ]
        check_wanted(wanted, archive, MAX_ZIP_BYTES)
        for number, member in enumerate(wanted):
            part = progress.part(number / len(wanted), (number + 1) / len(wanted))
            files.append(folder / f"{number:06d}.dcm")
            copy_entry(opened, member, files[-1], archive, part)
    return files


def _series_of(uid: str, found: Sequence[tuple[Path, Any]]) -> DicomSeries:
    first = found[0][1]
    images = sum(_frames(header) for _, header in found)
    modality = str(getattr(first, "Modality", "") or "")
    return DicomSeries(
        uid,
        _whole(getattr(first, "SeriesNumber", None)),
        modality,
        str(getattr(first, "SeriesDescription", "") or ""),
        tuple(file for file, _ in found),
        images,
        _why_passed_over(modality, [header for _, header in found], images),
    )


def _why_passed_over(modality: str, headers: Sequence[Any], images: int) -> str:
    if modality in _OUR_OBJECTS:
        return f"it is {_OUR_OBJECTS[modality]}, not an image"
    if not any(getattr(header, "Rows", None) for header in headers):
        return "it holds no image"
    if modality != "MR":
        return f"it is not MR but {re.sub('[^A-Z0-9]', '', modality)[:8] or 'of no known kind'}"
    if len({str(header.get("PatientID") or "") for header in headers}) > 1:
        return "its images are of several patients"
    kinds = {str(word).upper() for header in headers for word in header.get("ImageType") or ()}
    if "LOCALIZER" in kinds or "SCOUT" in kinds:
        return "it is a localiser"
    planes = {_plane_of(header) for header in headers} - {()}
    if len(planes) > 2 and images <= _FEW_IMAGES:
        return "it is a localiser, with images in several directions"
    return ""


def _plane_of(header: Any) -> tuple[float, ...]:
    """The direction of an image, roughly; () where the header does not say it."""
    try:
        return tuple(round(float(cosine), 1) for cosine in header.get("ImageOrientationPatient"))
    except (TypeError, ValueError):
        return ()


def _chosen(series: Sequence[DicomSeries], choice: str, path: Path) -> list[DicomSeries]:
    by_uid = [one for one in series if one.uid == choice]
    if by_uid:
        return by_uid
    by_number = [one for one in series if str(one.number) == (choice.lstrip("0") or "0")]
    if len(by_number) == 1:
        return by_number
    numbers = ", ".join(dict.fromkeys(str(one.number) for one in series)) or "none"
    raise OptionError(
        "Two series have this number." if by_number else "There is no such series here.",
        path=path,
        hint="Choose by the UID." if by_number else f"The numbers of the series are {numbers}.",
    )


def _nothing(others: Sequence[DicomSeries], path: Path) -> InputError:
    words = " ".join(passed_over_sentences(others))
    return InputError(
        words or "There is no DICOM image here that can be read.",
        path=path,
        hint="Give a series of MR images of the neck or the back.",
    )


def _frames(header: Any) -> int:
    return max(_whole(header.get("NumberOfFrames")), 1) if header.get("Rows") else 0


def _whole(value: Any) -> int:
    try:
        return max(int(value), 0)
    except (TypeError, ValueError):
        return 0


def _count(images: int) -> str:
    return f"{images} image{'' if images == 1 else 's'}"


def _order(series: DicomSeries) -> tuple[int, str]:
    return series.number, series.uid
