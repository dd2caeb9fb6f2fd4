"""The cases of a data set: each image with its masks of any maker, its discs, and the other images
of its session.

Found by names, in one pass over the folders; no voxel is read.  BIDS data sets (raw images, and the
derivatives of several pipelines), half of one (masks beside the images, folders without ``anat``)
and plain folders are read.  What cannot be reviewed is listed too, with the reason.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from ..bids import (
    DERIVATIVES,
    MASKS,
    NOT_RAW,
    REVIEW,
    FileName,
    Kind,
    contrast_of,
    image_identity,
    linked_raw,
    precedence,
    read_name,
    session_of,
)
from ..errors import InputError
from .merge_journal import finish_for_reader

_DISC_EXTENSIONS = (".nii.gz", ".nii", ".mrk.json", ".fcsv")
_MASK_KINDS = (*MASKS, Kind.CUT_SOFT_MASK)
_DISC_KINDS = (Kind.DISCS, Kind.WARPED_DISCS)
# The least that a compressed header takes, and the most of what stands for a file not fetched.
_LEAST_BYTES, _POINTER_BYTES = 30, 1024
_POINTERS = (b"/annex/objects/", b"version https://git-lfs")
_SUBJECT, _SESSION = re.compile(r"sub-[^_./\\]+"), re.compile(r"ses-[^_./\\]+")
_NOT_FETCHED = "is not fetched: only a link to it is here ('datalad get' brings it)"


@dataclass(frozen=True)
class ReviewCase:
    """An image to review.

    Attributes:
        key: path of the image in the data set, without extension, "/" on every system:
            "sub-01/anat/sub-01_T2w".
        image: its file.
        participant: "sub-01"; "" where neither the name nor a folder says one.
        session: "sub-01_ses-1" or "sub-01"; "" as above.
        contrast: what the name says beside these, "T2w".
        masks: of the cord, of any maker; the best first (:func:`.bids.precedence`).
        discs: disc labels of the image, else of the one other image of the session that has some.
        others: images of other contrasts of the same session.
        problem: a sentence where the case cannot be reviewed; else "".
    """

    key: str
    image: Path
    participant: str = ""
    session: str = ""
    contrast: str = ""
    masks: tuple[Path, ...] = ()
    discs: Path | None = None
    others: tuple[Path, ...] = ()
    problem: str = ""

    @property
    def mask(self) -> Path | None:
        """The best mask; None where there is none."""
        return self.masks[0] if self.masks else None


@dataclass(frozen=True)
class _File:
    """A file found: its folder in the data set, its name, and what the name says; the data set
    where it is the raw one of a folder of derivatives.
    """

    folder: tuple[str, ...]
    file: str
    name: FileName
    is_link: bool
    raw: Path | None = None

    @property
    def root(self) -> tuple[str, ...]:
        """ "derivatives/NAME" of a derivative; () of what is raw."""
        at = _derivatives_at(self.folder)
        return () if at is None else self.folder[: at + 2]

    @property
    def raw_folder(self) -> tuple[str, ...]:
        """The same folder of the raw images."""
        at = _derivatives_at(self.folder)
        return self.folder if at is None else self.folder[:at] + self.folder[at + 2 :]

    @property
    def session(self) -> str:
        """By the name, else by the folders."""
        named = session_of(self.file)
        if named:
            return named
        subject = [part for part in self.folder if _SUBJECT.fullmatch(part)][-1:]
        return "_".join(
            subject + [p for p in self.folder if subject and _SESSION.fullmatch(p)][-1:]
        )

    def path(self, dataset: Path) -> Path:
        return (self.raw or dataset).joinpath(*self.folder, self.file)


@dataclass
class _Walk:
    """What stands in the folders of a data set, and the raw one that is being read, if any."""

    images: list[_File] = field(default_factory=list)
    masks: list[_File] = field(default_factory=list)
    discs: list[_File] = field(default_factory=list)
    unreadable: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    linked: set[str] = field(default_factory=set)
    raw: Path | None = None


def find_review_cases(dataset: Path) -> list[ReviewCase]:
    """The cases of a data set or of a plain folder, by name; images without a mask too.

    Of a folder of derivatives that names its raw data set (BIDS, ``DatasetLinks``) the images and
    discs of that are taken with it.  An image among the derivatives is a case where a mask was made
    from it and no raw image has its name.  What is broken costs itself only: it is listed with its
    ``problem``, and so are folders that cannot be read, and masks whose image is missing.  A case
    that a killed merge left half replaced is finished first.

    Raises:
        InputError: there is no such folder, or it cannot be read.
    """
    dataset = Path(dataset)
    finish_for_reader(dataset)
    walk = _walked(dataset)
    owners = _Owners(walk.images)
    masks: dict[_File, list[_File]] = defaultdict(list)
    orphans: dict[tuple[tuple[str, ...], str], list[_File]] = defaultdict(list)
    for mask in walk.masks:
        owner = owners.of(mask)
        if owner is not None:
            masks[owner].append(mask)
        elif "space-" not in mask.name.image:
            orphans[mask.raw_folder, mask.name.image].append(mask)
    discs = _Discs(walk.discs, owners)
    groups = _groups(walk.images)
    cases = [
        _case(dataset, image, masks.get(image, []), discs.of(image), groups)
        for image in walk.images
        if not image.root or image in masks
    ]
    cases += [_orphan(dataset, *where, found) for where, found in orphans.items()]
    cases += [_unreadable(dataset, *one) for one in walk.unreadable]
    unique = {case.key: case for case in reversed(cases)}  # of two with one key the first stays
    return sorted(unique.values(), key=lambda case: natural(case.key))


def natural(name: str) -> list[tuple[int, str]]:
    """For sorting: sub-2 before sub-10."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts if part]


