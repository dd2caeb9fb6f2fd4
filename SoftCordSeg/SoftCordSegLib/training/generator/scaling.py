"""The input contract of the networks on patches: what the program does to a whole image, done to
the part that a patch knows.

The functions and numbers are the program's own, see :mod:`.volume.intensities`.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from ...volume.intensities import (
    LEAST_RANGE,
    LOCATOR_PERCENTILES,
    SEGMENTER_PERCENTILES,
    batch_limits,
    near_cord,
    scale,
)
from .batch_recipe import BatchRecipe
from .draws import Draws


def scaled(image: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """``low`` to −1, ``high`` to 1, clipped."""
    return scale(image, low, 2 / (high - low).clamp(min=LEAST_RANGE))


def scale_patches(
    draws: Draws,
    recipe: BatchRecipe,
    image: torch.Tensor,
    label: torch.Tensor,
    known: torch.Tensor,
    keep: np.ndarray,
) -> torch.Tensor:
    """Patches as the network sees them, (n, i, j, k) float32 in [−3, 3].

    Args:
        image: (n, i, j, k).
        label: (n, i, j, k) in [0, 1].
        known: (n, i, j, k) 0 where the field of view has ended.
        keep: (n,) bool, those whose range is known, from 0 to 1: it is moved a little only, as that
            of all.
    """
    rng, count = draws.host, len(image)
    if recipe.contract == "around_cord":
        coarse_label, coarse_known = (
            functional.avg_pool3d(x[:, None], 2)[:, 0] for x in (label, known)
        )
        region = near_cord(coarse_label > 0.5, 2 * recipe.spacing)
        # Where there is no cord, any part of an image may have been taken for one.
        region = torch.where(
            region.flatten(1).any(dim=1).view(-1, 1, 1, 1), region, _boxes(draws, region.shape)
        )
        region = region & (coarse_known > 0.5)
        # The program takes the image's own voxels there, not averages of them.
        limits = batch_limits(image[:, ::2, ::2, ::2], region, SEGMENTER_PERCENTILES)
    else:
        limits = batch_limits(
            image[:, ::2, ::2, ::2], known[:, ::2, ::2, ::2] > 0.5, LOCATOR_PERCENTILES
        )
    low, high = (limit.view(-1, 1, 1, 1) for limit in limits)
    right = draws.put(keep) > 0
    low, high = torch.where(right, 0.0, low), torch.where(right, 1.0, high)
    # The program's mask and field of view are others than the patch's.
    spread = np.where(rng.random(count) < 0.15, 3.0, 1.0) * recipe.contract_jitter
    jitter = [rng.standard_normal(count) * spread for _ in range(2)]
    if recipe.contract == "whole":
        # The whole image may hold what is darker or brighter than all of this patch.
        wide = (rng.random(count) < 0.5) & ~keep
        jitter = [
            jitter[0] - wide * rng.uniform(0, 0.15, count),
            jitter[1] + wide * rng.uniform(0, 0.8, count),
        ]
    reach = high - low
    low, high = low + draws.put(jitter[0]) * reach, high + draws.put(jitter[1]) * reach
    return scaled(image, low, torch.maximum(high, low + 0.2 * reach))


def _boxes(draws: Draws, shape: torch.Size) -> torch.Tensor:
    """A random box in each coarse patch, or all of it, bool."""
    rng, count = draws.host, shape[0]
    whole = rng.random(count) < 0.5
    inside = True
    for axis, size in enumerate(shape[1:]):
        length = np.where(whole, size, rng.uniform(0.4, 1.0, count) * size)
        start = rng.uniform(0, 1, count) * (size - length)
        at = torch.arange(size, device=draws.device) + 0.5
        view = [count, 1, 1, 1]
        view[axis + 1] = size
        part = (at >= draws.table(start)[:, None]) & (at <= draws.table(start + length)[:, None])
        inside = part.view(view) & inside
    return inside
