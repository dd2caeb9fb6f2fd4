"""What in a BIDS data set says who somebody is: names, birth dates and identifiers in sidecars,
tables and headers of images.

Values are never repeated, only where they stand.  What BIDS itself recommends (institution,
station, sex, age) is no finding.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...progress import Progress

# Keys of sidecars (dcm2niix without its option for anonymous sidecars; DICOM PS3.15, table E.1-1),
# and columns of tables.
_NAMING = re.compile(
    r"(other)?patient'?s?_?(name|names|id|ids|address|telephone\w*|comments|birthname|mothers\w*)"
    r"|(patient)?(birth|born)_?(date|day|time|name)?|date_?of_?birth|dob|birthday"
    r"|(first|last|family|given|full|sur|maiden)_?name|name|initials"
    r"|(referring|performing|requesting)physician\w*|operators?_?name|physician\w*|nameofphysician\w*"
    r"|accession_?(number|no)?|medical_?record\w*|mrn|ssn|social_?security\w*|insurance\w*"
    r"|additionalpatienthistory|military\w*|address|street|e-?mail\w*|(tele)?phone\w*",
    re.IGNORECASE,
)
_UIDS = re.compile(r"(study|series|sop|frameofreference)(instance)?uid|studyid", re.IGNORECASE)
_DATES = re.compile(
    r"(study|series|acquisition|content|scan|exam)_?date(time)?|acq_time", re.IGNORECASE
)
# BIDS: dates are shifted to before this year ("Scans file").
_SHIFTED_BEFORE = 1925
_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d{5})")
# DICOM's way to write a name: FAMILY^GIVEN.
_NAME_OF_DICOM = re.compile(r"[A-Za-z]{2,}\^+[A-Za-z]")
_DICOM_EXTENSION = 2  # NIfTI's code for a whole DICOM header
_EMPTY = ("", "n/a", "none", "null", "anonymous", "anonymized", "anonymised", "unknown", "0")
# Raw data as they came from the scanner, which BIDS lets a data set keep and not publish.
_NOT_LOOKED_INTO = ("sourcedata", ".git", ".datalad")
_MOST_NAMED = 5
# And names without an ending, as scanners write them.
_LOOKED_INTO = (".json", ".tsv", ".csv", ".nii", ".nii.gz", ".dcm", ".ima")


@dataclass(frozen=True)
class IdentityFinding:
    """A place that says who somebody is.

    Attributes:
        file: within the data set, with "/".
        field: key, column, or "header".
        what: "a name", "a date" or "an identifier".
    """

    file: str
    field: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what} ({self.field})"


def identity_findings(dataset: Path, progress: Progress) -> list[IdentityFinding]:
    """All such places in a data set.

    Args:
        dataset: its folder.
        progress: receives progress; checked for cancellation at every file.

    Raises:
        InputError: there is no such folder.
        Cancelled: through ``progress``.
    """
    if not dataset.is_dir():
        raise InputError(
            "There is no such folder.", path=dataset, hint="Give the folder of a data set."
        )
    found: list[IdentityFinding] = []
    for path in _files(dataset):
        progress.check_cancelled()
        name = path.relative_to(dataset).as_posix()
        progress.report(0.0, "Looking for names")
        found += [IdentityFinding(name, field, what) for field, what in _look_into(path)]
    return found


def check_deidentified(dataset: Path, progress: Progress) -> None:
    """Refuse a data set that says who somebody is.

    Raises:
        InputError: it does; the first places are named, no value is.
        Cancelled: through ``progress``.
    """
    found = identity_findings(dataset, progress)
    if not found:
        return
    named = "; ".join(map(str, found[:_MOST_NAMED]))
    more = f"; and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    raise InputError(
        f"The data set says who somebody is, at {len(found)}"
        f" place{'' if len(found) == 1 else 's'}: {named}{more}.",
        path=dataset,
        hint="Remove these entries (of dates, shift them to before 1925, as BIDS has it), and check"
        " again.",
    )


def says_who(field: str, values: Iterable[str]) -> bool:
    """Whether a column of this name and these values says who somebody is."""
    return any(_what(field.strip(), value) for value in values)


def _files(folder: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _NOT_LOOKED_INTO)
        for name in sorted(names):
            if name.lower().endswith(_LOOKED_INTO) or "." not in name.lstrip("."):
                yield Path(at, name)


def _look_into(path: Path) -> Iterator[tuple[str, str]]:
    """Field and kind of each finding in a file; nothing of one that cannot be read."""
    from ...dicom import is_dicom_file
    from ...structured_text import limited_text, read_json
    from ...volume.nifti_texts import header_texts

    name = path.name.lower()
    try:
        if name.endswith(".json"):
            yield from dict.fromkeys(_in_json(read_json(path)))
        elif name.endswith((".tsv", ".csv")):
            yield from _in_table(limited_text(path), "\t" if name.endswith(".tsv") else ",")
        elif not name.endswith((".nii", ".nii.gz")):
            if name.endswith(".dcm") or is_dicom_file(path):
                yield "header", "a DICOM file"
        else:
            yield from dict.fromkeys(_in_header(*header_texts(path)))
    except (OSError, ValueError, csv.Error, InputError):
        return  # a broken file is told where it is to be used


def _in_json(content: Any) -> Iterator[tuple[str, str]]:
    if isinstance(content, Mapping):
        # Descriptions of columns have their names as keys, and a mapping behind each.
        for key, value in content.items():
            if isinstance(value, (Mapping, list)):
                yield from _in_json(value)
            else:
                what = _what(str(key), str(value))
                # "Name" is the data set's, a software's, an author's.
                if what and str(key) != "Name":
                    yield str(key), what
    elif isinstance(content, list):
        for one in content:
            yield from _in_json(one)


def _in_table(text: str, delimiter: str) -> Iterator[tuple[str, str]]:
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    if not rows:
        return
    for column, head in enumerate(rows[0]):
        values = [row[column] for row in rows[1:] if column < len(row)]
        what = next(filter(None, (_what(head.strip(), value) for value in values)), "")
        if what:
            yield head.strip(), what


def _in_header(texts: list[str], extensions: bytes) -> Iterator[tuple[str, str]]:
    if any(map(_NAME_OF_DICOM.search, texts)):
        yield "header", "a name"
    at = 0
    while at + 8 <= len(extensions):
        sizes = [int.from_bytes(extensions[at + n : at + n + 4], "little") for n in (0, 4)]
        big = [int.from_bytes(extensions[at + n : at + n + 4], "big") for n in (0, 4)]
        size, code = sizes if 16 <= sizes[0] <= len(extensions) - at else big
        if not 16 <= size <= len(extensions) - at:
            return
        words = extensions[at + 8 : at + size].decode("latin-1")
        if code == _DICOM_EXTENSION or _NAME_OF_DICOM.search(words):
            yield "header extension", "a DICOM header" if code == _DICOM_EXTENSION else "a name"
        at += size


def _what(field: str, value: str) -> str:
    """What a value under this name is; "" for nothing that says who somebody is."""
    if value.strip().lower() in _EMPTY:
        return ""
    if _NAMING.fullmatch(field):
        return "a birth date" if re.search("birth|born|dob", field, re.IGNORECASE) else "a name"
    if _UIDS.fullmatch(field):
        return "an identifier"
    if _DATES.fullmatch(field):
        year = _YEAR.search(value)
        if year and int(year[1]) >= _SHIFTED_BEFORE:
            return "a date"
    return "a name" if _NAME_OF_DICOM.search(value) else ""
