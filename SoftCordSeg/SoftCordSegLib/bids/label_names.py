"""The names of masks, disc labels and what else belongs to an image: all spellings are read, one is
written.

Spellings are those of the Spine Generic data sets (data-multi-subject #157, #159), of
manual-correction (its ``-suffix-files-*`` options), of SCT's commands, of BIDS derivatives
("Segmentations": ``_probseg``, ``_dseg``, ``_mask``), and older ones of our own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from pathlib import Path

from .entities import (
    NIFTI_EXTENSIONS,
    Entities,
    PathLike,
    image_identity,
    parse_entities,
    session_of,
    split_extension,
)


class Kind(Enum):
    """What a file holds."""

    IMAGE = "image"
    SOFT_MASK = "soft mask of the cord, 0 to 1"
    BINARY_MASK = "mask of the cord, 0 or 1"
    CUT_SOFT_MASK = "soft ground truth at or above 0.5"
    DISCS = "disc labels"
    WARPED_DISCS = "disc labels carried over from another image"
    EDIT_MAP = "what was added and removed by hand: 1, -1, else 0"
    TRANSFORM = "transform between images"
    OTHER_LABEL = "label of something else, or computed from a mask"


MASKS = (Kind.SOFT_MASK, Kind.BINARY_MASK)


@dataclass(frozen=True)
class FileName:
    """What a file's name says.

    Attributes:
        kind: of the file (of a JSON file: of the one that it stands beside).
        image: name, without extension, of the image that it belongs to; an image's own.
        extension: as ".nii.gz"; "" for an unknown one.
        description: the value of ``desc-`` ("rater3"), where it does not hold the contrast.
        is_label: named as a label, or as drawn by hand, and not only as a program's output is.
        rank: of the spelling among those of its kind: 0 for the one that is written today.
    """

    kind: Kind
    image: str
    extension: str = ""
    description: str = ""
    is_label: bool = False
    rank: int = 0

    @property
    def is_nifti(self) -> bool:
        """Whether it is ``.nii`` or ``.nii.gz``."""
        return self.extension.lower() in NIFTI_EXTENSIONS

    @property
    def session(self) -> str:
        """Participant and session of the image; see :func:`.entities.session_of`."""
        return session_of(self.image)

    def is_of(self, image: str) -> bool:
        """Whether it belongs to an image of this name, whatever space it was resampled to."""
        identity = image_identity(self.image)
        return self.image == image or (identity != () and identity == image_identity(image))


# What stands behind an image's name, for each kind; the first is written.
_SPELLINGS: dict[Kind, tuple[str, ...]] = {
    Kind.SOFT_MASK: (
        "label-SC_softseg",
        "softseg",
        "label-SC_probseg",
        "label-SC_softseg-manual",
        "softseg-manual",
        "label-cord_softseg",
        "label-spinalcord_softseg",
    ),
    Kind.BINARY_MASK: (
        "label-SC_seg",
        "seg-manual",
        "label-SC_mask",
        "label-SC_seg-manual",
        "label-SC_dseg",
        "label-cord_seg",
        "label-spinalcord_seg",
        "seg",
    ),
    Kind.CUT_SOFT_MASK: ("desc-softseg_label-SC_seg", "softseg_bin"),
    Kind.DISCS: (
        "label-discs_dlabel",
        "label-disc_dlabel",
        "labels-disc-manual",
        "label-disc-manual",
        "labels-disc",
        "label-disc",
        "label-discs",
        "discs-manual",
        "seg_labeled_discs",
        "totalspineseg_discs",
        "discs",
    ),
    Kind.WARPED_DISCS: ("label-discs_desc-warp_dlabel",),
    Kind.EDIT_MAP: ("label-SC_edits",),
}
# The same under the names that the BIDS validator accepts: what follows the contrast in desc-, the
# entity before it and the suffix.
_STANDARD: dict[Kind, tuple[str, str, str]] = {
    Kind.SOFT_MASK: ("label-SC_", "", "probseg"),
    Kind.CUT_SOFT_MASK: ("label-SC_", "Softseg", "mask"),
    Kind.BINARY_MASK: ("label-SC_", "", "mask"),
    Kind.WARPED_DISCS: ("", "WarpedDiscs", "dseg"),
    Kind.DISCS: ("", "Discs", "dseg"),
    Kind.EDIT_MAP: ("", "Edits", "dseg"),
}
# Entities that the validator refuses in a mask's name (BIDS schema, rules/files/deriv/imaging):
# they go into desc- too, in front of the suffix.
_FOLDED = re.compile(r"flip-\d+|inv-\d+|mt-(on|off)")
_UNFOLD = re.compile(r"(?:(flip)(\d+))?(?:(inv)(\d+))?(?:(mt)(on|off))?(.*)")
# These come behind them in the order of entities.
_BEHIND_FOLDED = ("part-", "proc-", "hemi-", "space-", "split-", "recording-", "chunk-", "res-")
# Labels of other things, and what is computed from a mask.
_OTHER = re.compile(
    r"(?P<image>.+?)_("
    r"label-[a-z0-9]+(_.+)?|labels?-[a-z0-9-]*manual|([a-z0-9]*seg(-manual|_manual)?_labeled)"
    r"|[a-z]{2,}seg([-_]manual)?|mask|dlabel|dseg|probseg|labels?|lesions?|pmj|centerline"
    r"|compression|xfm)",
    re.IGNORECASE,
)


def read_name(path: PathLike) -> FileName:
    """What a file's name says of it; a name that is no label's is an image's."""
    return _read_name(Path(path).name)


