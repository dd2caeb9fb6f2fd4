"""One mask of one image against the reference: on the image's own grid, with values from 0 to 1,
and its scores.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..volume import Grid, Volume, check_is_cord, is_scaled_image, mask_values, reorient
from .case_table import Case
from .mask_metrics import (
    average_surface_distance,
    count_components,
    count_false_positives,
    dice,
    relative_volume_error,
    soft_dice,
    volume_ratio,
)

# Headers are rounded when a program writes them again; this is far below any voxel.
_TOLERANCE_MM = 0.02


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
    known = None
    agreement = (math.nan,) * 5
    if reference is not None:
        known = reference.data >= threshold
        agreement = (
            dice(binary, known),
            soft_dice(mask.data, reference.data),
            relative_volume_error(binary, known),
            average_surface_distance(binary, known, mask.affine),
            volume_ratio(mask.data, reference.data),
        )
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


def on_grid(mask: Volume, grid: Grid, name: str = "The mask", other: str = "the image") -> Volume:
    """``mask`` with its axes stored as those of ``grid``.

    Args:
        mask: any orientation.
        grid: where it belongs.
        name, other: what the two are called in the error.

    Raises:
        InputError: its voxels lie elsewhere.
    """
    turned = reorient(mask, grid.letters)
    if turned.shape != grid.shape:
        raise InputError(
            f"{name} has {_times(turned.shape)} voxels and {other} {_times(grid.shape)}.",
            hint="Bring the mask to the image's own grid first, or give the mask of that image.",
        )
    if not turned.grid.same_as(grid, tolerance_mm=_TOLERANCE_MM):
        raise InputError(
            f"{name} has as many voxels as {other}, but elsewhere in the patient.",
            hint="Bring the mask to the image's own grid first, or correct its header.",
        )
    return turned


def checked_mask(mask: Volume, name: str, image: Callable[[], Volume] | None = None) -> Volume:
    """A mask with values from 0 to 1; what is none is refused.

    Args:
        mask: soft or binary.
        name: what it is called in the error.
        image: reads the image of a mask that a method made, and that may be as bad as the method:
            only the image itself, scaled, is refused then; None for a reference.

    Raises:
        InputError: an image, several labels, values that no mask has.
    """
    try:
        checked = mask_values(mask)
        try:
            check_is_cord(checked)
        except InputError:
            if image is None or is_scaled_image(checked, image()):
                raise
    except InputError as error:
        raise InputError(f"{name}: {error.sentence}", hint=error.hint) from error
    return checked


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(str(n) for n in shape)
