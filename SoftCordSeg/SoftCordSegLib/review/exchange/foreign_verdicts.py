"""What files of other programs say of images, in one form; and what is asked of a file that is
written for them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...files import text_of_cell
from ...structured_text import limited_text
from ..review_cases import ReviewCase
from ..verdicts import MAX_RANK, Judgement, Verdict, verdict_time


@dataclass(frozen=True)
class ForeignVerdict:
    """What a file of another program says of one image.

    Attributes:
        name: of the image as it stands there: a path, a file's name, a uid, or a key of ours.
        where: where in the file, for the user: "row 3".
        verdict: None where the program knows none.
        rater: "" where the file does not say.
        is_author: whether it was surely this rater; else another name may be given for it.
        rank: 0 to 9, or None.
        comment: free text.
        seconds: that the rater looked, 0 where not known.
        when: UTC, as in :class:`~..verdicts.Verdict`; "" where the file does not say.
        mask: path in the data set, or name, of the mask that was judged; "" where not known.
        mask_sha256: of that mask; "" where not known.
        reading: name of a second reading.
        blinded: whether the rater did not see who made the mask; its name may be a neutral one.
        software: that the verdict was given in; "" for the file's.
        extra: what else is worth keeping.
    """

    name: str
    where: str
    verdict: Judgement | None = None
    rater: str = ""
    rank: int | None = None
    comment: str = ""
    seconds: float = 0.0
    when: str = ""
    mask: str = ""
    mask_sha256: str = ""
    reading: str = ""
    blinded: bool = False
    software: str = ""
    is_author: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ForeignFile:
    """A file of another program, read.

    Attributes:
        software: the program's name, with its version where the file says it.
        verdicts: in the order of the file; of an image the last counts.
        notes: sentences on what the file has that is no verdict.
    """

    software: str
    verdicts: Sequence[ForeignVerdict]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class JudgedCase:
    """A case with the verdict that is exported; None where the rater has given none.

    Attributes:
        case: of the data set.
        verdict: the rater's newest.
        corrected: whether its mask was corrected by hand.
        earlier: whether the verdict is of an earlier mask than the one that is there now.
    """

    case: ReviewCase
    verdict: Verdict | None
    corrected: bool = False
    earlier: bool = False

    @property
    def judgement(self) -> Judgement | None:
        """Of the verdict."""
        return None if self.verdict is None else self.verdict.verdict

    @property
    def says_something(self) -> bool:
        """Whether there is a verdict, a rank or a comment, which was not taken back."""
        said = self.verdict
        return said is not None and bool(said.verdict or said.comment or said.rank is not None)


@dataclass(frozen=True)
class WriteRequest:
    """What a file for another program is made from.

    Attributes:
        dataset: folder of the data set; paths are written relative to it.
        judged: the cases in the order of the list, of one rater.
        rater: whose verdicts they are; "" where there are none yet.
        before: text of each file that is there already, by its name.
        job: what CART calls the work.
    """

    dataset: Path
    judged: Sequence[JudgedCase]
    rater: str = ""
    before: Mapping[str, str] = field(default_factory=dict)
    job: str = "softcord"

    def path_of(self, path: Path) -> str:
        """The path in the data set, with "/"."""
        return path_in(self.dataset, path)


@dataclass(frozen=True)
class Written:
    """Texts of files by name, how many verdicts are in them, and what they cannot hold."""

    files: Mapping[str, str]
    count: int
    notes: tuple[str, ...] = ()


Reader = Callable[[Path], ForeignFile]
Writer = Callable[[WriteRequest], Written]


def path_in(dataset: Path, path: Path) -> str:
    """The path of a file in the data set, with "/"; the name alone of a file elsewhere."""
    try:
        return path.relative_to(dataset).as_posix()
    except ValueError:
        return path.name


def read_rows(path: Path, delimiter: str = ",") -> list[tuple[int, list[str]]]:
    """The rows of a table that are not empty, each with its number from 1.

    Raises:
        InputError: it cannot be read, or is no table.
    """
    return _rows(read_text(path), path, delimiter)


def read_records(path: Path, required: Iterable[str], delimiter: str = ",") -> list[dict[str, str]]:
    """The rows of a table with a header, by its columns; the key "" has the row's number.

    Raises:
        InputError: it cannot be read, or a column is missing.
    """
    return records_of(read_text(path), path, required, delimiter)


def records_of(
    text: str, path: Path, required: Iterable[str], delimiter: str = ","
) -> list[dict[str, str]]:
    """The same of the text of the file ``path``.

    Raises:
        InputError: it is no table, or a column is missing.
    """
    rows = _rows(text, path, delimiter)
    header = [name.strip() for name in rows[0][1]] if rows else []
    missing = [name for name in required if name not in header]
    if missing:
        raise InputError(
            f"This table has no column '{missing[0]}'.", path=path, hint="Give the right file."
        )
    blank = dict.fromkeys(header, "")
    return [{**blank, **dict(zip(header, row)), "": str(number)} for number, row in rows[1:]]


def _rows(text: str, path: Path, delimiter: str) -> list[tuple[int, list[str]]]:
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise InputError(
            f"This is not a table of text ({error}).", path=path, hint="Give the table itself."
        ) from error
    cells = ([text_of_cell(cell) for cell in row] for row in rows)
    return [(number, row) for number, row in enumerate(cells, 1) if any(row)]


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        InputError: it is missing, too large or no text.
    """
    try:
        return limited_text(path)
    except FileNotFoundError as error:
        raise InputError(
            "There is no such file.", path=path, hint="Check the name and the folder."
        ) from error
    except (OSError, ValueError) as error:
        raise no_such_text(path, error) from error


def no_such_text(path: Path, error: Exception) -> InputError:
    """The error for a file that cannot be read as what it should be."""
    reason = getattr(error, "strerror", None) or str(error)
    return InputError(f"This file cannot be read ({reason}).", path=path, hint="Give another file.")


def rank_of(value: Any) -> int | None:
    """A rank from a file: a whole number from 0 to 9, also as text; else None."""
    text = str(value).strip()
    number = int(text) if text.isdecimal() and len(text) == 1 else None
    return number if number is not None and number <= MAX_RANK else None


def utc_of_local(text: str) -> str:
    """The UTC of a time as CART writes it, "2026-10-31 14:05:00" in the time of its computer, which
    is taken for that of this one; "" for what is no time.
    """
    try:
        return datetime.fromisoformat(text.strip()).astimezone(timezone.utc).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def local_of_utc(when: str) -> str:
    """A verdict's time as CART writes times; "" for none."""
    read = verdict_time(when)
    try:
        return "" if read is None else read.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return ""


def utc_of_seconds(seconds: float) -> str:
    """The UTC of seconds since 1970; "" where they are beyond any date."""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def count_note(number: int, one: str, several: str) -> tuple[str, ...]:
    """A sentence on ``number`` of something, in which ``{}`` is that number; none for 0."""
    if not number:
        return ()
    return (one if number == 1 else several.format(number),)
