"""Batches of training patches, synthetic and real, from one packed file; the same on a CPU and on a
GPU.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ..batch import Batch, pooled
from ..packed import Packed
from .batch_recipe import BatchRecipe
from .draws import Draws
from .new_contrast import randomised, through_network, with_curve, with_power
from .real_crops import RealCrops, scan_again
from .scaling import scale_patches
from .synthetic_batch import SyntheticBatch

# Voxels; scans cropped to the canal are hardly wider than the cord and its fluid.
_LEAST_FIELD = 16


class PatchBatches:
    """A :class:`training.batch.BatchSource`.

    Args:
        packed: what patches are made from.
        recipe: what is made.
        device: where: "cpu", "cuda".

    Raises:
        InputError: the packed file lacks what the recipe asks for.
    """

    def __init__(self, packed: Packed, recipe: BatchRecipe, device: torch.device | str = "cpu"):
        self.recipe = recipe
        self.device = torch.device(device)
        self._synthetic = SyntheticBatch(packed, recipe, self.device) if recipe.real < 1 else None
        self._real = RealCrops(packed, recipe, self.device)

    @torch.no_grad()
    def batch(self, seed: int, step: int, size: int) -> Batch:
        """The batch of a step of the run that has ``seed``."""
        draws = Draws(seed, step, self.device)
        pairs = min(_whole(draws, size * self.recipe.twins / 2), size // 2)
        geometries = size - pairs
        real = min(_whole(draws, geometries * self.recipe.real), geometries)
        # Twins among both kinds alike.
        real_pairs = min(_whole(draws, pairs * real / geometries), real)
        made_pairs = min(pairs - real_pairs, geometries - real)
        real_pairs = pairs - made_pairs
        images, labels, weights, known, of, keep = [], [], [], [], [], []
        if real:
            rows = np.concatenate([np.arange(real), np.arange(real_pairs)])
            patches, rescanned = scan_again(
                draws, self.recipe, self._real.draw(draws, real, real_pairs), rows
            )
            images.append(patches.image)
            labels.append(patches.label)
            weights.append(patches.weight)
            known.append(patches.known)
            of.append(rows)
            keep.append(~rescanned)
        made = geometries - real
        if made:
            geometry = self._synthetic.geometry(draws, made)
            rows = np.concatenate([np.arange(made), np.arange(made_pairs)])
            images.append(self._synthetic.appearance(draws, geometry, rows))
            labels.append(geometry.label)
            weights.append(geometry.weight)
            known.append(torch.ones_like(geometry.weight))
            of.append(real + rows)
            keep.append(np.zeros(len(rows), bool))
        shared = [torch.cat(x) for x in (labels, weights, known)]
        return self._finished(
            draws, torch.cat(images), shared, np.concatenate(of), real, np.concatenate(keep)
        )

    def _finished(
        self,
        draws: Draws,
        image: torch.Tensor,
        shared: list[torch.Tensor],
        of: np.ndarray,
        real: int,
        keep: np.ndarray,
    ) -> Batch:
        """New contrasts, fields of view, mirroring and the input contract; ``keep``: whose range is
        still the packed file's.
        """
        label, weight, known = shared
        index = draws.index(of)
        image, changed = self._new_contrasts(draws, image, label, of, real)
        geometries, axes = len(label), (self.recipe.real_cropped, self.recipe.cropped)
        fields = _fields_of_view(draws, label, np.where(np.arange(geometries) < real, *axes))
        mirrored = np.flatnonzero(draws.host.random(geometries) < 0.5)
        image = _mirrored(
            draws, _cropped(draws, image, fields, of), np.flatnonzero(np.isin(of, mirrored))
        )
        inside = fields.inside
        label, weight, known = (
            _mirrored(draws, x * inside, mirrored) for x in (label, weight, known)
        )
        if self.recipe.pooled > 1:
            image, label, weight, known = pooled(self.recipe.pooled, image, label, weight, known)
        image = scale_patches(
            draws, self.recipe, image, label[index], known[index], keep & ~changed
        )
        twins = [
            (int(np.flatnonzero(of == row)[0]), place)
            for place, row in enumerate(of)
            if (of[:place] == row).any()
        ]
        pairs = torch.tensor(twins, dtype=torch.int64, device=self.device).view(-1, 2)
        return Batch(image[:, None], label[index][:, None], weight[index][:, None], pairs)

    def _new_contrasts(
        self, draws: Draws, image, label, of: np.ndarray, real: int
    ) -> tuple[torch.Tensor, np.ndarray]:
        """Images with other intensities, and which they are: (n,) bool."""
        recipe, is_real, count = self.recipe, of < real, len(of)
        changed = np.zeros(count, bool)

        def change(probability: float, how: Callable, *maps: torch.Tensor) -> None:
            share = np.where(is_real, probability, probability / 2)
            rows = np.flatnonzero(draws.host.random(count) < share)
            if len(rows):
                at = draws.index(rows)
                image[at] = how(draws, image[at], *(m[draws.index(of[rows])] for m in maps))
                changed[rows] = True

        change(recipe.new_contrast, randomised, label)
        change(recipe.curves, with_curve)
        change(recipe.random_network, through_network)
        rows = draws.rows(recipe.gamma, count)
        if len(rows):
            image[draws.index(rows)] = with_power(draws, image[draws.index(rows)])
            changed[rows] = True
        return image, changed


class _Fields:
    """Boxes to which fields of view are cut: first and last voxel, (n, 3) each, on the host; and
    what is inside, (n, i, j, k).
    """

    def __init__(self, draws: Draws, first: np.ndarray, last: np.ndarray, shape: tuple[int, ...]):
        self.first, self.last = first, last
        self.cut = np.flatnonzero(
            (first > 0).any(axis=1) | (last < np.array(shape) - 1).any(axis=1)
        )
        inside = True
        for axis, size in enumerate(shape):
            at = np.arange(size)
            view = [len(first), 1, 1, 1]
            view[axis + 1] = size
            inside = inside * draws.table(
                (at >= first[:, axis, None]) & (at <= last[:, axis, None])
            ).view(view)
        self.inside = inside


def _fields_of_view(draws: Draws, label: torch.Tensor, probability: np.ndarray) -> _Fields:
    """Smaller fields of view, mostly around the middle of the patch, where the cord mostly is."""
    rng, count, shape = draws.host, len(label), np.array(label.shape[1:])
    cut = (rng.random(count) < probability)[:, None] & (rng.random((count, 3)) < 0.7)
    least = np.minimum(_LEAST_FIELD, shape)
    size = np.where(cut, rng.integers(least, shape + 1, (count, 3)), shape)
    # Scans are cut around the cord: the middle half of the patch keeps at least its centre mostly.
    about = np.where(
        rng.random((count, 1)) < 0.85,
        rng.uniform(0.3, 0.7, (count, 3)) * shape,
        rng.uniform(0, 1, (count, 3)) * shape,
    )
    first = np.clip(
        np.round(about - rng.uniform(0.2, 0.8, (count, 3)) * size), 0, shape - size
    ).astype(int)
    return _Fields(draws, first, first + size - 1, tuple(shape))


def _cropped(draws: Draws, image: torch.Tensor, fields: _Fields, of: np.ndarray) -> torch.Tensor:
    """Beyond its field of view the edge of an image repeats, as resampling does."""
    rows = np.flatnonzero(np.isin(of, fields.cut))
    if not len(rows):
        return image
    at, some = draws.index(rows), image[draws.index(rows)]
    for axis, size in enumerate(some.shape[1:]):
        place = np.clip(
            np.arange(size), fields.first[of[rows], axis, None], fields.last[of[rows], axis, None]
        )
        view = [len(rows), 1, 1, 1]
        view[axis + 1] = size
        some = some.gather(axis + 1, draws.index(place).view(view).expand_as(some))
    image[at] = some
    return image


def _mirrored(draws: Draws, field: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
    """Left and right are alike."""
    if len(rows):
        at = draws.index(rows)
        field[at] = field[at].flip(1)
    return field


def _whole(draws: Draws, number: float) -> int:
    """A whole number with this mean."""
    return int(np.floor(number + draws.host.random()))
