"""Patches of packed images as they are: nothing is changed but where they are cut, and left for
right.

What the generator has to be better than; and enough to try a training where nothing is learnt from
appearance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ...errors import InputError
from ..batch import Batch
from ..packed import Packed, fractions, image_values


@dataclass(frozen=True)
class PlainRecipe:
    """How patches are cut.

    Attributes:
        patch: voxels (Left, Anterior, Superior).
        coarse: from the 2 mm images of the whole field of view, for the locator.
        away: of 1, patches that are centred anywhere, not on the cord.
    """

    patch: tuple[int, int, int] = (48, 64, 64)
    coarse: bool = False
    away: float = 0.1


class PlainPatches:
    """A :class:`..batch.BatchSource` of patches of real images.

    Args:
        packed: the images; every participant comes as often, then every image of theirs.
        recipe: how patches are cut.
        device: of the batches.

    Raises:
        InputError: no image.
    """

    def __init__(self, packed: Packed, recipe: PlainRecipe, device: str = "cpu"):
        if not packed.cases:
            raise InputError(
                "The packed file has no images to cut patches from.",
                hint="Pack the data again.",
            )
        self.recipe, self._device = recipe, device
        participants: dict[str, list[int]] = {}
        for number, case in enumerate(packed.cases):
            participants.setdefault(case.participant, []).append(number)
        self._participants = list(participants.values())
        names = (
            ("coarse_image", "coarse_label", "coarse_weight")
            if recipe.coarse
            else ("image", "label", "weight")
        )
        self._cases = [tuple(getattr(case, name) for name in names) for case in packed.cases]
        self._cords = [
            np.argwhere((label >= 128) & (weight > 0)) for _, label, weight in self._cases
        ]

    def batch(self, seed: int, step: int, size: int) -> Batch:
        """Patches whose seeds are (seed, step, row)."""
        rows = [self._patch(np.random.default_rng([seed, step, row])) for row in range(size)]
        image, label, weight = (
            torch.from_numpy(np.stack(part))[:, None].to(self._device) for part in zip(*rows)
        )
        return Batch(
            image, label, weight, torch.zeros((0, 2), dtype=torch.int64, device=self._device)
        )

    def _patch(self, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        numbers = self._participants[random.integers(len(self._participants))]
        number = numbers[random.integers(len(numbers))]
        arrays, cord, size = self._cases[number], self._cords[number], np.array(self.recipe.patch)
        if len(cord) and random.random() >= self.recipe.away:
            centre = cord[random.integers(len(cord))] + random.integers(-size // 4, size // 4 + 1)
        else:
            centre = np.array([random.integers(length) for length in arrays[0].shape])
        corner = centre - size // 2
        parts = []
        for array, outside in zip(arrays, (arrays[0].min(), 0, 0)):
            tile = np.full(size, outside, np.uint8)
            first, last = np.maximum(corner, 0), np.minimum(corner + size, array.shape)
            if (first < last).all():
                there = tuple(slice(a, b) for a, b in zip(first - corner, last - corner))
                tile[there] = array[tuple(slice(a, b) for a, b in zip(first, last))]
            parts.append(tile)
        if random.random() < 0.5:
            parts = [part[::-1] for part in parts]
        image, label, weight = (np.ascontiguousarray(part) for part in parts)
        return image_values(image), fractions(label), fractions(weight)
