"""What a BIDS data set holds: images, and for each its label of the cord."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...files import file_stem

# Where labels lie and what they are called (spine-generic, old names and new); {} is the name of
# the image.
LABELS = {
    "soft": ("labels_softseg", ("{}_softseg", "{}_label-SC_softseg", "{}_label-SC_probseg")),
    "soft_bin": ("labels_softseg_bin", ("{}_desc-softseg_label-SC_seg", "{}_softseg_bin")),
    "hard": ("labels", ("{}_seg-manual", "{}_label-SC_seg", "{}_label-SC_mask", "{}_seg")),
}

# The paper's names of contrasts, and how data sets spell them.
CONTRASTS = {
    "T2*": r"(.*_)?T2star",
    "MT-on": r"(.*_)?mt-on_MTS|(.*_)?acq-MTon_MT[SR]",
    "GRE-T1w": r"(.*_)?mt-off_MTS|(.*_)?acq-T1w_MT[SR]",
    "DWI": r"(.*_)?dwi",
}

_NOT_IMAGES = re.compile(
    r"(seg|softseg|seg-manual|mask|label|labels|discs|dlabel|dseg|probseg|xfm)$"
)


@dataclass(frozen=True)
class Found:
    """One image of a data set.

    Attributes:
        participant: "sub-01".
        contrast: what the name says beside participant and session, "T2w" or "acq-MTon_MTS".
        image: its path.
        label: of the cord; None where the data set has none.
    """

    participant: str
    contrast: str
    image: Path
    label: Path | None


def contrast_of(image: Path) -> str:
    """What a name in the manner of BIDS says beside participant and session; the whole stem of
    another name.
    """
    parts = file_stem(image).split("_")
    kept = [part for part in parts if not part.startswith(("sub-", "ses-", "space-", "desc-"))]
    return "_".join(kept) or file_stem(image)


def is_contrast(contrast: str, wanted: str) -> bool:
    """Whether an image's contrast is the one that somebody calls ``wanted``."""
    return contrast == wanted or (
        wanted in CONTRASTS and re.fullmatch(CONTRASTS[wanted], contrast) is not None
    )


def find_images(dataset: Path, label: str, labels_of: Path | None = None) -> list[Found]:
    """All images of a data set, participants in order, each with its label.

    Args:
        dataset: folder with ``sub-*`` and ``derivatives``.
        label: a kind in :data:`LABELS`.
        labels_of: folder whose ``derivatives`` hold the labels, where it is not the data set.

    Raises:
        InputError: the folder holds no image of a participant.
    """
    folder, names = LABELS[label]
    labels: dict[str, Path] = {}
    derivatives = (labels_of or dataset) / "derivatives"
    for root in (derivatives, derivatives / folder):
        # The folder for labels of this kind comes last: it counts more than a copy elsewhere.
        labels.update({file_stem(path): path for path in sorted(root.rglob("sub-*.nii*"))})
    found = []
    for image in _images(dataset):
        stem = file_stem(image)
        candidates = [labels[name.format(stem)] for name in names if name.format(stem) in labels]
        found.append(
            Found(
                _participant(image, dataset),
                contrast_of(image),
                image,
                candidates[0] if candidates else None,
            )
        )
    if not found:
        raise InputError(
            f"'{dataset}' holds no image of a participant. Give the folder of a BIDS data set, with"
            f" sub-*/anat/*.nii.gz and derivatives/{folder}."
        )
    return found


def _images(dataset: Path) -> Iterator[Path]:
    for participant in sorted(dataset.glob("sub-*")):
        for path in sorted(participant.rglob("sub-*.nii*")):
            if not _NOT_IMAGES.search(file_stem(path)):
                yield path


def _participant(image: Path, dataset: Path) -> str:
    return image.relative_to(dataset).parts[0]
