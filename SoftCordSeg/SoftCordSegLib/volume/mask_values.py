"""One rule for the values of a mask of the cord, for all that read one: what is scaled, what is
clipped, what is no mask.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from .volume import Volume

# What lies within this of 0 or 1 is rounding.
ROUNDING = 1e-3

# A spline swings beyond 0 and 1 beside an edge by up to about 0.2; its core stays near 1.
_SWING = 0.5
_CORE, _CORE_PEAK = 0.5, 1.02

# The scales on which programs store soft masks as percentages or as bytes.
_FULL_SCALES = (100.0, 255.0)

# A label image has at most so many different values; one with more is an image or a soft mask.
_MOST_LABELS = 30


@dataclass(frozen=True)
class _Shares:
    """How the values above 0 are distributed; shares from 0 to 1."""

    filled: float  # of the voxels of the image
    between: float  # of the filled ones: neither about 0 nor about the peak
    core: float  # of those above a tenth of the peak: within a tenth of it


def mask_values(mask: Volume) -> Volume:
    """A mask as values from 0 to 1, with notes on what was read otherwise.

    A mask with one value is binary, whatever the value; 0 to 100 and 0 to 255 are scaled; the swing
    of a spline beyond 0 and 1 is clipped.  An empty mask is returned as it is.

    Args:
        mask: soft or binary, any orientation and type.

    Returns:
        The same grid; the same array where its values are from 0 to 1 already.

    Raises:
        InputError: NaN or infinite values, several labels, values that no mask has, an image.
    """
    data = mask.data.view(np.uint8) if mask.data.dtype == np.bool_ else mask.data
    low, high = float(data.min()), float(data.max())
    if not np.isfinite(low + high):
        raise InputError(
            "The mask has NaN or infinite voxels.",
            hint="Replace them (for example by 0) and try again.",
        )
    if low >= 0.0 and high <= 1.0:
        return mask if data is mask.data else replace(mask, data=data)
    if high <= 1.0 + ROUNDING and low >= -ROUNDING:
        return replace(mask, data=np.clip(data, 0, 1))
    if low < -_SWING:
        raise InputError(
            f"The mask has values from {low:g} to {high:g}; a mask of the cord goes from 0 to 1.",
            hint="Give the mask, not an image.",
        )
    if high <= 1.0 + _SWING:
        return _without_swing(mask, data, low, high)
    return _from_another_scale(mask, data, high)


def label_of(mask: Volume, label: int) -> Volume:
    """One label of an image with several, as a binary mask.

    Raises:
        InputError: no voxel has this label.
    """
    chosen = mask.data == label
    if not chosen.any():
        present = np.unique(mask.data[mask.data > 0])[:_MOST_LABELS]
        raise InputError(
            f"No voxel has the label {label}; there are"
            f" {', '.join(f'{value:g}' for value in present) or 'none'}.",
            hint="Choose one of them.",
        )
    return replace(mask, data=chosen.astype(np.uint8))


def check_is_cord(mask: Volume, image: Volume | None = None) -> None:
    """Refuse what cannot be a mask of the cord: an image, or the marked background.

    Args:
        mask: values from 0 to 1.
        image: that it was drawn on, on the same grid; None where it is not known.

    Raises:
        InputError: it is none.
    """
    data = mask.data
    if not (data > 0).any():
        return
    shares = _shares(data)
    if image is not None and shares.core < 0.1 and is_scaled_image(mask, image):
        raise InputError("This is the image itself, scaled, and no mask.", hint="Give the mask.")
    if (shares.filled > 0.3 and shares.between > 0.85) or (
        shares.filled > 0.05 and shares.between > 0.9 and shares.core < 0.02
    ):
        raise InputError(
            "This looks like an image, not like a mask of the cord:"
            f" {100 * shares.filled:.0f} % of its voxels are above 0, and almost all of them are"
            " between 0 and 1.",
            hint="Give the mask.",
        )
    if shares.filled > 0.9:
        raise InputError(
            f"The mask fills {100 * shares.filled:.0f} % of the image: it marks the background, or"
            " everything.",
            hint="Give a mask of the cord alone.",
        )


def _shares(data: np.ndarray) -> _Shares:
    step = max(1, round((data.size / 4_000_000) ** (1 / 3)))  # some millions of voxels suffice
    values = data[::step, ::step, ::step]
    values = values[values > ROUNDING]
    if not values.size:
        return _Shares(0.0, 0.0, 1.0)
    peak = float(values.max())
    sampled = data[::step, ::step, ::step].size
    above = values[values > 0.1 * peak]
    return _Shares(
        values.size / sampled,
        float(np.mean((values > 0.001 * peak) & (values < 0.999 * peak))),
        float(np.mean(above > 0.9 * peak)),
    )


def is_scaled_image(mask: Volume, image: Volume) -> bool:
    """Whether a mask is its image times a factor, plus a constant, on the same grid."""
    if image.shape != mask.shape:
        return False
    step = max(1, round((mask.data.size / 100_000) ** (1 / 3)))
    first, second = (
        np.asarray(one.data[::step, ::step, ::step], dtype=float).ravel() for one in (image, mask)
    )
    if first.std() == 0 or second.std() == 0 or len(np.unique(second)) < 3:
        return False
    return float(np.corrcoef(first, second)[0, 1]) > 0.99


def _without_swing(mask: Volume, data: np.ndarray, low: float, high: float) -> Volume:
    core = data[data > _CORE]
    if len(core) and float(np.median(core)) > _CORE_PEAK:
        raise InputError(
            f"The mask's values reach {high:g}, and most of its core is above 1; a soft mask goes"
            " from 0 to 1.",
            hint="Find out how the mask was scaled, and export it again from 0 to 1.",
        )
    count = int((data > 1 + ROUNDING).sum() + (data < -ROUNDING).sum())
    note = (
        f"{count} voxels of the mask are below 0 or above 1 ({low:.2f} to {high:.2f}), as"
        " resampling by a spline leaves them: they were clipped."
    )
    return replace(mask, data=np.clip(data, 0, 1), notes=(*mask.notes, note))


def _from_another_scale(mask: Volume, data: np.ndarray, high: float) -> Volume:
    values = np.unique(data[data > 1e-6])
    if len(values) == 1:
        note = f"The mask's one value, {high:g}, was read as 1."
        return replace(mask, data=(data > 1e-6).astype(np.uint8), notes=(*mask.notes, note))
    whole = bool(np.array_equal(values, np.round(values)))
    if whole and len(values) <= _MOST_LABELS and not _is_full_scale(data, values):
        shown = ", ".join(f"{value:g}" for value in values[:6]) + (" …" if len(values) > 6 else "")
        raise InputError(
            f"This is a label image (values {shown}), not a mask of the cord.",
            hint="Give the mask, or choose one of the labels.",
        )
    if _is_full_scale(data, values):
        scaled = np.clip(data.astype(np.float32) / np.float32(high), 0, 1)
        note = f"The mask goes from 0 to {high:g}: it was divided by {high:g}."
        return replace(mask, data=scaled, notes=(*mask.notes, note))
    if whole:
        raise InputError(
            f"This looks like an image, not like a mask of the cord: it has {len(values)}"
            f" different values up to {high:g}.",
            hint="Give the mask.",
        )
    raise InputError(
        f"The mask's values reach {high:g}; a soft mask goes from 0 to 1.",
        hint="Find out how the mask was scaled, and export it again from 0 to 1.",
    )


def _is_full_scale(data: np.ndarray, values: np.ndarray) -> bool:
    """Whether this is a soft mask from 0 to 100 or 255: much of it is at its peak, and that is the
    end of the scale.
    """
    if not any(abs(float(values[-1]) - full) <= 1e-3 * full for full in _FULL_SCALES):
        return False
    shares = _shares(data)
    return shares.filled < 0.9 and shares.core > 0.02 and len(values) > 2
