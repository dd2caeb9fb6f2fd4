"""What another scan of a real image would have shown: thick slices, echo-planar distortion, lost
signal, coil, blur and noise.

All is weaker than on synthetic images, which have none of their own.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from .axis_operators import blurred
from .batch_recipe import BatchRecipe
from .draws import Draws
from .field_errors import draw_shifts, kept_signal, pile_up, shifted
from .real_crops import RealPatches
from .scanner import Slices, draw_real_slices


def scan_again(
    draws: Draws, recipe: BatchRecipe, patches: RealPatches, of: np.ndarray
) -> tuple[RealPatches, np.ndarray]:
    """Patches as they might have been scanned.

    Args:
        patches: as the packed file has them.
        of: (m,) the geometry of each image; those of one geometry are distorted and cut alike.

    Returns:
        The patches, whose images are about 0 to 1 now; and (m,) bool, which images have a range of
        intensities of their own.
    """
    image = (patches.image + 1) / 2
    count, changed = len(of), np.zeros(len(of), bool)
    rows = draws.rows(recipe.real_dropout, count)
    if len(rows):
        index = draws.index(rows)
        height, front = _anatomical(recipe, patches.label[draws.index(of[rows])])
        image[index] *= kept_signal(draws, recipe, height, front)
        changed[rows] = True
    patches, image, distorted = _distorted(draws, recipe, patches, image, of)
    slices = draw_real_slices(draws, recipe, patches.voxels_mm)
    own = slices.of(of, draws)
    image = own.cut(image)
    label, weight = slices.cut(patches.label).clamp(0, 1), slices.fully_known(patches.weight)
    changed |= np.isin(of, distorted) | (own.axis >= 0)
    image = _coil_blur_noise(draws, recipe, image, own)
    return dataclasses.replace(patches, image=image, label=label, weight=weight), changed


def _anatomical(recipe: BatchRecipe, label: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Heights, and distances to the Anterior of the cord (of the patch's middle where there is
    none), mm, (n, i, j, k) each.
    """
    up, front = (
        torch.arange(n, device=label.device) * recipe.spacing
        for n in (label.shape[3], label.shape[2])
    )
    amount = label.sum(dim=(1, 3)) + 1e-3
    middle = (amount * front).sum(dim=1) / amount.sum(dim=1)
    front = front.view(1, 1, -1, 1) - middle.view(-1, 1, 1, 1)
    return up.expand(label.shape).contiguous(), front.expand(label.shape)


def _distorted(
    draws: Draws, recipe: BatchRecipe, patches: RealPatches, image: torch.Tensor, of: np.ndarray
) -> tuple[RealPatches, torch.Tensor, np.ndarray]:
    """Some geometries under echo-planar distortion, label and all; and which."""
    chosen = draws.rows(recipe.real_distortion, len(patches.label))
    if not len(chosen):
        return patches, image, chosen
    index = draws.index(chosen)
    shift = draw_shifts(draws, recipe, _anatomical(recipe, patches.label[index])[0])
    label, weight, known = (x.clone() for x in (patches.label, patches.weight, patches.known))
    label[index] = shifted(label[index], shift)
    weight[index], known[index] = (
        (shifted(x[index], shift) > 0.99).float() for x in (weight, known)
    )
    rows = np.flatnonzero(np.isin(of, chosen))
    shift = shift[draws.index(np.searchsorted(chosen, of[rows]))]
    image[draws.index(rows)] = shifted(image[draws.index(rows)], shift) * pile_up(shift)
    return dataclasses.replace(patches, label=label, weight=weight, known=known), image, chosen


def _coil_blur_noise(
    draws: Draws, recipe: BatchRecipe, image: torch.Tensor, slices: Slices
) -> torch.Tensor:
    rng, count = draws.host, len(image)
    rows = draws.rows(recipe.real_bias, count)
    if len(rows):
        field = draws.uniform(0, 0.4, len(rows)) * draws.smooth(
            len(rows), recipe.shape, rng.uniform(30, 100, len(rows)) / recipe.spacing
        )
        image[draws.index(rows)] *= field.exp_()
    rows = draws.rows(recipe.real_blur, count)
    if len(rows):
        image[draws.index(rows)] = blurred(
            image[draws.index(rows)], draws.uniform(0.3, 0.8, len(rows)).view(-1, 1)
        )
    rows = draws.rows(recipe.real_noise, count)
    if len(rows):
        scale = np.where(rng.random((count, 1)) < 0.5, rng.uniform(1.0, 2.5, (count, 3)), 1.0)
        noise = draws.smooth(len(rows), recipe.shape, slices.grain(scale)[rows])
        image[draws.index(rows)] += draws.uniform(0, 0.06, len(rows)) * noise
    return image
