"""One synthetic training pair: an image that could be an MRI of a spine, and the soft mask of the cord in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage

from ..pairs import Pair, normalised
from . import anatomy as parts
from . import contrast
from .acquisition import cut_slices, random_slices, scan
from .anatomy import Anatomy
from .body import paint_body
from .fields import Curve, sample_maps, smooth_noise
from .geometry import Posture, random_posture


@dataclass(frozen=True)
class Recipe:
    """What to make.

    Attributes:
        shape: voxels, axes to the Left, Anterior, Superior.
        spacing: mm, isotropic.
        aim_spread: how far from the centre the cord may be, as a part of the half width along each axis.
        without_cord: how often there is no cord.
        cropped: how often the field of view ends inside the volume.
    """

    shape: tuple[int, int, int]
    spacing: float
    aim_spread: tuple[float, float, float]
    without_cord: float
    cropped: float


SEGMENTER = Recipe((48, 64, 64), 1.0, (0.5, 0.5, 0.5), without_cord=0.08, cropped=0.3)
LOCATOR = Recipe((64, 64, 48), 2.0, (0.6, 0.6, 0.6), without_cord=0.10, cropped=0.7)


# Voxels; scans cropped to the canal are hardly wider than the cord and its fluid.
_LEAST_FIELD = 16


class Synthesis:
    """Makes pairs from an :class:`Anatomy`.

    Args:
        anatomy: shapes and the near field.
        recipe: what to make.
    """

    def __init__(self, anatomy: Anatomy, recipe: Recipe):
        self.recipe = recipe
        self._anatomy = anatomy
        self._near = torch.from_numpy(anatomy.near)
        self._cords = [torch.from_numpy(cord.maps) for cord in anatomy.cords]

    def pair(self, seed: int | list[int]) -> Pair:
        """The pair that belongs to ``seed``: the same each time."""
        rng = np.random.default_rng(seed)
        recipe = self.recipe
        posture, with_cord = self._posture(rng)
        cord, grey, canal, weight = self._canal(rng, posture)
        if not with_cord:
            # The spine is far outside: what is left is body, and there the answer is nothing.
            cord, grey, canal = (np.zeros_like(cord) for _ in range(3))
            weight = np.ones_like(weight)
        image = self._image(rng, posture, cord, grey, canal, with_cord)
        slices = random_slices(rng, recipe.spacing)
        image = scan(rng, image, slices, recipe.spacing)
        label = cut_slices(cord, slices)
        weight = (cut_slices(weight, slices) > 0.9).astype(np.float32)
        if rng.random() < recipe.cropped:
            image, label, weight = _cropped(rng, recipe, image, label, weight)
        return _flipped(rng, normalised(image), np.clip(label, 0, 1), weight)

    def _posture(self, rng: np.random.Generator) -> tuple[Posture, bool]:
        recipe = self.recipe
        half = np.array(recipe.shape) * recipe.spacing / 2
        aim = rng.uniform(-1, 1, 3) * half * recipe.aim_spread
        with_cord = rng.random() >= recipe.without_cord
        if not with_cord:
            # Beyond the template's width the spine's own maps are empty.
            aim[:2] += rng.choice([-1, 1], 2) * (half[:2] + 50)
        height = rng.uniform(5, self._anatomy.height - 5)
        if rng.random() < 0.55:
            height = rng.uniform(370, self._anatomy.height - 5)
        return random_posture(rng, recipe.shape, recipe.spacing, height, aim), with_cord

    def _canal(self, rng: np.random.Generator, posture: Posture) -> tuple[np.ndarray, ...]:
        """Fractions of cord, grey matter and canal, and the weight: 0 above the template, where the brainstem begins."""
        index = 0 if rng.random() < 0.45 else int(rng.integers(len(self._cords)))
        shape = self._anatomy.cords[index]
        maps = self._cords[index]
        middle = (maps.shape[1] - 1) / 2
        k = posture.height - shape.bottom
        top = maps.shape[3] - 1.0
        # Above the template the cord goes on and widens into the brainstem; a piece of a cord goes on at both its ends.
        beyond = np.maximum(posture.height - self._anatomy.height, 0)
        widen = 1 / (1 + beyond / 25)
        k_cord = _reflected(k, top) if not shape.whole else np.minimum(k, top)
        # Below the template's last slice its canal, but not its cord, goes on.
        k_canal = _reflected(k, top) if not shape.whole else np.clip(k, 20.0, top)
        inside = [middle + c * widen / s for c, s in zip((posture.cord_left, posture.cord_anterior), shape.spacing)]
        around = [middle + c / s for c, s in zip((posture.near_left, posture.near_anterior), shape.spacing)]
        cord, grey = sample_maps(maps[: parts.CANAL], *inside, k_cord)
        canal = sample_maps(maps[parts.CANAL :], *around, k_canal)[0]
        grey = np.minimum(grey, cord)
        return cord, grey, np.maximum(canal, cord), (beyond <= 0).astype(np.float32)

    def _image(self, rng, posture: Posture, cord, grey, canal, with_cord: bool) -> np.ndarray:
        recipe = self.recipe
        means = contrast.random_intensities(rng)
        labels = paint_body(rng, posture, recipe.spacing, self._anatomy.height)
        image = contrast.body_image(rng, labels, means, recipe.spacing)
        if with_cord:
            image = self._with_near_field(rng, image, posture, means)
            image = self._with_epidural(rng, image, posture, canal, means)
            image = image * (1 - canal) + self._canal_image(rng, posture, cord, grey, means) * canal
        return image

    def _with_near_field(self, rng, image, posture: Posture, means) -> np.ndarray:
        """Vertebrae and discs over the body; often the template's own T2w image under a random curve instead."""
        size = self._near.shape[1:]
        middle = (size[0] - 1) / 2
        height = _reflected(posture.height, size[2] - 1.0)
        bone, disc, t2w = sample_maps(self._near, posture.near_left + middle, posture.near_anterior + middle, height)
        image = image * (1 - bone) + bone * (means[contrast.BONE] + 0.05 * smooth_noise(rng, image.shape, 2))
        image = image * (1 - disc) + disc * means[contrast.DISC]
        if rng.random() < 0.55:
            known = np.clip(ndimage.uniform_filter(t2w, 3) * 40, 0, 1) * rng.uniform(0.4, 1.0)
            image = image * (1 - known) + contrast.remapped(rng, t2w) * known
        return image

    def _with_epidural(self, rng, image, posture: Posture, canal, means) -> np.ndarray:
        """Dura, ligament and fat: a rim around the canal, of a thickness that comes and goes."""
        thickness = rng.uniform(0, 2.5) * (0.6 + 0.4 * np.tanh(Curve(rng, 1.0, (10, 60))(posture.height)))
        rim = ndimage.gaussian_filter(canal, max(1.5 / self.recipe.spacing, 0.5), mode="nearest")
        fraction = np.clip(rim * thickness * 1.5, 0, 1) * (1 - canal)
        return image * (1 - fraction) + means[contrast.EPIDURAL] * fraction

    def _canal_image(self, rng, posture: Posture, cord, grey, means) -> np.ndarray:
        """Cord with grey matter and lesions, in fluid with flow voids, nerve roots and the cauda equina."""
        shape, spacing = cord.shape, self.recipe.spacing
        fluid = np.full(shape, means[contrast.CSF])
        if rng.random() < 0.35:
            fluid *= 1 - rng.uniform(0, 0.5) * np.clip(smooth_noise(rng, shape, rng.uniform(4, 15) / spacing), 0, 1)
        strands = smooth_noise(rng, shape, (1.2 / spacing, 1.2 / spacing, 15 / spacing)) > rng.uniform(0.6, 1.6)
        # Roots are few beside the cord and fill the canal below its tip.
        amount = np.clip((60 - posture.height) / 30, 0.25 * (rng.random() < 0.5), 1) * rng.uniform(0.4, 1)
        fluid = fluid + strands * amount * (means[contrast.CAUDA] - fluid)
        tissue = means[contrast.WHITE] + rng.uniform(0, 0.06) * smooth_noise(rng, shape, rng.uniform(1, 6) / spacing)
        if rng.random() < 0.25:
            patches = smooth_noise(rng, shape, (rng.uniform(3, 6) / spacing,) * 2 + (rng.uniform(5, 20) / spacing,))
            tissue = tissue + (patches > rng.uniform(0.8, 1.8)) * rng.uniform(-0.35, 0.35)
        within = cord * tissue + grey * (means[contrast.GREY] - means[contrast.WHITE])
        return within + (1 - cord) * fluid


