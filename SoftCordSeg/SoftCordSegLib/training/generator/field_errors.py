"""What an uneven magnetic field does: echo-planar distortion, lost signal, implants."""

from __future__ import annotations

import numpy as np
import torch

from .batch_recipe import BatchRecipe
from .draws import Draws


def draw_shifts(draws: Draws, recipe: BatchRecipe, height: torch.Tensor) -> torch.Tensor:
    """Shifts along Anterior-Posterior, voxels, (n, i, j, k): smooth, and with the rhythm of the
    discs.

    Args:
        height: (n, i, j, k) along the spine, mm.
    """
    rng, count = draws.host, len(height)
    scale = (
        np.stack(
            [rng.uniform(15, 40, count), rng.uniform(15, 40, count), rng.uniform(12, 40, count)], 1
        )
        / recipe.spacing
    )
    shift = draws.uniform(0.5, 4.0, count) * draws.smooth(count, height.shape[1:], scale)
    rhythm = torch.sin(
        height * (2 * torch.pi / draws.uniform(14, 24, count)) + draws.uniform(0, 6.3, count)
    )
    return (shift + draws.uniform(0, 0.8, count) * rhythm) / recipe.spacing


def shifted(volume: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """Values from ``shift`` voxels further to the Anterior; the ends repeat.

    Args:
        volume, shift: (n, i, j, k).
    """
    size = volume.shape[2]
    place = (
        torch.arange(size, device=volume.device, dtype=torch.float32).view(1, 1, -1, 1) + shift
    ).clamp_(0, size - 1)
    low = place.long().clamp_(max=size - 2)
    first = volume.gather(2, low)
    return torch.lerp(first, volume.gather(2, low + 1), place - low)


def pile_up(shift: torch.Tensor) -> torch.Tensor:
    """By how much intensity rises where tissue is squeezed together, (n, i, j, k)."""
    return (1 + torch.gradient(shift, dim=2)[0]).clamp_(0.4, 2.0)


def kept_signal(
    draws: Draws, recipe: BatchRecipe, height: torch.Tensor, front: torch.Tensor
) -> torch.Tensor:
    """Part of the signal that is left, (n, i, j, k): lost in patches, and at each disc, more
    towards the front.

    Args:
        height: (n, i, j, k) along the spine, mm.
        front: (n, i, j, k) distance to the Anterior of the cord's centreline, mm.
    """
    count = len(height)
    patches = draws.smooth(
        count, height.shape[1:], draws.host.uniform(12, 30, count) / recipe.spacing
    )
    loss = (patches * 2.5 - draws.uniform(1.5, 3.0, count)).clamp_(0, 1) * draws.uniform(
        0.2, 0.9, count
    )
    rhythm = (
        torch.sin(
            height * (2 * torch.pi / draws.uniform(14, 24, count)) + draws.uniform(0, 6.3, count)
        ).clamp_(min=0)
        ** 2
    )
    loss = loss + draws.uniform(0, 0.6, count) * rhythm * torch.sigmoid(
        (front - draws.uniform(-2, 12, count)) / 4
    )
    return 1 - loss.clamp_(0, 0.95)


def with_metal(
    draws: Draws,
    recipe: BatchRecipe,
    image: torch.Tensor,
    near_left: torch.Tensor,
    near_front: torch.Tensor,
) -> torch.Tensor:
    """A void with a bright rim where an implant or a clip spoils the field, beside the cord: that
    stays in sight.

    Args:
        image: (n, i, j, k); near_left, near_front: distances from the cord's centreline, mm.
    """
    count, rng = len(image), draws.host
    radius = rng.uniform(4, 15, count)
    angle, away = rng.uniform(0, 2 * np.pi, count), radius + rng.uniform(7, 22, count)
    along = (
        torch.arange(image.shape[3], device=image.device) - image.shape[3] / 2
    ) * recipe.spacing
    parts = (
        near_left - draws.put(np.cos(angle) * away),
        near_front - draws.put(np.sin(angle) * away),
        along - draws.uniform(-0.4, 0.4, count) * image.shape[3] * recipe.spacing,
    )
    distance = torch.sqrt(
        sum((part / draws.uniform(0.6, 1.5, count)) ** 2 for part in parts)
    ) / draws.put(radius)
    # The stretch must not reach the cord.
    clear = torch.sigmoid((torch.hypot(near_left, near_front) - 8.0) * 2)
    void = torch.sigmoid((1 - distance) * 8) * clear
    rim = torch.exp(-(((distance - 1.15) / 0.12) ** 2)) * draws.uniform(0, 0.8, count) * clear
    return image * (1 - void) + rim