class _Owners:
    """Which image a mask or a file of discs belongs to."""

    def __init__(self, images: Iterable[_File]):
        self._here: dict[tuple[tuple[str, ...], str], _File] = {}
        self._named: dict[str, list[_File]] = defaultdict(list)
        self._scans: dict[tuple[str, ...], list[_File]] = defaultdict(list)
        for image in images:
            self._here.setdefault((image.folder, image.name.image), image)
            self._named[image.name.image].append(image)
            identity = image_identity(image.name.image)
            if identity and not image.root:
                self._scans[identity].append(image)

    def of(self, label: _File) -> _File | None:
        """The image beside it or in the same folder of the raw data; else the one of its name, of
        several that whose folders are most like its own; else the one scan that it tells of.
        """
        stem = label.name.image
        near = self._here.get((label.folder, stem)) or self._here.get((label.raw_folder, stem))
        if near is not None:
            return near
        named = self._named.get(stem, [])
        found = _most_alike(label, [one for one in named if not one.root]) or _most_alike(
            label, named
        )
        if found is not None or named or "space-" in stem:
            return found
        return _most_alike(label, self._scans.get(image_identity(stem), []))


class _Discs:
    """Disc labels by image and by session."""

    def __init__(self, files: Iterable[_File], owners: _Owners):
        self._own: dict[_File, list[_File]] = defaultdict(list)
        self._sessions: dict[str, list[_File]] = defaultdict(list)
        for discs in sorted(files, key=_disc_rank):
            owner = owners.of(discs)
            if owner is not None:
                self._own[owner].append(discs)
            if discs.session and discs.name.kind is Kind.DISCS:
                self._sessions[discs.session].append(discs)

    def of(self, image: _File) -> _File | None:
        own = self._own.get(image)
        others = self._sessions.get(image.session, [])
        if own:
            return own[0]
        return others[0] if len({one.name.image for one in others}) == 1 else None


def _walked(dataset: Path) -> _Walk:
    if not dataset.is_dir():
        raise InputError(
            "There is no folder of this name.", path=dataset, hint="Give the folder of a data set."
        )
    raw = linked_raw(dataset)
    walk = _Walk(linked={os.path.realpath(dataset)})
    _read_folders(dataset, walk)
    if raw is not None:
        walk.raw = raw
        _read_folders(raw, walk)
    # Of t2.nii and t2.nii.gz the compressed one, as everywhere; it comes later by name.
    walk.images = list({(one.folder, one.name.image): one for one in walk.images}.values())
    return walk


def _read_folders(root: Path, walk: _Walk) -> None:
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        folder = waiting.pop()
        if walk.raw is not None and os.path.realpath(root.joinpath(*folder)) in walk.linked:
            continue  # the derivatives themselves
        try:
            with os.scandir(root.joinpath(*folder)) as entries:
                for entry in sorted(entries, key=lambda one: one.name):
                    _sort_in(entry, folder, walk, waiting)
        except OSError as error:
            if not folder:
                raise InputError(
                    f"This folder cannot be read: {error.strerror}.", path=root
                ) from error
            if walk.raw is None:
                walk.unreadable.append((folder, error.strerror or str(error)))


def _sort_in(
    entry: os.DirEntry[str], folder: tuple[str, ...], walk: _Walk, waiting: list[tuple[str, ...]]
) -> None:
    name = entry.name
    if name.startswith("."):
        return
    if not name.lower().endswith(_DISC_EXTENSIONS):
        if _is_of_interest(folder, name) and _is_new_folder(entry, walk):
            waiting.append((*folder, name))
        return
    read = read_name(name)
    found = _File(folder, name, read, entry.is_symlink(), walk.raw)
    if walk.raw is not None and (
        read.kind in _MASK_KINDS or (found.root and read.kind is Kind.IMAGE)
    ):
        return  # of other derivatives
    if read.kind in _DISC_KINDS:
        walk.discs.append(found)
    elif not read.is_nifti or (not found.is_link and not entry.is_file()):
        return
    elif read.kind in _MASK_KINDS:
        walk.masks.append(found)
    elif read.kind is Kind.IMAGE and not any(part in NOT_RAW[1:] for part in folder):
        walk.images.append(found)


