"""Corrected cases: each mask of a cord in a folder and the image that it belongs to; read, and
checked before anything is trained on them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...bids import (
    MASKS,
    Origin,
    image_of,
    nifti_files,
    origin_of,
    participant_of,
    precedence,
    read_name,
    read_sidecar,
    sidecar_path,
    stem_of,
)
from ...errors import InputError
from ...files import file_sha256, real_path, text_of
from ...progress import Progress
from ..real_cases import OpenCase, RealCase, load_cases, open_case

# A mask without any voxel at or above it is of no cord.
_CORD = 0.5
# More of an image than this is never cord.
_MOST = 0.6


@dataclass(frozen=True, eq=False)
class CorrectedCase:
    """A corrected case in memory.

    Attributes:
        name: of the image's file.
        sha256: of the files, by "image", "label" and, where there is one, "weight".
        opened: image, soft label and weight, nibabel LAS.
    """

    name: str
    sha256: dict[str, str]
    opened: OpenCase

    @property
    def participant(self) -> str:
        """Of the image."""
        return self.opened.participant


def read_cases(
    cases: Sequence[RealCase], progress: Progress | None = None
) -> tuple[list[CorrectedCase], list[str]]:
    """Read and check all cases.

    Returns:
        The cases, and sentences that the user should know.

    Raises:
        InputError: a file cannot be read, grids differ, a mask is empty or no mask of a cord, or an
            image is there twice.
        Cancelled: through ``progress``.
    """
    progress = progress or Progress()
    read: list[CorrectedCase] = []
    seen: dict[str, RealCase] = {}
    for number, case in enumerate(cases):
        progress.report(number / len(cases), f"Reading {case.image.name}")
        progress.check_cancelled()
        opened = open_case(case)
        _check_label(opened.label.data, case.label)
        sums = {"image": file_sha256(case.image), "label": file_sha256(case.label)}
        if case.weight is not None:
            sums["weight"] = file_sha256(case.weight)
        twin = seen.setdefault(sums["image"], case)
        if twin is not case:
            raise InputError(
                f"It is the same image as '{twin.image}'.",
                path=case.image,
                hint="Leave one of them out.",
            )
        read.append(CorrectedCase(case.image.name, sums, opened))
    untouched = [case.label for case in cases if _was_not_corrected(case.label)]
    if not untouched:
        return read, []
    part = (
        "all masks" if len(untouched) == len(cases) else f"{len(untouched)} of {len(cases)} masks"
    )
    return read, [
        f"Never corrected by hand, by their sidecars: {part}. A model learns nothing from its own"
        " output."
    ]


def _check_label(values: np.ndarray, path: Path) -> None:
    if float(values.max()) < _CORD:
        raise InputError(
            f"The mask is empty: no voxel reaches {_CORD:g}.",
            path=path,
            hint="Correct it, or leave the case out.",
        )
    part = float((values >= _CORD).mean())
    if part > _MOST:
        raise InputError(
            f"The mask covers {part:.0%} of its image, which no cord does.",
            path=path,
            hint="Correct it (it may be inverted), or leave the case out.",
        )


def _was_not_corrected(mask: Path) -> bool:
    """True where its sidecar says so."""
    by_hand = read_sidecar(sidecar_path(mask)).get("CorrectedByHand")
    if isinstance(by_hand, dict):
        return not (by_hand.get("VoxelsAdded") or by_hand.get("VoxelsRemoved"))
    return origin_of(mask) is Origin.PROGRAM


def find_cases(
    source: Path, images: Path | None = None
) -> tuple[list[RealCase], list[RealCase], list[str]]:
    """The cases in a folder, or those of a list.

    Args:
        source: a folder with masks beside their images, or of BIDS derivatives, or both; or a list
            (see :mod:`..real_cases`), whose part "validation", if it has one, is held out.
        images: folder of the images where they are elsewhere.

    Returns:
        Cases, those of them that a list holds out, and sentences that the user should know.

    Raises:
        InputError: nothing there, or a mask or image that cannot be matched.
    """
    if source.is_file():
        return _listed(source)
    if not source.is_dir():
        raise InputError(
            "There is no folder or list of cases.", path=source, hint="Check the name."
        )
    files = _files(source) + (_files(images) if images is not None else [])
    # The folder of images often holds that of the masks: each file counts once.
    files = list({real_path(path): path for path in reversed(files)}.values())[::-1]
    masks = [path for path in files if read_name(path).kind in MASKS]
    if not masks:
        raise InputError(
            "There are no masks of the cord in this folder.",
            path=source,
            hint="Name masks after their image: IMAGE_label-SC_softseg.nii.gz (as the panel saves"
            " them), IMAGE_label-SC_seg.nii.gz, IMAGE_seg-manual.nii.gz or IMAGE_seg.nii.gz.",
        )
    by_stem = _by_stem(files)
    matched, alone = defaultdict(list), []
    for mask in masks:
        image = _image_of(mask, by_stem)
        if image is None:
            alone.append(mask)
        else:
            matched[image].append(mask)
    if not matched:
        raise InputError(
            f"The image of this mask is not in '{source}'.",
            path=alone[0],
            hint="Put the images beside the masks, or give the folder of the images.",
        )
    participants, notes = _participants(sorted(matched))
    if alone:
        notes.append(f"Left out, since their images are not there: {_names(alone)}.")
    cases = []
    for image in sorted(matched):
        chosen, left = _chosen(image, matched[image])
        notes += (
            [f"Of '{image.name}' the mask '{chosen.name}' is taken, and {_names(left)} left out."]
            if left
            else []
        )
        cases.append(RealCase(image, chosen, None, participants[image]))
    return cases, [], notes


def _listed(path: Path) -> tuple[list[RealCase], list[RealCase], list[str]]:
    cases, held_out = load_cases(path), []
    if "validation" in json.loads(text_of(path)):
        held_out = load_cases(path, "validation")
    both = {case.participant for case in cases} & {case.participant for case in held_out}
    if both:
        raise InputError(
            f"Participant {min(both)} is under both 'training' and 'validation'.",
            path=path,
            hint="Move the cases to one of them.",
        )
    return cases + held_out, held_out, []


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError("There is no folder of images.", path=folder, hint="Check the name.")
    return list(nifti_files(folder))


def _by_stem(files: list[Path]) -> dict[str, list[Path]]:
    result = defaultdict(list)
    for path in files:
        result[stem_of(path)].append(path)
    return result


def _image_of(mask: Path, by_stem: dict[str, list[Path]]) -> Path | None:
    """Beside the mask, or where BIDS has it, or the one of that name anywhere in the folders."""
    near = image_of(mask)
    if near is not None:
        return near
    anywhere = by_stem.get(read_name(mask).image, [])
    if len(anywhere) > 1:
        raise InputError(
            f"The mask could belong to '{anywhere[0]}' or to '{anywhere[1]}'.",
            path=mask,
            hint="Put it beside its image, or give a list of cases (JSON).",
        )
    return anywhere[0] if anywhere else None


def _chosen(image: Path, masks: list[Path]) -> tuple[Path, list[Path]]:
    """The corrected mask, and the others. Spellings alone do not tell which one was corrected."""
    first, *others = sorted(masks, key=precedence)
    if others and precedence(first)[:2] == precedence(others[0])[:2]:
        raise InputError(
            f"The image has two masks, '{first}' and '{others[0]}', and neither their names nor"
            " their sidecars say which one was corrected.",
            path=image,
            hint="Take one away, or give a list of cases (JSON).",
        )
    return first, others


def _participants(images: list[Path]) -> tuple[dict[Path, str], list[str]]:
    """The participant of each image: by the BIDS name; else by folder, where there are several;
    else each is its own.
    """
    plain = [image for image in images if not participant_of(image)]
    folders = {image.parent for image in plain}
    result = {}
    for image in images:
        if image not in plain:
            result[image] = participant_of(image)
        else:
            result[image] = image.parent.name if len(folders) > 1 else stem_of(image)
    what = "folder" if len(folders) > 1 else "image"
    note = (
        f"Without BIDS names (sub-01_T2w.nii.gz) each {what} counts as a participant of its own. "
        "Where that is wrong, give a list of cases (JSON) that names the participants."
    )
    return result, [note] if plain else []


def _names(paths: list[Path]) -> str:
    shown = ", ".join(f"'{path.name}'" for path in paths[:3])
    return shown + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