def _reflected(k: np.ndarray, top: float) -> np.ndarray:
    """Positions folded back into [0, top]."""
    k = np.mod(k, 2 * top)
    return np.where(k > top, 2 * top - k, k).astype(np.float32)


def _cropped(rng, recipe: Recipe, image, label, weight) -> tuple[np.ndarray, ...]:
    """A smaller field of view: beyond it the edge repeats, as resampling does, and nothing is asked."""
    # Mostly about the cord, as scans are.
    cord = np.argwhere(label > 0.5)
    about = cord[rng.integers(len(cord))] if len(cord) and rng.random() < 0.85 else None
    box = []
    for axis, n in enumerate(recipe.shape):
        least = min(_LEAST_FIELD, n)
        size = int(rng.integers(least, n + 1)) if rng.random() < 0.7 else n
        low, high = 0, n - size
        if about is not None:
            low, high = max(low, about[axis] - size + 1), min(high, about[axis])
        start = int(rng.integers(low, high + 1))
        box.append((start, n - start - size))
    inside = tuple(slice(a, n - b) for (a, b), n in zip(box, recipe.shape))
    image = np.pad(image[inside], box, mode="edge")
    label = np.pad(label[inside], box)
    weight = np.pad(weight[inside], box)
    return image, label, weight


def _flipped(rng, image, label, weight) -> Pair:
    """Left and right are alike."""
    if rng.random() < 0.5:
        image, label, weight = (np.ascontiguousarray(x[::-1]) for x in (image, label, weight))
    return Pair(image, label.astype(np.float32), weight)
