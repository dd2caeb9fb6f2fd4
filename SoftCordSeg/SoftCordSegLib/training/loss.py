"""The paper's loss: adaptive wing on raw outputs, with deep supervision."""

from __future__ import annotations

import math

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


def deep_supervision_weights(levels: int) -> list[float]:
    """0.5^i / levels, full resolution first (authors' code, ``main.py``)."""
    return [math.pow(0.5, i) / levels for i in range(levels)]


def deeply_supervised(outputs: list[torch.Tensor], label: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The sum over decoder levels; label and weight are brought to each level by trilinear interpolation.

    Args:
        outputs: of the network in training mode, full resolution first, each (B, 1, i, j, k).
        label, weight: (B, 1, i, j, k) at full resolution.
    """
    total = outputs[0].new_zeros(())
    for output, share in zip(outputs, deep_supervision_weights(len(outputs))):
        size = output.shape[2:]
        if size == label.shape[2:]:
            total = total + share * adaptive_wing(output.float(), label, weight)
            continue
        small_label, small_weight = (
            functional.interpolate(x, size=size, mode="trilinear", align_corners=False) for x in (label, weight)
        )
        total = total + share * adaptive_wing(output.float(), small_label, small_weight)
    return total


def soft_dice(prediction: torch.Tensor, label: torch.Tensor, counts: torch.Tensor) -> float:
    """2 Σ p y / (Σ p² + Σ y²) over the voxels that count, for values in [0, 1]; 1 where both are empty."""
    product = (prediction * label * counts).sum()
    total = ((prediction**2 + label**2) * counts).sum()
    return float(2 * product / total) if total > 1e-6 else 1.0
