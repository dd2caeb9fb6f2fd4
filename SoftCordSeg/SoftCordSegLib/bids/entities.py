"""File names in the manner of BIDS, taken apart: ``sub-01_ses-1_acq-MTon_MTS.nii.gz`` is made of
entities (``sub-01``, ``ses-1``, ``acq-MTon``), a suffix (``MTS``) and an extension.

BIDS specification, "File name structure" and appendix "Entities".  Names that are not BIDS are
read as far as they go.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Union

PathLike = Union[str, "os.PathLike[str]"]

NIFTI_EXTENSIONS = (".nii.gz", ".nii")
# The longest first: of ".mrk.json" the extension is not ".json".
EXTENSIONS = (
    *(*NIFTI_EXTENSIONS, ".mrk.json", ".json", ".fcsv", ".nrrd", ".mha", ".mgz", ".mgh"),
    *(".bval", ".bvec", ".csv", ".tsv", ".html"),
)
_ENTITY = re.compile(r"[A-Za-z]+-[A-Za-z0-9+]+")
_PARTICIPANT = re.compile(r"sub-[A-Za-z0-9+]+")
_RUN = re.compile(r"_?run-[A-Za-z0-9+]+")
_SESSION = re.compile(r"sub-[A-Za-z0-9+]+(_ses-[A-Za-z0-9+]+)?")
# Names of participants that are not BIDS ("sub-02-pre") are read whole: cut short, two participants
# would become one.
_ANY_SESSION = re.compile(r"sub-[^_./\\]+(_ses-[^_./\\]+)?")
# What says how a mask or label was made, or on which grid, and not which image it is of.
_DERIVED = ("label-", "desc-", "space-", "seg-", "labels-")


@dataclass(frozen=True)
class Entities:
    """A name that is BIDS, taken apart.

    Attributes:
        parts: "sub-01", "acq-MTon", … in the order of the name.
        suffix: "MTS"; "" where the name ends with an entity.
    """

    parts: tuple[str, ...]
    suffix: str = ""

    @property
    def stem(self) -> str:
        """The name without its extension."""
        return "_".join([*self.parts, *([self.suffix] if self.suffix else [])])

    def value(self, key: str) -> str:
        """ "MTon" of the entity ``acq``; "" where the name has none."""
        start = f"{key}-"
        return next((part[len(start) :] for part in self.parts if part.startswith(start)), "")


def split_extension(path: PathLike) -> tuple[str, str]:
    """A file's name without its extension, and the extension as it is written there."""
    name = Path(path).name
    for extension in EXTENSIONS:
        if name.lower().endswith(extension) and len(name) > len(extension):
            return name[: -len(extension)], name[-len(extension) :]
    return name, ""


def stem_of(path: PathLike) -> str:
    """A file's name without its extension; a name without a known one as it is."""
    return split_extension(path)[0]


def parse_entities(stem: str) -> Entities | None:
    """The entities of a name without extension; None where it is not BIDS (not every part before
    the last an entity, the first not ``sub-``).
    """
    *parts, last = stem.split("_")
    if _ENTITY.fullmatch(last):
        parts, last = [*parts, last], ""
    is_bids = (
        bool(parts)
        and _PARTICIPANT.fullmatch(parts[0]) is not None
        and all(_ENTITY.fullmatch(part) for part in parts)
        and (not last or last.isalnum())
    )
    return Entities(tuple(parts), last) if is_bids else None


def session_of(path: PathLike) -> str:
    """Participant and session as "sub-01_ses-1" or "sub-01", BIDS or not ("sub-02-pre"); "" for a
    name that does not begin with them.
    """
    found = _ANY_SESSION.match(Path(path).name)
    return found.group() if found else ""


def participant_of(path: PathLike) -> str:
    """ "sub-01"; "" for a name that does not begin with a participant."""
    return session_of(path).split("_")[0]


def is_session(name: str) -> bool:
    """Whether a text is the BIDS name of a participant or of one's session: "sub-01",
    "sub-01_ses-1".
    """
    return _SESSION.fullmatch(name) is not None


def contrast_of(path: PathLike) -> str:
    """What an image's name says beside participant and session: "T2w", "acq-MTon_MTS"; the whole
    name without extension where it does not begin with a participant.
    """
    stem, session = stem_of(path), session_of(path)
    return (stem[len(session) + 1 :] if session else stem) or stem


def without_run(contrast: str) -> str:
    """A contrast without the number of its run: "T2w" of "run-2_T2w"."""
    return _RUN.sub("", contrast).strip("_") or contrast


def acquisition_of(path: PathLike) -> str:
    """The same without the space and the description: "flip-1_mt-on_MTS" of
    sub-01_flip-1_mt-on_space-other_MTS.
    """
    parts = [part for part in contrast_of(path).split("_") if not part.startswith(_DERIVED)]
    return "_".join(parts) or contrast_of(path)


def image_identity(stem: str) -> tuple[str, ...]:
    """The parts of an image's name that tell which scan it is of: the same for
    ``sub-01_space-other_T2w`` and ``sub-01_T2w``; () for a name without a participant.
    """
    if not participant_of(stem):
        return ()
    return tuple(part for part in stem.split("_") if not part.startswith(_DERIVED))


def short_names(paths: Sequence[Path]) -> list[str]:
    """What tells files apart, and no more: ["T1w", "T2w"] of sub-01_T1w_softseg and
    sub-01_T2w_softseg.

    Where that leaves nothing, or the same twice, the names stay whole; files of one name are told
    apart by their folders.
    """
    names = _trimmed([stem_of(path).split("_") for path in paths])
    if len(set(names)) < len(names):
        names = [stem_of(path) for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def contrast_names(paths: Sequence[Path]) -> list[str]:
    """The same, participant and session apart, so that one contrast has one name in all
    participants.
    """
    return _trimmed([contrast_of(path).split("_") for path in paths])


def _trimmed(split: list[list[str]]) -> list[str]:
    """Names without the parts that all begin or end with; whole where a name would be left
    empty.
    """
    shortest = min(map(len, split))
    head = next((n for n in range(shortest) if len({parts[n] for parts in split}) > 1), shortest)
    tail = next(
        (n for n in range(shortest - head) if len({parts[-1 - n] for parts in split}) > 1),
        shortest - head,
    )
    names = ["_".join(parts[head : len(parts) - tail]) for parts in split]
    return names if all(names) else ["_".join(parts) for parts in split]
