"""Corrected cases in a folder: each mask of a cord, and the image that it belongs to."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path

from ...errors import InputError
from ..real_cases import RealCase, load_cases
from .names import MaskName, mask_name, raw_place, stem, with_ending


def find_cases(
    place: Path, images: Path | None = None
) -> tuple[list[RealCase], list[RealCase], list[str]]:
    """The cases in a folder, or those of a list.

    Args:
        place: a folder with masks beside their images, or of BIDS derivatives, or both; or a list
            (see ``training.real``), whose part "validation", if it has one, is held out.
        images: folder of the images where they are elsewhere.

    Returns:
        Cases, those of them that a list holds out, and sentences that the user should know.

    Raises:
        InputError: nothing there, or a mask or image that is not plain to match.
    """
    if place.is_file():
        return _listed(place)
    if not place.is_dir():
        raise InputError(f"There is no folder or list of cases '{place}'. Check the name.")
    files = _files(place) + (_files(images) if images is not None else [])
    # The folder of images often holds that of the masks: each file counts once.
    files = list({path.resolve(): path for path in reversed(files)}.values())[::-1]
    masks = [found for found in map(mask_name, files) if found is not None]
    if not masks:
        raise InputError(
            f"There are no masks of the cord in '{place}'. They should be named after their image:"
            " IMAGE_label-SC_softseg.nii.gz (as the panel saves them), IMAGE_softseg.nii.gz,"
            " IMAGE_seg-manual.nii.gz or IMAGE_seg.nii.gz."
        )
    by_stem = _images_by_stem(files)
    matched, alone = defaultdict(list), []
    for mask in masks:
        image = _image_of(mask, by_stem)
        if image is None:
            alone.append(mask.path)
        else:
            matched[image].append(mask)
    if not matched:
        raise InputError(
            f"The image of the mask '{alone[0]}' is not in '{place}'. Put the images beside the"
            " masks, or say with --images where they are."
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
    if "validation" in json.loads(path.read_text(encoding="utf-8")):
        held_out = load_cases(path, "validation")
    both = {case.participant for case in cases} & {case.participant for case in held_out}
    if both:
        raise InputError(
            f"'{path}' has participant {min(both)} under both 'training' and 'validation'. Move the"
            " cases to one of them."
        )
    return cases + held_out, held_out, []


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"There is no folder of images '{folder}'. Check the name.")
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(parent) / name
            for name in sorted(names)
            if not name.startswith(".") and stem(Path(name))
        ]
    return found


def _images_by_stem(files: list[Path]) -> dict[str, list[Path]]:
    result = defaultdict(list)
    for path in files:
        result[stem(path)].append(path)
    return result


def _image_of(mask: MaskName, by_stem: dict[str, list[Path]]) -> Path | None:
    """Beside the mask, or where BIDS has it, or the one of that name anywhere in the folders."""
    place = raw_place(mask)
    near = with_ending(mask.path.parent / mask.image) or (
        with_ending(place) if place is not None else None
    )
    if near is not None:
        return near
    anywhere = by_stem.get(mask.image, [])
    if len(anywhere) > 1:
        raise InputError(
            f"The mask '{mask.path}' could belong to '{anywhere[0]}' or to '{anywhere[1]}'. Put it"
            " beside its image, or give a list of cases (JSON)."
        )
    return anywhere[0] if anywhere else None


def _chosen(image: Path, masks: list[MaskName]) -> tuple[Path, list[Path]]:
    masks = sorted(masks, key=lambda mask: mask.rank)
    if len(masks) > 1 and masks[0].rank == masks[1].rank:
        raise InputError(
            f"The image '{image}' has two masks, '{masks[0].path}' and '{masks[1].path}', and which"
            " one is the corrected one is not plain. Take one away, or give a list of cases"
            " (JSON)."
        )
    return masks[0].path, [mask.path for mask in masks[1:]]


def _participants(images: list[Path]) -> tuple[dict[Path, str], list[str]]:
    """Whose each image is: by the BIDS name; else by folder, where there are several; else each is
    its own.
    """
    plain = [image for image in images if not image.name.startswith("sub-")]
    folders = {image.parent for image in plain}
    result = {}
    for image in images:
        if image not in plain:
            result[image] = image.name.split("_")[0].split(".")[0]
        else:
            result[image] = str(image.parent.name if len(folders) > 1 else stem(image))
    what = "folder" if len(folders) > 1 else "image"
    note = (
        f"Without BIDS names (sub-01_T2w.nii.gz) each {what} counts as a participant of its own. "
        "Where that is wrong, give a list of cases (JSON) that names the participants."
    )
    return result, [note] if plain else []


def _names(paths: list[Path]) -> str:
    shown = ", ".join(f"'{path.name}'" for path in paths[:3])
    return shown + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
