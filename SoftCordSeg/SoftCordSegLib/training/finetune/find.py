"""Corrected cases in a folder: each mask of a cord, and the image that it belongs to."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from ...bids import MASKS, image_of, nifti_files, participant_of, precedence, read_name, stem_of
from ...errors import InputError
from ..real import RealCase, load_cases


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
        raise InputError("There is no folder or list of cases.", path=place, hint="Check the name.")
    files = _files(place) + (_files(images) if images is not None else [])
    # The folder of images often holds that of the masks: each file counts once.
    files = list({path.resolve(): path for path in reversed(files)}.values())[::-1]
    masks = [path for path in files if read_name(path).kind in MASKS]
    if not masks:
        raise InputError(
            "There are no masks of the cord in this folder.",
            path=place,
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
            f"The image of this mask is not in '{place}'.",
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
    if "validation" in json.loads(path.read_text(encoding="utf-8")):
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
    """Whose each image is: by the BIDS name; else by folder, where there are several; else each is
    its own.
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
