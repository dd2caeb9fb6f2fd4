"""What a reader corrected of a case in the review, which is measured in the place of the network's
mask.
"""

from __future__ import annotations

from pathlib import Path

from ...bids import (
    DERIVATIVES,
    LABELS,
    Kind,
    Origin,
    label_name,
    origin_of,
)
from ..review.review_corrections import CORRECTED_LABELS


def label_folders(image: Path, dataset: Path, out: Path) -> list[Path]:
    """Where the review writes corrected masks and discs of an image: in the labels of the folder
    that was reviewed, the results' own first.
    """
    below = image.parent.relative_to(dataset) if dataset in image.parents else Path()
    return [
        root / DERIVATIVES / name / below
        for root in (out, dataset)
        for name in (LABELS, CORRECTED_LABELS)
    ]


def corrected_mask(image: Path, dataset: Path, out: Path) -> Path | None:
    """The soft mask of an image that was corrected by hand; None without one.

    Args:
        image: file.
        dataset: in which it lies.
        out: folder of the results.
    """
    names = [
        label_name(image, Kind.SOFT_MASK, standard_names=standard) for standard in (False, True)
    ]
    for folder in label_folders(image, dataset, out):
        for name in names:
            path = folder / name
            if path.is_file() and origin_of(path) is Origin.CORRECTED:
                return path
    return None