# Lists of a thousand cases ask again and again for the same names.
@lru_cache(maxsize=1 << 14)
def _read_name(name: str) -> FileName:
    stem, extension = split_extension(name)
    parts = stem.split("_")
    if parts[-1].casefold() == "xfm":
        return FileName(Kind.TRANSFORM, session_of(stem), extension)
    found = _read_standard(stem) or _read_lab(parts) or _read_other(stem)
    if found is None:
        return FileName(Kind.IMAGE, stem, extension)
    return replace(found, extension=extension)


def label_name(
    image: PathLike, kind: Kind, *, standard_names: bool = False, extension: str = ".nii.gz"
) -> str:
    """The name that is written.

    Args:
        image: the image's file or its name; folders and extension are left off.
        kind: any but IMAGE, TRANSFORM and OTHER_LABEL.
        standard_names: names that the BIDS validator accepts, with the contrast in ``desc-``; an
            image whose own name is not BIDS keeps the usual ones.
        extension: of the file.
    """
    stem = split_extension(image)[0]
    entities = parse_entities(stem) if standard_names else None
    if entities is None or not entities.suffix:
        return f"{stem}_{_SPELLINGS[kind][0]}{extension}"
    label, ending, suffix = _STANDARD[kind]
    folded = [part for part in entities.parts if _FOLDED.fullmatch(part)]
    kept = [part for part in entities.parts if part not in folded and part[:5] != "desc-"]
    contrast = "".join(part.replace("-", "") for part in folded)
    contrast += f"{entities.value('desc')}{entities.suffix}"
    return f"{'_'.join(kept)}_{label}desc-{contrast}{ending}_{suffix}{extension}"


def spellings(image: PathLike, *kinds: Kind) -> tuple[str, ...]:
    """Every name, without extension, that an image's label of these kinds is known to have; the one
    that is written comes first.
    """
    stem = split_extension(image)[0]
    names = [f"{stem}_{tail}" for kind in kinds for tail in _SPELLINGS[kind]]
    names += [label_name(stem, kind, standard_names=True, extension="") for kind in kinds]
    return tuple(dict.fromkeys(names))


def transform_name(session: str, source: str, target: str) -> str:
    """The transform that resamples images of the contrast ``source`` on the grid of ``target``
    (BIDS extension proposal 14; fMRIPrep's names).
    """
    one, other = (re.sub(r"[^A-Za-z0-9]", "", contrast) for contrast in (source, target))
    return f"{session}_from-{one}_to-{other}_mode-image_xfm.nii.gz"


