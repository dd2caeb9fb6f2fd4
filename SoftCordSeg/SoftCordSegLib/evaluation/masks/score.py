"""One mask of one image, held against the reference."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...volume import Volume
from ..cases import Case
from .components import count_components, count_false_positives
from .overlap import dice, relative_volume_error, soft_dice, volume_ratio
from .surface import average_surface_distance


@dataclass(frozen=True)
class ImageScore:
    """A row of the table of images; NaN where a number has no meaning, for instance without a
    reference.

    Attributes:
        method, dataset, participant, contrast, image: what it is of.
        threshold: both masks were cut here (≥) for all but ``soft_dice`` and ``volume_ratio``.
        dice: 0 to 1.
        soft_dice: 2 Σ p y / (Σ p + Σ y).
        volume_error_percent: (V − V_ref) / V_ref.
        surface_distance_mm: mean, both ways.
        volume_ratio: Σ p / Σ y.
        volume_ml: of the mask, partial volumes counted.
        components: pieces of the mask.
        false_positives: pieces that are not cord; without a reference only for a whole field of
            view.
        seconds: of inference.
    """

    method: str
    dataset: str
    participant: str
    contrast: str
    image: str
    threshold: float
    dice: float
    soft_dice: float
    volume_error_percent: float
    surface_distance_mm: float
    volume_ratio: float
    volume_ml: float
    components: int
    false_positives: float
    seconds: float


def score(
    case: Case,
    method: str,
    mask: Volume,
    reference: Volume | None,
    threshold: float,
    seconds: float = math.nan,
) -> ImageScore:
    """Score a mask.

    Args:
        case: the image.
        method: name of the method.
        mask: soft or binary.
        reference: of the same grid, axes stored alike; None where there is none.
        threshold: where both are cut.
        seconds: of inference, if known.
    """
    binary = mask.data >= threshold
    known = None if reference is None else reference.data >= threshold
    agreement = (math.nan,) * 5 if known is None else _agreement(mask, binary, reference, known)
    fair = known is not None or case.whole_field
    return ImageScore(
        method,
        case.dataset,
        case.participant,
        case.contrast,
        case.image.name,
        threshold,
        *agreement,
        volume_ml=float(np.sum(mask.data, dtype=float) * mask.grid.voxel_volume / 1000.0),
        components=count_components(binary),
        false_positives=float(count_false_positives(binary, known)) if fair else math.nan,
        seconds=seconds,
    )


def _agreement(
    mask: Volume, binary: np.ndarray, reference: Volume, known: np.ndarray
) -> tuple[float, ...]:
    return (
        dice(binary, known),
        soft_dice(mask.data, reference.data),
        relative_volume_error(binary, known),
        average_surface_distance(binary, known, mask.affine),
        volume_ratio(mask.data, reference.data),
    )
