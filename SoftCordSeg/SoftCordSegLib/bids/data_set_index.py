"""The images of a data set that are to be worked on: BIDS, half-BIDS and plain folders.

Names are read by our own rules, since most data sets of the spinal cord are BIDS in part only.
Figures against the BIDS libraries: decision 12.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, OptionError
from ..files import real_path
from ..structured_text import read_json
from .data_sets import NOT_RAW, REVIEW
from .entities import (
    NIFTI_EXTENSIONS,
    contrast_of,
    parse_entities,
    session_of,
    split_extension,
)
from .series_names import is_acquired

# Both are written for the same images (BIDS 1.8 and before: T2star).
_SAME_SUFFIX = {"t2star": "t2starw", "t2s": "t2starw", "t2": "t2w", "t1": "t1w", "dmri": "dwi"}
_SHORT = {
    "subject": "sub", "participant": "sub", "session": "ses", "acquisition": "acq",
    "reconstruction": "rec", "direction": "dir", "ceagent": "ce", "task": "task", "run": "run",
    "echo": "echo", "flip": "flip", "inv": "inv", "mt": "mt", "part": "part", "chunk": "chunk",
    "space": "space", "desc": "desc",
}  # fmt: skip


@dataclass(frozen=True)
class ImageCase:
    """An image of a data set.

    Attributes:
        key: path in the data set, without extension, "/" on every system:
            "sub-01/anat/sub-01_T2w"; as :class:`..review.review_cases.ReviewCase` has it.
        image: its file.
        session: "sub-01_ses-1" or "sub-01"; "" where neither the name nor a folder says one.
    """

    key: str
    image: Path
    session: str = ""

    @property
    def participant(self) -> str:
        """ "sub-01"; "" where it is not known."""
        return self.session.split("_")[0]

    @property
    def contrast(self) -> str:
        """What the name says beside participant and session: "T2w"."""
        return contrast_of(self.image)

    @property
    def together(self) -> str:
        """The same for the images of one visit: its session, else its folder."""
        return self.session or self.key.rpartition("/")[0]


@dataclass(frozen=True)
class ImageChoice:
    """Which images of a data set are wanted.

    Attributes:
        suffixes: ends of names, "T2w", "dwi"; () for all.
        participants: labels, with or without "sub-"; () for all.
        sessions: labels, with or without "ses-"; () for all.
        filters: of a BIDS filter file, see :func:`read_filters`; one of them must hold.  () for no
            filter.
    """

    suffixes: tuple[str, ...] = ()
    participants: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    filters: tuple[Mapping[str, Any], ...] = ()

    def takes_participant(self, name: str) -> bool:
        """Whether "sub-01" is wanted."""
        return not self.participants or _label(name, "sub-") in {
            _label(one, "sub-") for one in self.participants
        }

    def takes_session(self, name: str) -> bool:
        """Whether "ses-1" is wanted; "" for an image of no session."""
        return not self.sessions or _label(name, "ses-") in {
            _label(one, "ses-") for one in self.sessions
        }

    def takes(self, case: ImageCase) -> bool:
        """Whether an image is wanted."""
        stem = case.key.rpartition("/")[2]
        if self.suffixes and not any(
            _suffix(stem.rpartition("_")[2]) == _suffix(one) for one in self.suffixes
        ):
            return False
        session = next((p for p in case.session.split("_") if p.startswith("ses-")), "")
        return (
            self.takes_participant(case.participant)
            and self.takes_session(session)
            and (not self.filters or any(_holds(one, case, stem) for one in self.filters))
        )


def find_images(
    dataset: Path, choice: ImageChoice | None = None, *, skip: Iterable[Path] = ()
) -> list[ImageCase]:
    """The images of a data set or of a plain folder, in the order of their keys.

    Only names are read: an image that cannot be opened is listed too.  Folders of derivatives,
    hidden ones, and those of participants and sessions that are not wanted are not entered.  Of
    ``t2.nii`` and ``t2.nii.gz`` the compressed one is taken.

    Args:
        dataset: its folder.
        choice: which images; None for all.
        skip: folders that are not entered, such as that of the results.

    Raises:
        InputError: there is no such folder, or it cannot be read.
        OptionError: a participant was asked for that is not there.
    """
    choice = choice or ImageChoice()
    if not dataset.is_dir():
        raise InputError(
            "There is no folder of this name.", path=dataset, hint="Give the folder of a data set."
        )
    skipped = {str(real_path(path)) for path in skip}
    found: dict[str, ImageCase] = {}
    for case in _walk(dataset, choice, skipped):
        found[case.key] = case  # .nii.gz comes after .nii
    _check_participants(choice, {case.participant for case in found.values()}, dataset)
    return [found[key] for key in sorted(found)]


def read_filters(path: Path) -> tuple[Mapping[str, Any], ...]:
    """The filters of a BIDS filter file: ``{"t2w": {"datatype": "anat", "suffix": "T2w"}, …}``, as
    fMRIPrep and nipoppy write it.  An image is wanted where one of them holds.

    Raises:
        InputError: it cannot be read, or is no such file.
    """
    try:
        content = read_json(path)
    except OSError as error:
        raise InputError(
            f"The filter file cannot be read: {error.strerror or error}.", path=path
        ) from error
    except (ValueError, json.JSONDecodeError) as error:
        raise InputError("The filter file is not JSON.", path=path) from error
    if not isinstance(content, Mapping) or not all(
        isinstance(one, Mapping) for one in content.values()
    ):
        raise InputError(
            "The filter file does not hold filters.",
            path=path,
            hint='Write one as {"t2w": {"datatype": "anat", "suffix": "T2w"}}.',
        )
    return tuple(dict(one) for one in content.values())


def shard_of(name: str, count: int) -> int:
    """Which of ``count`` shards, from 1, a visit belongs to: the same on every machine.

    Args:
        name: :attr:`ImageCase.together`: the images of a visit stay together, since their discs
            serve each other.
        count: of shards.
    """
    return zlib.crc32(unicodedata.normalize("NFC", name).encode()) % count + 1


def _walk(dataset: Path, choice: ImageChoice, skipped: set[str]) -> Iterator[ImageCase]:
    root = os.path.realpath(dataset)
    linked = {root}
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        folder = waiting.pop()
        # Of a folder that no link led to this is its real path.
        path = os.path.join(root, *folder)
        if path in skipped:
            continue
        try:
            with os.scandir(path) as entries:
                found = sorted(entries, key=lambda one: one.name)
        except OSError as error:
            if not folder:
                raise InputError(
                    f"This folder cannot be read: {error.strerror}.", path=dataset
                ) from error
            continue
        for entry in found:
            name = entry.name
            if name.startswith("."):
                continue
            if name.lower().endswith(NIFTI_EXTENSIONS):
                case = _case(dataset, folder, name)
                if choice.takes(case) and is_image(name) and not entry.is_dir():
                    yield case
            elif _enters(name, folder, choice) and _is_new_folder(entry, skipped, linked):
                waiting.append((*folder, name))


def is_image(name: str) -> bool:
    """Whether a NIfTI file's name is that of an image, not of a mask or a label; also one without
    a suffix (``t2.nii.gz``).
    """
    return is_acquired(name if "_" in name else f"x_{name}")


def _case(dataset: Path, folder: tuple[str, ...], name: str) -> ImageCase:
    session = session_of(name)
    if not session:
        subjects = [part for part in folder if session_of(part) == part][-1:]
        sessions = [part for part in folder if part.startswith("ses-")][-1:]
        session = "_".join(subjects + (sessions if subjects else []))
    stem, _ = split_extension(name)
    key = unicodedata.normalize("NFC", "/".join((*folder, stem)))
    return ImageCase(key, dataset.joinpath(*folder, name), session)


def _enters(name: str, folder: tuple[str, ...], choice: ImageChoice) -> bool:
    if name in NOT_RAW or name == REVIEW or (not folder and name == "logs"):
        return False
    if name.startswith("sub-"):
        return choice.takes_participant(name)
    return not name.startswith("ses-") or choice.takes_session(name)


def _is_new_folder(entry: os.DirEntry[str], skipped: set[str], linked: set[str]) -> bool:
    """Whether it is a folder to enter; one behind a link only where that does not lead round in a
    circle.
    """
    if not entry.is_symlink():
        return entry.is_dir(follow_symlinks=False)
    if not entry.is_dir():
        return False
    real = os.path.realpath(entry.path)
    if real in skipped or any(_within(real, one) or _within(one, real) for one in linked):
        return False
    linked.add(real)
    return True


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _check_participants(choice: ImageChoice, there: Collection[str], dataset: Path) -> None:
    for one in choice.participants:
        name = f"sub-{_label(one, 'sub-')}"
        if name not in there and not (dataset / name).is_dir():
            raise OptionError(
                f"There is no participant '{name}' in the data set.",
                path=dataset,
                hint="Give its label as the folders have it.",
            )


def _label(name: str, prefix: str) -> str:
    return name[len(prefix) :] if name.startswith(prefix) else name


def _suffix(text: str) -> str:
    """Without capitals, and of two spellings of one suffix the newer one."""
    return _SAME_SUFFIX.get(text.casefold(), text.casefold())


def _holds(wanted: Mapping[str, Any], case: ImageCase, stem: str) -> bool:
    """Whether each entity that a filter names has one of the values; null: the name lacks it."""
    entities = parse_entities(stem)
    for name, value in wanted.items():
        if name == "suffix":
            own = stem.rpartition("_")[2]
        elif name == "datatype":
            own = case.image.parent.name
        elif name == "extension":
            own = split_extension(case.image)[1]
        elif name in ("scope", "return_type", "regex_search", "invalid_filters"):
            continue
        else:
            own = "" if entities is None else entities.value(_SHORT.get(name, name))
        if not _is_one_of(own, value):
            return False
    return True


def _is_one_of(own: str, value: Any) -> bool:
    values: Sequence[Any] = value if isinstance(value, list) else [value]
    return any(_is(own, one) for one in values)


def _is(own: str, value: Any) -> bool:
    if value is None or value == "Query.NONE":
        return own == ""
    if value in ("*", "Query.ANY"):
        return own != ""
    text = re.sub(r"^(sub|ses)-", "", str(value))
    if text.isdecimal() and own.isdecimal():
        return int(text) == int(own)  # pybids reads run-01 as 1
    return own == text
