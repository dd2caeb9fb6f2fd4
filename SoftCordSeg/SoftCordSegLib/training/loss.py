"""The paper's loss, adaptive wing on raw outputs, and one for finding small things; both with deep supervision."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn import functional

THETA, ALPHA, OMEGA, EPSILON = 0.5, 2.1, 8.0, 1.0


def adaptive_wing(output: torch.Tensor, label: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Adaptive wing loss (paper section 2.3.4, with the exponent alpha - y of the authors' code and of Wang et al. 2019).

    Args:
        output: raw network output, any shape.
        label: the same shape, 0 to 1.
        weight: the same shape; voxels of weight 0 do not count.

    Returns:
        The weighted mean, a scalar.  The authors sum instead, which Adam cannot tell from a mean.
    """
    difference = (label - output).abs()
    power = ALPHA - label
    ratio = THETA / EPSILON
    slope = OMEGA / (1 + ratio**power) * power * ratio ** (power - 1) / EPSILON
    offset = THETA * slope - OMEGA * torch.log1p(ratio**power)
    # A power of exactly 0 has an infinite gradient where the exponent is below 1; it never is (alpha - y >= 1.1).
    curved = OMEGA * torch.log1p((difference.clamp(max=THETA) / EPSILON) ** power)
    loss = torch.where(difference < THETA, curved, slope * difference - offset)
    return (loss * weight).sum() / weight.sum().clamp(min=1)


def dice_and_cross_entropy(output: torch.Tensor, label: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """1 - soft Dice, plus cross-entropy, of the sigmoid of the outputs; each image of the batch counts alike.

    For the locator: where the cord is one voxel in some hundreds, a regression loss teaches silence for a long time, and where
    the edge lies to a tenth of a voxel does not matter.

    Args:
        output: raw network output (B, 1, i, j, k).
        label, weight: the same shape, as for :func:`adaptive_wing`.
    """
    axes = tuple(range(1, output.ndim))
    entropy = functional.binary_cross_entropy_with_logits(output, label, weight, reduction="sum") / weight.sum().clamp(min=1)
    found = torch.sigmoid(output) * weight
    product = (found * label).sum(axes)
    total = (found + label * weight).sum(axes)
    # The constant makes silence right, and a stray voxel nearly so, where there is no cord.
    return entropy + (1 - (2 * product + 10) / (total + 10)).mean()


LOSSES = {"adaptive_wing": adaptive_wing, "dice_and_cross_entropy": dice_and_cross_entropy}


def deep_supervision_weights(levels: int) -> list[float]:
    """0.5^i / levels, full resolution first (authors' code, ``main.py``)."""
    return [math.pow(0.5, i) / levels for i in range(levels)]


def deeply_supervised(
    loss: str, outputs: list[torch.Tensor], label: torch.Tensor, weight: torch.Tensor, options: dict[str, Any] | None = None
) -> torch.Tensor:
    """The sum of a loss over decoder levels; label and weight are brought to each by trilinear interpolation.

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
            functional.interpolate(x, size=size, mode="trilinear", align_corners=False) for x in (label, weight)
        )
        total = total + share * LOSSES[loss](output.float(), small_label, small_weight, **options)
    return total


def normrelu(output: torch.Tensor) -> torch.Tensor:
    """The paper's NormReLU (section 2.3.3) of one image: relu(x) / max(relu(x)); all zero where nothing is positive."""
    positive = functional.relu(output)
    highest = positive.max()
    return positive / highest if highest > 0 else positive


# From raw outputs to soft values.
SOFT = {"clip": lambda output: output.clamp(0, 1), "sigmoid": torch.sigmoid, "normrelu": normrelu}


def soft_dice(prediction: torch.Tensor, label: torch.Tensor, counts: torch.Tensor, kind: str = "squared") -> float:
    """2 Σ p y / (Σ p² + Σ y²) over the voxels that count (1, not 0), for values in [0, 1]; 1 where both are empty.

    Args:
        prediction, label, counts: of one shape.
        kind: "plain" for Σ p + Σ y below, as in the authors' code.
    """
    product = (prediction * label * counts).sum()
    power = 2 if kind == "squared" else 1
    total = ((prediction**power + label**power) * counts).sum()
    return float(2 * product / total) if total > 1e-6 else 1.0