def _is_new_folder(entry: os.DirEntry[str], walk: _Walk) -> bool:
    """Whether it is a folder; one that a link leads to (participants on another disk) only where
    it is not read already, and does not lead round in a circle.
    """
    if not entry.is_symlink():
        return entry.is_dir(follow_symlinks=False)
    if not entry.is_dir():
        return False
    real = os.path.realpath(entry.path)
    if any(_is_within(real, other) or _is_within(other, real) for other in walk.linked):
        return False
    walk.linked.add(real)
    return True


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _is_of_interest(folder: tuple[str, ...], name: str) -> bool:
    if name == REVIEW:
        return folder[-1:] != (DERIVATIVES,)
    return bool(folder) or name not in ("sourcedata", "code")


def _case(
    dataset: Path,
    image: _File,
    masks: Sequence[_File],
    discs: _File | None,
    groups: dict[_File, list[_File]],
) -> ReviewCase:
    path = image.path(dataset)
    reason = _unusable(path, image.is_link)
    sound: list[tuple[Path, str]] = []
    broken: list[tuple[Path, str]] = []
    for mask in masks:
        there = mask.path(dataset)
        why = _unusable(there, mask.is_link)
        (broken if why else sound).append((there, why))
    problem = f"The image {reason}." if reason else ""
    if broken and not sound and not problem:
        problem = f"The mask '{broken[0][0].name}' {broken[0][1]}."
    session = image.session
    return ReviewCase(
        key=_key(image.folder, image.name.image),
        image=path,
        participant=session.split("_")[0],
        session=session,
        contrast=contrast_of(image.file),
        masks=_best_first([there for there, _ in sound]),
        discs=None if discs is None else discs.path(dataset),
        others=tuple(
            other.path(dataset) for other in groups.get(image, []) if other.file != image.file
        ),
        problem=problem,
    )


def _orphan(
    dataset: Path, folder: tuple[str, ...], image: str, masks: Sequence[_File]
) -> ReviewCase:
    session = masks[0].session
    return ReviewCase(
        key=_key(folder, image),
        image=dataset.joinpath(*folder, f"{image}.nii.gz"),
        participant=session.split("_")[0],
        session=session,
        contrast=contrast_of(image),
        masks=_best_first([mask.path(dataset) for mask in masks]),
        problem="There is a mask, and its image is missing.",
    )


def _unreadable(dataset: Path, folder: tuple[str, ...], reason: str) -> ReviewCase:
    return ReviewCase(
        key=_key(folder[:-1], folder[-1]),
        image=dataset.joinpath(*folder),
        problem=f"This folder cannot be read: {reason}.",
    )


def _unusable(path: Path, is_link: bool) -> str:
    """Why a file cannot be opened, as far as the system says without reading it; "" else."""
    try:
        size = os.stat(path).st_size
        if size < _POINTER_BYTES:
            with open(path, "rb") as stream:
                if stream.read(_POINTER_BYTES).startswith(_POINTERS):
                    return _NOT_FETCHED
        elif not os.access(path, os.R_OK):
            return "must not be read by you"
    except FileNotFoundError:
        return _NOT_FETCHED if is_link else "is gone"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if size < _LEAST_BYTES:
        return "is empty" if size == 0 else "is cut off"
    return ""


def _best_first(masks: list[Path]) -> tuple[Path, ...]:
    if len(masks) < 2:
        return tuple(masks)  # its sidecar need not be read

    def rank(mask: Path) -> tuple:
        return read_name(mask).kind is Kind.CUT_SOFT_MASK, precedence(mask), str(mask)

    return tuple(sorted(masks, key=rank))


def _groups(images: Iterable[_File]) -> dict[_File, list[_File]]:
    """The images of the same session as each image.  Images without a session belong together
    where their folder is a participant's: its names return in other folders (``*/t2.nii.gz``).
    """
    found = list(images)
    folders = {(image.folder, image.name.image) for image in found}
    times = Counter(stem for _, stem in folders)
    together: dict[tuple, list[_File]] = defaultdict(list)
    where: dict[_File, tuple[tuple[str, ...], object]] = {}
    for image in found:
        if image.session:
            where[image] = (image.root, image.session)
        elif times[image.name.image] > 1:
            where[image] = (image.root, image.folder)
        else:
            continue
        together[where[image]].append(image)
    return {image: together[group] for image, group in where.items()}


def _most_alike(label: _File, images: Sequence[_File]) -> _File | None:
    """The one image of a list; of several the one whose folders, from the innermost, are most like
    those of the label; None where two are alike.
    """
    if len(images) < 2:
        return images[0] if images else None

    def alike(image: _File) -> int:
        pairs = zip(reversed(image.folder), reversed(label.raw_folder))
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    best, second = sorted(images, key=alike, reverse=True)[:2]
    return best if alike(best) > alike(second) else None


def _disc_rank(discs: _File) -> tuple[bool, int, str]:
    return discs.name.kind is not Kind.DISCS, discs.name.rank, discs.file


def _derivatives_at(folder: tuple[str, ...]) -> int | None:
    if DERIVATIVES not in folder[:-1]:
        return None
    return len(folder) - 1 - folder[::-1].index(DERIVATIVES)


def _key(folder: tuple[str, ...], stem: str) -> str:
    """Composed characters, so that a data set copied from a Mac has the keys that it had there."""
    return unicodedata.normalize("NFC", "/".join((*folder, stem)))
