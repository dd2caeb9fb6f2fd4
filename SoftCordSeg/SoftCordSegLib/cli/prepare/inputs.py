"""What ``softcord prepare`` works on: the images of each participant, given one by one or found in
a data set.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ..bids_names import session_of
from ..discs.beside import discs_beside
from ..guard import UsageProblem
from ..softgt.inputs import find_participants, image_name
from .names import (
    DIFFUSION,
    ECHOES,
    FUNCTIONAL,
    OTHER,
    average_name,
    contrast_of,
    echo_number,
    is_average,
    is_b0,
    is_image,
    kind_of,
    modality_of,
    without_echo,
)

# Folders of a data set that hold no images as they came from the scanner, or no contrasts.
_NOT_RAW = ("derivatives", "sourcedata", "code", "fmap", "perf", "eeg", "meg")


@dataclass(frozen=True)
class Source:
    """One image to be made.

    Attributes:
        name: of the image that is made, "sub-01_rec-average_dwi".
        files: read for it: one, or one an echo in their order.
        kind: DIFFUSION, FUNCTIONAL, ECHOES or OTHER.
        modality: folder that it goes to.
        mask: drawn by hand in the data set; None where there is none.
        bvals: file of b-values that was given; None to look beside the series.
        ready: the file's own name says that it is an average already.
    """

    name: str
    files: tuple[Path, ...]
    kind: str
    modality: str
    mask: Path | None = None
    bvals: Path | None = None
    ready: bool = False

    @property
    def contrast(self) -> str:
        """As ``softcord softgt`` will call it."""
        return contrast_of(self.name)


@dataclass(frozen=True)
class Person:
    """A participant's (or session's) images.

    Attributes:
        name: for example "sub-01" or "sub-01_ses-1".
        sources: the images to be made.
        discs: files of disc labels, to be handed on, with the folder of the session they go to.
        root: of the data set, where b-values of all participants may lie; None where files were
            given.
        notes: sentences on how the files were found.
    """

    name: str
    sources: tuple[Source, ...]
    discs: tuple[tuple[str, Path], ...] = ()
    root: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def inputs(self) -> list[Path]:
        """Every image and label that is read."""
        files = [
            path for one in self.sources for path in (*one.files, *([one.mask] if one.mask else []))
        ]
        return [*files, *(path for _, path in self.discs)]


def find_people(dataset: Path, out: Path) -> list[Person]:
    """All participants of a data set, but for what lies in ``out``.

    Raises:
        InputError: no image in it.
        UsageProblem: two files for one image.
    """
    groups: dict[str, dict[str, list[Path]]] = {}
    for path in _raw_images(dataset, out):
        groups.setdefault(session_of(path), {}).setdefault(without_echo(path), []).append(path)
    if not groups:
        raise InputError(
            f"There are no images of participants in '{dataset}'. They are named as"
            " sub-01_T2w.nii.gz, and lie in sub-01/anat."
        )
    drawn = _drawn_masks(dataset, out)
    return [
        _person(name, images, drawn.get(name, {}), dataset)
        for name, images in sorted(groups.items())
    ]


def given_person(words: Sequence[str], participant: str | None, bvals: Path | None) -> Person:
    """The participant whose images are given one by one, as FILE or CONTRAST=FILE; one contrast
    given again is another echo.

    Raises:
        UsageProblem: images of two people, a name that is none, b-values without a diffusion
            series.
    """
    named = [_named(word) for word in words]
    people = sorted({session_of(path) for _, path in named} - {""})
    if participant is None and len(people) > 1:
        raise UsageProblem(
            f"These are images of {' and '.join(people)}. Give those of one participant, or the"
            " folder of a data set."
        )
    who = participant or (people[0] if people else "sub-01")
    if not re.fullmatch(r"sub-[A-Za-z0-9]+(_ses-[A-Za-z0-9]+)?", who):
        raise UsageProblem(f"A participant is named as sub-01 or sub-01_ses-1; '{who}' is not.")
    images: dict[str, list[Path]] = {}
    for contrast, path in named:
        contrast = contrast or contrast_of(without_echo(path))
        if not re.fullmatch(r"[A-Za-z0-9_-]+", contrast):
            raise UsageProblem(
                f"'{contrast}' is no name of a contrast. Give one of letters and digits:"
                f" T2star={path}."
            )
        images.setdefault(f"{who}_{contrast}", []).append(path)
    sources = [
        _source(name, paths, None, bvals if kind_of(name) == DIFFUSION else None)
        for name, paths in images.items()
    ]
    if bvals is not None and not any(one.kind == DIFFUSION for one in sources):
        raise UsageProblem("--bval is given, but no diffusion series. Name it: dwi=FILE.")
    _check_names(sources)
    return Person(who, tuple(sources))


def _named(word: str) -> tuple[str, Path]:
    """("T2star", path) of "T2star=path"; ("", path) of a path."""
    name, equals, path = word.partition("=")
    if equals and name and path and not Path(word).is_file() and not set(name) & set("/\\."):
        return name, Path(path)
    return "", Path(word)


def _raw_images(dataset: Path, out: Path) -> list[Path]:
    """Images of participants, by name; folders of results and hidden ones are not gone into."""
    found = []
    for folder, folders, names in os.walk(dataset):
        place = Path(folder)
        folders[:] = sorted(
            n
            for n in folders
            if n not in _NOT_RAW and n[0] != "." and (place / n).resolve() != out.resolve()
        )
        found += [
            place / name for name in names if name.startswith("sub-") and is_image(place / name)
        ]
    return sorted(found)


def _drawn_masks(dataset: Path, out: Path) -> dict[str, dict[str, Path]]:
    """By participant and name of image: the masks in the data set, as ``softcord softgt`` finds
    them; not our own of before.
    """
    try:
        people = find_participants(dataset, reference="")
    except InputError:
        return {}
    ours = out.resolve()
    masks = {
        one.name: [path for path in one.masks.values() if ours not in path.resolve().parents]
        for one in people
    }
    return {name: {image_name(path): path for path in paths} for name, paths in masks.items()}


def _person(
    name: str, images: dict[str, list[Path]], masks: dict[str, Path], dataset: Path
) -> Person:
    sources, notes = [], []
    ready = {image for image in images if kind_of(image) == DIFFUSION and is_average(image)}
    for image, paths in images.items():
        if image not in ready and kind_of(image) == DIFFUSION and average_name(image) in ready:
            notes.append(
                f"{image} is there as {average_name(image)} already, which is taken; the series is"
                " left out."
            )
        elif kind_of(image) == DIFFUSION and is_b0(image):
            notes.append(
                f"{image} holds volumes with b = 0 only, which have no part in the DWI contrast; it"
                " is left out."
            )
        else:
            sources.append(_source(image, paths, masks, None))
    _check_names(sources)
    return Person(name, tuple(sources), _discs_of(name, sources, dataset), dataset, tuple(notes))


def _source(
    name: str, paths: list[Path], masks: dict[str, Path] | None, bvals: Path | None
) -> Source:
    kind = kind_of(name)
    echoes = [echo_number(path) for path in paths]
    if len(paths) > 1 and kind in (OTHER, FUNCTIONAL) and None not in echoes:
        kind = ECHOES
    if len(paths) > 1 and (kind != ECHOES or len(set(echoes)) not in (len(paths), 1)):
        names = " and ".join(f"'{path}'" for path in paths)
        raise UsageProblem(f"{names} would both become {name}. Take one of them away.")
    paths = sorted(paths, key=lambda path: echo_number(path) or 0)
    final = average_name(name) if kind == DIFFUSION else name
    return Source(
        final,
        tuple(paths),
        kind,
        modality_of(paths[0], name),
        (masks or {}).get(final),
        bvals,
        is_average(name),
    )


def _discs_of(name: str, sources: Sequence[Source], dataset: Path) -> tuple[tuple[str, Path], ...]:
    """Disc labels that were marked in one of the images."""
    labels = dataset / "derivatives" / "labels"
    found = {}
    for one in sources if labels.is_dir() else ():
        place = labels.joinpath(*name.split("_"), one.modality)
        try:
            path, of_another = discs_beside(place / f"{one.name}_label-SC_seg.nii.gz")
        except InputError:
            continue
        if of_another is None:
            found[path] = one.modality
    return tuple((modality, path) for path, modality in found.items())


def _check_names(sources: Sequence[Source]) -> None:
    seen: dict[str, Source] = {}
    for one in sources:
        other = seen.setdefault(one.name.casefold(), one)
        if other is not one:
            raise UsageProblem(
                f"'{other.files[0]}' and '{one.files[0]}' would both become {one.name}. Take one of"
                " them away."
            )
