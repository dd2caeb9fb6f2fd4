"""What the name of an image or series says: which contrast, and what its volumes are.

Names of suffixes are those of BIDS ("Magnetic Resonance Imaging"), those of SCT's tutorials
(``t2s``, ``dmri``, ``fmri``), and those of the paper's contrasts.
"""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path

from .entities import PathLike, stem_of
from .label_names import Kind, read_name

MODALITIES = ("anat", "dwi", "func")
_ECHOES = ("T2star", "T2starw", "MEGRE", "MESE", "t2s", "t2star")
_DIFFUSION = ("dwi", "dmri")
_FUNCTIONAL = ("bold", "fmri")
# Computed from images, or not the magnitude that the scanner shows.
_NOT_ACQUIRED = ("label-", "desc-", "seg-", "part-phase", "part-real", "part-imag")
# rec- comes before these in the order of BIDS's entities.
_AFTER_REC = ("dir-", "run-", "mod-", "echo-", "flip-", "inv-", "mt-", "part-", "chunk-")
_AVERAGE = "rec-average"

# The paper's names of contrasts, and how data sets spell them.
CONTRASTS = {
    "T2*": r"(.*_)?T2star",
    "MT-on": r"(.*_)?mt-on_MTS|(.*_)?acq-MTon_MT[SR]",
    "GRE-T1w": r"(.*_)?mt-off_MTS|(.*_)?acq-T1w_MT[SR]",
    "DWI": r"(.*_)?dwi",
}


class SeriesKind(Enum):
    """What the volumes of a series are."""

    DIFFUSION = "diffusion"
    FUNCTIONAL = "functional"
    ECHOES = "echoes"
    OTHER = "other"


def series_of(name: str) -> SeriesKind:
    """What the volumes of a series of this name (without extension) are."""
    suffix = name.split("_")[-1]
    if suffix in _DIFFUSION:
        return SeriesKind.DIFFUSION
    if suffix in _FUNCTIONAL:
        return SeriesKind.FUNCTIONAL
    return SeriesKind.ECHOES if suffix in _ECHOES else SeriesKind.OTHER


def is_acquired(path: PathLike) -> bool:
    """Whether a file's name is that of an image from the scanner: NIfTI with a suffix, no mask, no
    label, not computed, not phase.
    """
    found = read_name(path)
    parts = found.image.split("_")
    return (
        found.kind is Kind.IMAGE
        and found.is_nifti
        and len(parts) > 1
        and not any(part.startswith(_NOT_ACQUIRED) for part in parts)
    )


def without_echo(path: PathLike) -> str:
    """The image's name without its echo and part, the same for all echoes of a scan."""
    return "_".join(
        part for part in stem_of(path).split("_") if not part.startswith(("echo-", "part-"))
    )


def echo_number(path: PathLike) -> int | None:
    """2 of sub-01_echo-2_MEGRE; None where the name has none."""
    found = re.search(r"(?:^|_)echo-(\d+)(?:_|$)", stem_of(path))
    return int(found.group(1)) if found else None


def is_average(name: str) -> bool:
    """Whether the name says that it is an average already: sub-01_rec-average_dwi."""
    return any(part.startswith("rec-") for part in name.split("_"))


def is_b0(name: str) -> bool:
    """Whether the name says that the series has no diffusion-weighted volumes:
    sub-01_acq-b0_dwi.
    """
    return "acq-b0" in name.split("_")


def average_name(name: str) -> str:
    """sub-01_rec-average_dwi of sub-01_dwi, the mean after motion correction (the name of Spine
    Generic).
    """
    *parts, _ = name.split("_")
    at = next(
        (index for index, part in enumerate(parts) if part.startswith(_AFTER_REC)), len(parts)
    )
    return "_".join([*parts[:at], *([] if is_average(name) else [_AVERAGE]), *parts[at:], "dwi"])


def modality_of(path: Path, name: str) -> str:
    """The folder of the session that an image belongs in: the one that it is in, else that of its
    name.
    """
    if path.parent.name in MODALITIES:
        return path.parent.name
    return {SeriesKind.DIFFUSION: "dwi", SeriesKind.FUNCTIONAL: "func"}.get(series_of(name), "anat")


def is_contrast(contrast: str, wanted: str) -> bool:
    """Whether a contrast, as files name it, is the one called ``wanted``: by the same name, or by
    the paper's.
    """
    return contrast == wanted or (
        wanted in CONTRASTS and re.fullmatch(CONTRASTS[wanted], contrast) is not None
    )
