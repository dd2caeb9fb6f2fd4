"""What the name of an image says: whose it is, which contrast, and what has to be done with it."""

from __future__ import annotations

import re
from pathlib import Path

from ...files import file_stem
from ..bids_names import session_of

DIFFUSION, FUNCTIONAL, ECHOES, OTHER = "diffusion", "functional", "echoes", "other"
MODALITIES = ("anat", "dwi", "func")
# Multi-echo images, whose volumes are echoes; "t2s" is SCT's name.
_ECHOES = ("T2star", "T2starw", "MEGRE", "MESE", "t2s", "t2star")
_DIFFUSION = ("dwi", "dmri")
_FUNCTIONAL = ("bold", "fmri")
# What is not an image of the body: masks, labels and what was computed from images.
_DERIVED = ("label-", "desc-", "seg-")
_LABELS = re.compile(r"(seg|mask|dlabel|discs?|xfm|manual)$")
_OTHER_PARTS = ("part-phase", "part-real", "part-imag")
# The place of rec- among BIDS's entities is before these.
_AFTER_REC = ("dir-", "run-", "mod-", "echo-", "flip-", "inv-", "mt-", "part-", "chunk-")
_AVERAGE = "rec-average"


def is_image(path: Path) -> bool:
    """Whether a file is an image of a participant: not a mask, not a label, not phase."""
    parts = file_stem(path).split("_")
    return (
        path.name.endswith((".nii.gz", ".nii"))
        and len(parts) > 1
        and not any(part.startswith(_DERIVED) or part in _OTHER_PARTS for part in parts)
        and not _LABELS.search(parts[-1])
    )


def without_echo(path: Path) -> str:
    """The image's name without its echo and part, the same for all echoes of a scan."""
    return "_".join(
        part for part in file_stem(path).split("_") if not part.startswith(("echo-", "part-"))
    )


def echo_number(path: Path) -> int | None:
    """2 of sub-01_echo-2_MEGRE; None where the name has none."""
    found = re.search(r"(?:^|_)echo-(\d+)(?:_|$)", file_stem(path))
    return int(found.group(1)) if found else None


def kind_of(name: str) -> str:
    """What the volumes of a series of this name are."""
    suffix = name.split("_")[-1]
    if suffix in _DIFFUSION:
        return DIFFUSION
    if suffix in _FUNCTIONAL:
        return FUNCTIONAL
    return ECHOES if suffix in _ECHOES else OTHER


def is_average(name: str) -> bool:
    """Whether the name says that it is an average already: sub-01_rec-average_dwi."""
    return any(part.startswith("rec-") for part in name.split("_"))


def is_b0(name: str) -> bool:
    """Whether the name says that the series has no diffusion-weighted volumes:
    sub-01_acq-b0_dwi.
    """
    return "acq-b0" in name.split("_")


def average_name(name: str) -> str:
    """sub-01_rec-average_dwi of sub-01_dwi, the authors' name of the mean after motion
    correction.
    """
    *parts, _ = name.split("_")
    at = next(
        (index for index, part in enumerate(parts) if part.startswith(_AFTER_REC)), len(parts)
    )
    return "_".join([*parts[:at], *([] if is_average(name) else [_AVERAGE]), *parts[at:], "dwi"])


def contrast_of(name: str) -> str:
    """The name without subject and session, as ``softcord softgt`` calls contrasts."""
    person = session_of(Path(name))
    return name[len(person) + 1 :] if person else name


def modality_of(path: Path, name: str) -> str:
    """The folder of the session that an image belongs in."""
    if path.parent.name in MODALITIES:
        return path.parent.name
    return {DIFFUSION: "dwi", FUNCTIONAL: "func"}.get(kind_of(name), "anat")
