"""Lists of participants and contrasts that are left out, with the reasons."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..bids import NIFTI_EXTENSIONS, participant_of
from ..errors import InputError
from ..files import text_of

_ENDINGS = (*NIFTI_EXTENSIONS, ".json")
_KEY = re.compile(r"^(\s*)([^\s#:-][^#:]*?)\s*:\s*(.*)$")


@dataclass(frozen=True)
class Exclusion:
    """One line of a list.

    Attributes:
        name: "sub-01" for a participant, "sub-01_T1w" for one contrast; of an image outside BIDS,
            its file without an ending.
        reason: as written after ``#`` or ``:``, else the heading it stands under; "" where there is
            none.
    """

    name: str
    reason: str = ""


@dataclass(frozen=True)
class Exclusions:
    """A list of participants and images to leave out."""

    entries: tuple[Exclusion, ...] = ()

    def of_subject(self, subject: str) -> Exclusion | None:
        """The entry that leaves out the whole participant (or session, as "sub-01_ses-1"); None
        where there is none.
        """
        names = {subject, participant_of(subject) or subject}
        return next((entry for entry in self.entries if entry.name in names), None)

    def of_image(self, image: str) -> Exclusion | None:
        """The entry that leaves out one image, by the name of its file without an ending
        ("sub-01_T1w").
        """
        return next((entry for entry in self.entries if entry.name == image), None)


def read_exclusions(path: Path) -> Exclusions:
    """Read a list: the authors' ``exclude.yml`` and its kin, or plain text.

    Supported are YAML lists, with or without headings (``FILES_REG:``), of participants or files,
    whole paths included; text with one name a line; reasons as comments (``- sub-01  # moved``) or
    after a colon (``- sub-01: moved``).  Images outside BIDS are recognised by their
    ending (``t2.nii.gz``).

    Raises:
        InputError: the file cannot be read, or a line names no participant or image.
    """
    try:
        lines = text_of(path).splitlines()
    except FileNotFoundError as error:
        raise InputError(
            "There is no such exclusion list.", path=path, hint="Check its name."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "It cannot be read as text.",
            path=path,
            hint="Give a list of participants, one a line, or a YAML list.",
        ) from error
    entries: list[Exclusion] = []
    heading = ""
    for number, line in enumerate(lines, start=1):
        text, _, comment = (line if not line.lstrip().startswith("#") else "").partition(" #")
        text, comment = text.strip(), comment.strip()
        if not text or text in ("---", "..."):
            continue
        key = _KEY.match(text)
        if key and not _names(key[2]):
            heading = key[2].strip()
            text = key[3]
            if not text:
                continue
        found = _entries(text.lstrip("- "), comment, heading)
        if found is None:
            raise InputError(
                f"Line {number}, '{line.strip()}', names no participant or image.",
                path=path,
                hint="Write sub-01, sub-01_T1w or t2.nii.gz, one a line.",
            )
        entries += found
    return Exclusions(tuple(entries))


def _entries(text: str, comment: str, heading: str) -> list[Exclusion] | None:
    """The entries of a line without its dash: one, or several in brackets; None where it is
    none.
    """
    if text.startswith("[") and text.endswith("]"):
        parts: Sequence[str] = [part for part in text[1:-1].split(",") if part.strip()]
    else:
        text, _, after = text.partition(": ")
        comment = comment or after.strip().strip("'\"")
        parts = [text]
    names = [_names(part) for part in parts]
    return (
        None if not all(names) else [Exclusion(name, comment or heading) for name in names if name]
    )


def _names(text: str) -> str | None:
    """The participant or image that ``text`` names, a path being cut to its last part; None where
    it names none.
    """
    text = text.strip()
    file = text.strip("'\"").rstrip(":").replace("\\", "/").split("/")[-1]
    ending = next((one for one in _ENDINGS if file.lower().endswith(one)), "")
    name = file[: len(file) - len(ending)]
    if re.fullmatch(r"sub-[A-Za-z0-9]+(_[A-Za-z0-9-]+)*", name):
        return name
    # Words with blanks between them are a sentence, unless they stand in quotes.
    is_file = ending in NIFTI_EXTENSIONS and (re.fullmatch(r"\S+", name) or text[0] in "'\"")
    return name if is_file else None
