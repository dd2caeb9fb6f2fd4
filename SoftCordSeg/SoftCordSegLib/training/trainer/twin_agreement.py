"""What two outputs of one geometry in two appearances should have in common: the mask, and the
areas of its slices.
"""

from __future__ import annotations

import torch
from torch.nn import functional


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
