"""What an exclusion list leaves out of images and of raw participants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ...bids import session_of, stem_of, without_echo
from ...errors import OptionError
from ...groundtruth import Exclusion, Exclusions, read_exclusions
from .raw_images import RawImage, RawParticipant


def without_excluded_images(
    images: Sequence[Path], exclusion_list: Path
) -> tuple[list[Path], list[str]]:
    """Images without those that a list names, by themselves or by their participant or session.

    Returns:
        Those that are left, and sentences on the others.

    Raises:
        InputError: the list cannot be read.
        OptionError: it leaves nothing.
    """
    exclusions = read_exclusions(exclusion_list)
    kept, sentences = [], []
    for image in images:
        entry = _entry(exclusions, session_of(image), [stem_of(image)])
        if entry is None:
            kept.append(image)
        else:
            sentences.append(f"'{image}' is left out{_because(entry)}")
    _check_not_empty(kept, exclusion_list)
    return kept, sentences


def without_excluded_raw(
    participants: Sequence[RawParticipant], exclusion_list: Path
) -> tuple[list[RawParticipant], list[str]]:
    """The same of participants whose images are to be prepared; a name may be that of a file, or of
    the image that is made of it.

    Raises:
        InputError, OptionError: as :func:`without_excluded_images`.
    """
    exclusions = read_exclusions(exclusion_list)
    kept, sentences = [], []
    for one in participants:
        entry = exclusions.of_subject(one.name)
        if entry is not None:
            sentences.append(f"{one.name} is left out{_because(entry)}")
            continue
        images: list[RawImage] = []
        for image in one.images:
            entry = _entry(exclusions, "", _names(image))
            if entry is None:
                images.append(image)
            else:
                sentences.append(f"{one.name}: {image.contrast} is left out{_because(entry)}")
        if images:
            kept.append(replace(one, images=tuple(images)))
    _check_not_empty(kept, exclusion_list)
    return kept, sentences


def _names(image: RawImage) -> list[str]:
    files = [name for path in image.files for name in (stem_of(path), without_echo(path))]
    return [image.name, *files]


def _entry(exclusions: Exclusions, session: str, names: Iterable[str]) -> Exclusion | None:
    if session and (found := exclusions.of_subject(session)) is not None:
        return found
    return next(filter(None, map(exclusions.of_image, names)), None)


def _because(entry: Exclusion) -> str:
    return f": {entry.reason}." if entry.reason else " by the exclusion list."


def _check_not_empty(kept: Sequence[object], exclusion_list: Path) -> None:
    if not kept:
        raise OptionError(
            "The exclusion list leaves out everything.",
            path=exclusion_list,
            hint="Take a line out of it, or give other images.",
        )