@dataclass(frozen=True)
class _Tail:
    """What stands behind an image's name in one spelling: parts in order, and ``desc-``'s value
    where it belongs to the spelling.
    """

    kind: Kind
    rank: int
    parts: tuple[str, ...]
    description: str
    is_label: bool

    @classmethod
    def of(cls, kind: Kind, rank: int, spelling: str) -> _Tail:
        parts = spelling.casefold().split("_")
        description = next((p[len("desc-") :] for p in parts if p.startswith("desc-")), "")
        return cls(
            kind,
            rank,
            tuple(part for part in parts if not part.startswith("desc-")),
            description,
            "label" in spelling or "manual" in spelling,
        )


# A description asked for counts more than none, a long spelling more than a short one that it ends
# with.
_TAILS = sorted(
    (
        _Tail.of(kind, rank, spelling)
        for kind, tails in _SPELLINGS.items()
        for rank, spelling in enumerate(tails)
    ),
    key=lambda tail: (-len(tail.parts), not tail.description),
)

_TAILS_BY_END: dict[str, list[_Tail]] = {}
for _tail in _TAILS:
    _TAILS_BY_END.setdefault(_tail.parts[-1], []).append(_tail)


def _read_lab(parts: list[str]) -> FileName | None:
    """A name whose image comes first, whole: ``sub-01_T2w_label-SC_seg``; with ``desc-`` anywhere
    behind the image.
    """
    own = (part for part in reversed(parts) if not part.casefold().startswith("desc-"))
    for tail in _TAILS_BY_END.get(next(own, "").casefold(), ()):
        rest, descriptions = _without_tail(parts, tail.parts)
        if not rest or any(part.casefold().startswith(("label-", "labels-")) for part in rest):
            continue
        if tail.description and tail.description not in descriptions:
            continue
        description = "_".join(descriptions)
        return FileName(tail.kind, "_".join(rest), "", description, tail.is_label, tail.rank)
    return None


def _without_tail(parts: list[str], tail: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """What stands before ``tail``, and the descriptions around and within it; nothing where the
    name does not end so.
    """
    rest, descriptions = list(parts), []
    for part in (*reversed(tail), None):
        while rest and rest[-1].casefold().startswith("desc-"):
            descriptions.append(rest.pop()[len("desc-") :])
        if part is not None and (not rest or rest.pop().casefold() != part):
            return [], []
    return rest, descriptions


def _read_standard(stem: str) -> FileName | None:
    """A name with the contrast in ``desc-``: ``sub-01_label-SC_desc-T2w_mask``."""
    entities = parse_entities(stem)
    contrast = "" if entities is None else entities.value("desc")
    if entities is None or not contrast:
        return None
    has_label = "label-sc" in [part.casefold() for part in entities.parts]
    for kind, (label, ending, suffix) in _STANDARD.items():
        if entities.suffix == suffix and bool(label) == has_label and _ends(contrast, ending):
            image = _unfolded(entities, contrast[: len(contrast) - len(ending)])
            return FileName(kind, image, is_label=True, rank=len(_SPELLINGS[kind]))
    return None


def _unfolded(entities: Entities, contrast: str) -> str:
    """The image's name of a label's entities and of the contrast in ``desc-``."""
    found = _UNFOLD.fullmatch(contrast)
    *folded, suffix = found.groups() if found else (contrast,)
    own = [part for part in entities.parts if not part.startswith(("desc-", "label-"))]
    at = next((n for n, part in enumerate(own) if part.startswith(_BEHIND_FOLDED)), len(own))
    own[at:at] = [f"{key}-{value}" for key, value in zip(folded[::2], folded[1::2]) if key]
    return "_".join([*own, *([suffix] if suffix else [])])


def _ends(contrast: str, ending: str) -> bool:
    return contrast.endswith(ending) or contrast.casefold() == ending.casefold()


def _read_other(stem: str) -> FileName | None:
    found = _OTHER.fullmatch(stem)
    if found is None:
        return None
    return FileName(Kind.OTHER_LABEL, re.sub(r"_desc-[^_]+$", "", found["image"]), is_label=True)
