"""Which mask belongs to which image, by their names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ...files import NIFTI_ENDINGS, file_stem

# "sub-01_T2w_label-SC_softseg" (our panel, BIDS), "sub-01_T2w_seg-manual" (Spine Generic), "t2_seg"
# (SCT).
_MASK = re.compile(
    r"(?P<image>.+?)(?P<label>_label-(?:SC|cord|spinalcord))?(?:_desc-[^_]+)?_(?P<kind>softseg|seg)(?P<manual>-manual)?"
)
_OTHER = re.compile(r"_label-|_desc-")


@dataclass(frozen=True)
class MaskName:
    """A mask's name, read.

    Attributes:
        path: of the mask.
        image: the stem of its image.
        rank: the lower, the better: what a person named as label or as manual before what a program
            made, soft before binary.
    """

    path: Path
    image: str
    rank: int


def stem(path: Path) -> str | None:
    """The name without ``.nii`` or ``.nii.gz``; None for other files."""
    return file_stem(path) if path.name.lower().endswith(NIFTI_ENDINGS) else None


def mask_name(path: Path) -> MaskName | None:
    """The name of a cord's mask, read; None for anything else (an image, discs, another label's
    mask).
    """
    name = stem(path)
    match = _MASK.fullmatch(name) if name else None
    if match is None or _OTHER.search(match["image"]):
        return None
    by_hand = match["label"] or match["manual"]
    return MaskName(
        path, match["image"], (0 if by_hand else 2) + (0 if match["kind"] == "softseg" else 1)
    )


def raw_place(mask: MaskName) -> Path | None:
    """Where BIDS has the image of a mask below ``derivatives/NAME``, without its ending; None for a
    mask elsewhere.
    """
    folders = mask.path.parent.parts
    if "derivatives" not in folders:
        return None
    at = len(folders) - 1 - folders[::-1].index("derivatives")
    within = folders[at + 2 :]
    return Path(*folders[:at], *within, mask.image)


def with_ending(place: Path) -> Path | None:
    """The NIfTI file of that name without ending; None where there is none."""
    for ending in NIFTI_ENDINGS:
        path = place.with_name(place.name + ending)
        if path.is_file():
            return path
    return None
