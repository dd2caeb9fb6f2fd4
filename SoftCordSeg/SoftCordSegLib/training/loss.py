"""The paper's losses, adaptive wing and Dice, one without bias, and one for finding small things;
all with deep supervision.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional

THETA, ALPHA, OMEGA, EPSILON = 0.5, 2.1, 8.0, 1.0


def adaptive_wing(
    output: torch.Tensor,
    label: torch.Tensor,
    weight: torch.Tensor,
    theta: float = THETA,
    alpha: float = ALPHA,
    omega: float = OMEGA,
    epsilon: float = EPSILON,
    exponent: str = "wang",
    reduction: str = "mean",
) -> torch.Tensor:
    """Adaptive wing loss (paper section 2.3.4).

    The paper refers to Wang et al. 2019, section 4.2, and prints alpha as the exponent; there, and
    in the authors' code, it is alpha - y.  The weight mask of Wang et al. is not here: in the
    authors' code it is one everywhere.

    Args:
        output: raw network output, any shape.
        label: the same shape, 0 to 1.
        weight: the same shape; voxels of weight 0 do not count.
        theta, alpha, omega, epsilon: see the paper; the authors' class has omega 14 where nothing
            else is said.
        exponent: "wang" for alpha - y, "printed" for alpha.
        reduction: "mean" over the voxels that count, or "sum" (the authors' code).  Adam cannot
            tell one from the other at one resolution, but under deep supervision a sum leaves less
            to coarse levels, which have fewer voxels.

    Returns:
        A scalar.
    """
    difference = (label - output).abs()
    power = alpha - label if exponent == "wang" else torch.full_like(label, alpha)
    ratio = theta / epsilon
    slope = omega / (1 + ratio**power) * power * ratio ** (power - 1) / epsilon
    offset = theta * slope - omega * torch.log1p(ratio**power)
    # A power of exactly 0 has an infinite gradient where the exponent is below 1; it never is
    # (alpha - y >= 1.1).
    curved = omega * torch.log1p((difference.clamp(max=theta) / epsilon) ** power)
    loss = (torch.where(difference < theta, curved, slope * difference - offset) * weight).sum()
    return loss if reduction == "sum" else loss / weight.sum().clamp(min=1)


def squared_error(output: torch.Tensor, label: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Mean squared error of the raw outputs.

    Where an edge cannot be seen well, its best answer is the mean of all that it could be, so that
    areas stay right on average whatever the contrast; adaptive wing leans to the side that is the
    more probable there.

    Args:
        output: raw network output, any shape.
        label, weight: the same shape, as for :func:`adaptive_wing`.
    """
    return ((output - label) ** 2 * weight).sum() / weight.sum().clamp(min=1)


def squared_and_area_error(
    output: torch.Tensor,
    label: torch.Tensor,
    weight: torch.Tensor,
    area: float = 0.005,
    least: float = 20.0,
    large: float = 0.05,
    faint: float = 0.0,
) -> torch.Tensor:
    """Squared error of the voxels, plus the error of the cord's area in each axial slice.

    An edge that lies a tenth of a voxel off all around is a small error of every voxel and a large
    one of the area; what is measured in the end is the area.

    Args:
        output: raw network output (B, 1, i, j, k), the last axis along the body.
        label, weight: the same shape, as for :func:`adaptive_wing`; voxels of weight 0 count in
            neither area.
        area: how much areas count beside voxels.
        least: voxels; the error counts as a part of the area, or of this where the area is smaller.
        large: the part of an area above which its error counts linearly, not squared: where a cord
            ends its area is unknown.
        faint: values of the mask up to this have no part in the area that is found, as in masks,
            whose faintest rim and noise are dropped.
    """
    # The area of what a mask can be: what lies below 0 must not make up for too much elsewhere.
    mask = output.clamp(0, 1)
    found = (mask * (mask > faint) * weight).sum(dim=(2, 3))
    true = (label * weight).sum(dim=(2, 3))
    off = (found - true) / true.clamp(min=least)
    return squared_error(output, label, weight) + area * functional.smooth_l1_loss(
        off, torch.zeros_like(off), beta=large
    )


def dice(
    output: torch.Tensor, label: torch.Tensor, weight: torch.Tensor, smooth: float = 1.0
) -> torch.Tensor:
    """The paper's Dice loss of NormReLU over the whole batch, -(2 Σ p y + s) / (Σ p + Σ y + s)
    (``soft_all_dice_loss``).

    Args:
        output: raw network output, any shape.
        label, weight: the same shape, as for :func:`adaptive_wing`.
        smooth: s.
    """
    found = normrelu(output) * weight
    return -(2 * (found * label).sum() + smooth) / (found.sum() + (label * weight).sum() + smooth)


def dice_and_cross_entropy(
    output: torch.Tensor, label: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """1 - soft Dice, plus cross-entropy, of the sigmoid of the outputs; each image of the batch
    counts alike.

    For the locator: where the cord is one voxel in some hundreds, a regression loss teaches silence
    for a long time, and where the edge lies to a tenth of a voxel does not matter.

    Args:
        output: raw network output (B, 1, i, j, k).
        label, weight: the same shape, as for :func:`adaptive_wing`.
    """
    axes = tuple(range(1, output.ndim))
    entropy = functional.binary_cross_entropy_with_logits(
        output, label, weight, reduction="sum"
    ) / weight.sum().clamp(min=1)
    found = torch.sigmoid(output) * weight
    product = (found * label).sum(axes)
    total = (found + label * weight).sum(axes)
    # The constant makes silence right, and a stray voxel nearly so, where there is no cord.
    return entropy + (1 - (2 * product + 10) / (total + 10)).mean()


LOSSES = {
    "adaptive_wing": adaptive_wing,
    "squared_error": squared_error,
    "squared_and_area_error": squared_and_area_error,
    "dice": dice,
    "dice_and_cross_entropy": dice_and_cross_entropy,
}


def check_options(loss: str, options: Mapping[str, Any]) -> None:
    """Refuse what a loss does not know.

    Raises:
        ValueError: a sentence's end.
    """
    known = {
        name: one.default
        for name, one in list(inspect.signature(LOSSES[loss]).parameters.items())[3:]
    }
    choices = {"exponent": ("wang", "printed"), "reduction": ("mean", "sum")}
    for name, value in options.items():
        if name not in known:
            raise ValueError(
                f"'{name}' is not an option of the loss {loss}; it has {', '.join(known) or 'none'}"
            )
        if name in choices and value not in choices[name]:
            raise ValueError(f"'{name}' should be one of {', '.join(choices[name])}, not {value!r}")
        if name not in choices and (
            isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0
        ):
            raise ValueError(f"'{name}' should be a number above 0, not {value!r}")


def deep_supervision_weights(levels: int) -> list[float]:
    """0.5^i / levels, full resolution first (authors' code, ``main.py``)."""
    return [math.pow(0.5, i) / levels for i in range(levels)]


def deeply_supervised(
    loss: str,
    outputs: list[torch.Tensor],
    label: torch.Tensor,
    weight: torch.Tensor,
    options: dict[str, Any] | None = None,
) -> torch.Tensor:
    """The sum of a loss over decoder levels; label and weight are brought to each by trilinear
    interpolation.

    Args:
        loss: a name in :data:`LOSSES`.
        outputs: of the network in training mode, full resolution first, each (B, 1, i, j, k).
        label, weight: (B, 1, i, j, k) at full resolution.
        options: further arguments of the loss.
    """
    options = options or {}
    total = outputs[0].new_zeros(())
    for output, share in zip(outputs, deep_supervision_weights(len(outputs))):
        size = output.shape[2:]
        if size == label.shape[2:]:
            total = total + share * LOSSES[loss](output.float(), label, weight, **options)
            continue
        small_label, small_weight = (
            functional.interpolate(x, size=size, mode="trilinear", align_corners=False)
            for x in (label, weight)
        )
        total = total + share * LOSSES[loss](output.float(), small_label, small_weight, **options)
    return total


def normrelu(output: torch.Tensor) -> torch.Tensor:
    """The paper's NormReLU (section 2.3.3) of an image or a batch: relu(x) / max(relu(x)); all zero
    where nothing is positive.
    """
    positive = functional.relu(output)
    highest = positive.max()
    return positive / highest if highest > 0 else positive


def clipped(output: torch.Tensor) -> torch.Tensor:
    """Raw outputs as masks have them, clipped to 0 to 1, with the gradient of what is not clipped.

    A network whose soft values were spread (``recipes/soft_edge.py``) answers -0.5 where there is
    no cord and 1.4 inside it, which is right.  A loss of the raw output would pull all of it back,
    and the edge with it; this one leaves alone what is right, and moves what is clipped to the
    wrong side.
    """
    return output + (output.clamp(0, 1) - output).detach()


# From raw outputs to soft values.
SOFT = {"clip": lambda output: output.clamp(0, 1), "sigmoid": torch.sigmoid, "normrelu": normrelu}


def soft_dice(
    prediction: torch.Tensor, label: torch.Tensor, counts: torch.Tensor, kind: str = "squared"
) -> float:
    """2 Σ p y / (Σ p² + Σ y²) over the voxels that count (1, not 0), for values in [0, 1]; 1 where
    both are empty.

    Args:
        prediction, label, counts: of one shape.
        kind: "plain" for Σ p + Σ y below, as in the authors' code.
    """
    product = (prediction * label * counts).sum()
    power = 2 if kind == "squared" else 1
    total = ((prediction**power + label**power) * counts).sum()
    return float(2 * product / total) if total > 1e-6 else 1.0


def disagreement(
    soft: torch.Tensor,
    weight: torch.Tensor,
    twins: torch.Tensor,
    areas: float = 0.05,
    least: float = 20.0,
    large: float = 0.05,
) -> torch.Tensor:
    """Mean squared difference of twins, plus the difference of the areas of their axial slices; 0
    where there are no twins.

    The true mask need not be known for this: whatever it is, a contrast must not move it.

    Args:
        soft: (B, 1, i, j, k) output at full resolution, in the range where 0 is background and 1 is
            cord.
        weight: the same shape, 0 where a patch has no image; what either twin lacks counts in
            neither.
        twins: (P, 2) int64, rows that belong together.
        areas: how much areas count beside voxels.
        least: voxels; a difference of areas counts as a part of their mean, or of this where the
            mean is smaller.
        large: the part above which a difference of areas counts linearly, not squared.
    """
    if not len(twins):
        return soft.new_zeros(())
    first, second = soft[twins[:, 0]], soft[twins[:, 1]]
    both = weight[twins[:, 0]] * weight[twins[:, 1]]
    squared = ((first - second) ** 2 * both).sum() / both.sum().clamp(min=1)
    one, other = ((half.clamp(0, 1) * both).sum(dim=(2, 3)) for half in (first, second))
    # The scale must not be a way to agree: a larger mask would make the same difference count less.
    scale = ((one + other) / 2).detach().clamp(min=least)
    off = (one - other) / scale
    return squared + areas * functional.smooth_l1_loss(off, torch.zeros_like(off), beta=large)
