"""One synthetic training pair: an image that could be an MRI of a spine, and the soft mask of the
cord in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage

from ..appearance import random_network
from ..pairs import Pair
from ..patch_scaling import PatchScaling, WholeImage
from . import anatomy as parts
from . import contrast
from .acquisition import cut_slices, random_slices, scan
from .anatomy import Anatomy
from .artefacts import distorted, metal, signal_loss
from .body import paint_body
from .canal import TIP_MM, paint_canal
from .fields import Curve, sample_maps, smooth_noise
from .geometry import Posture, random_posture


@dataclass(frozen=True)
class Recipe:
    """What to make.

    Attributes:
        shape: voxels, axes to the Left, Anterior, Superior.
        spacing: mm, isotropic.
        aim_spread: how far from the centre the cord may be, as a part of the half width along each
            axis.
        without_cord: how often there is no cord.
        cropped: how often the field of view ends inside the volume.
        conus, brainstem: how often the cord's lower tip, or its upper end, is brought into the
            image on purpose.
        rim_mm: least and most that the visible edge lies outside the label: in PAM50 the mask lies
            0.2 to 0.5 mm inside the edge that its own T2w image shows, as masks drawn by hand and
            by SCT do (pia, partial volume with fluid).
        stem_mm: how far above the template (the top of C1) the brainstem still counts as cord.
        inflow: how often the fluid's brightness changes along the cord.
        bundles: how often roots hang together below the tip.
        signal_loss, metal, distortion, random_network: how often an image suffers from them.
    """

    shape: tuple[int, int, int]
    spacing: float
    aim_spread: tuple[float, float, float]
    without_cord: float
    cropped: float
    conus: float = 0.08
    brainstem: float = 0.1
    rim_mm: tuple[float, float] = (0.2, 0.6)
    stem_mm: float = 12.0
    inflow: float = 0.4
    bundles: float = 0.8
    signal_loss: float = 0.1
    metal: float = 0.03
    distortion: float = 0.05
    random_network: float = 0.05


SEGMENTER = Recipe((48, 64, 64), 1.0, (0.5, 0.5, 0.5), without_cord=0.08, cropped=0.3)
LOCATOR = Recipe((64, 64, 48), 2.0, (0.6, 0.6, 0.6), without_cord=0.10, cropped=0.7)


# Voxels; scans cropped to the canal are hardly wider than the cord and its fluid.
_LEAST_FIELD = 16


class Synthesis:
    """Makes pairs from an :class:`Anatomy`.

    Args:
        anatomy: shapes and the near field.
        recipe: what to make.
        scaling: by the contract of the bundle that is made.
    """

    def __init__(self, anatomy: Anatomy, recipe: Recipe, scaling: PatchScaling | None = None):
        self.recipe = recipe
        self._scaling = scaling or WholeImage()
        self._anatomy = anatomy
        self._near = torch.from_numpy(anatomy.near)
        self._cords = [torch.from_numpy(cord.maps) for cord in anatomy.cords]

    def pair(self, seed: int | list[int]) -> Pair:
        """The pair that belongs to ``seed``: the same each time."""
        rng = np.random.default_rng(seed)
        recipe = self.recipe
        posture, whole, with_cord = self._posture(rng)
        cord, visible, grey, canal, weight = self.canal_fractions(rng, posture, whole)
        if not with_cord:
            # The spine is far outside: what is left is body, and there the answer is nothing.
            cord, visible, grey, canal = (np.zeros_like(cord) for _ in range(4))
            weight = np.ones_like(weight)
        image = self._image(rng, posture, visible, grey, canal, with_cord)
        if rng.random() < recipe.metal:
            image = metal(rng, image, recipe.spacing, cord)
        if rng.random() < recipe.distortion:
            image, cord, weight = distorted(rng, recipe.spacing, [image, cord, weight])
        slices = random_slices(rng, recipe.spacing)
        if rng.random() < recipe.signal_loss:
            image = image * signal_loss(rng, image.shape, recipe.spacing)
        image = scan(rng, image, slices, recipe.spacing)
        label = cut_slices(cord, slices)
        weight = (cut_slices(weight, slices) > 0.9).astype(np.float32)
        if rng.random() < recipe.random_network:
            image = random_network(rng, image)
        known = np.ones(label.shape, bool)
        if rng.random() < recipe.cropped:
            image, label, weight, known = _cropped(rng, recipe, image, label, weight)
        label = np.clip(label, 0, 1)
        return _flipped(rng, self._scaling.synthetic(rng, image, label, known), label, weight)

    def _posture(self, rng: np.random.Generator) -> tuple[Posture, bool, bool]:
        """A posture; whether the cord must be a whole one, with its tip; and whether there is a
        cord at all.
        """
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
        ends = rng.random()
        if ends < recipe.conus:
            height = rng.uniform(-25, 60)
        elif ends < recipe.conus + recipe.brainstem:
            height = self._anatomy.height + rng.uniform(-20, 25)
        posture = random_posture(rng, recipe.shape, recipe.spacing, height, aim)
        return posture, ends < recipe.conus, with_cord

    def canal_fractions(
        self, rng: np.random.Generator, posture: Posture, whole: bool
    ) -> tuple[np.ndarray, ...]:
        """Fractions of cord, of what looks like cord, of grey matter and canal, and the weight."""
        index = 0 if whole or rng.random() < 0.45 else int(rng.integers(len(self._cords)))
        shape = self._anatomy.cords[index]
        maps = self._cords[index]
        middle = (maps.shape[1] - 1) / 2
        k = posture.height - shape.bottom
        top = maps.shape[3] - 1.0
        # Above the template the cord goes on and widens into the brainstem; a piece of a cord goes
        # on at both its ends.
        beyond = np.maximum(posture.height - self._anatomy.height, 0)
        widen = 1 / (1 + beyond / 25)
        k_cord = _reflected(k, top) if not shape.whole else np.minimum(k, top)
        # The template's canal ends with its cord; a real one goes on to the sacrum, full of roots.
        k_canal = _reflected(k, top) if not shape.whole else np.clip(k, TIP_MM + 7, top)
        inside = [
            middle + c * widen / s
            for c, s in zip((posture.cord_left, posture.cord_anterior), shape.spacing)
        ]
        around = [
            middle + c / s
            for c, s in zip((posture.near_left, posture.near_anterior), shape.spacing)
        ]
        cord, grey, edge = sample_maps(maps[: parts.CANAL], *inside, k_cord)
        canal = sample_maps(maps[parts.CANAL :], *around, k_canal)[0]
        # The maps' edges run over 1 mm, from half of it outside to half of it inside.
        visible = np.maximum(np.clip(edge + rng.uniform(*self.recipe.rim_mm) + 0.5, 0, 1), cord) * (
            cord.sum() > 0
        )
        visible[_outside(maps.shape[1:], *inside, k_cord)] = 0
        # Where exactly the brainstem stops being cord nobody can say, but all around it nothing is.
        weight = ((beyond <= self.recipe.stem_mm) | (visible <= 0)).astype(np.float32)
        return cord, visible, np.minimum(grey, cord), np.maximum(canal, visible), weight

    def _image(self, rng, posture: Posture, visible, grey, canal, with_cord: bool) -> np.ndarray:
        recipe = self.recipe
        means = contrast.random_intensities(rng)
        labels = paint_body(rng, posture, recipe.spacing, self._anatomy.height)
        image = contrast.body_image(rng, labels, means, recipe.spacing)
        if with_cord:
            image = self._with_near_field(rng, image, posture, means)
            image = self._with_epidural(rng, image, posture, canal, means)
            inner = paint_canal(
                rng, posture, visible, grey, means, recipe.spacing, recipe.inflow, recipe.bundles
            )
            image = image * (1 - canal) + inner * canal
        return image

    def _with_near_field(self, rng, image, posture: Posture, means) -> np.ndarray:
        """Vertebrae and discs over the body; often the template's own T2w image under a random
        curve instead.
        """
        size = self._near.shape[1:]
        middle = (size[0] - 1) / 2
        height = _reflected(posture.height, size[2] - 1.0)
        bone, disc, t2w = sample_maps(
            self._near, posture.near_left + middle, posture.near_anterior + middle, height
        )
        image = image * (1 - bone) + bone * (
            means[contrast.BONE] + 0.05 * smooth_noise(rng, image.shape, 2)
        )
        image = image * (1 - disc) + disc * means[contrast.DISC]
        if rng.random() < 0.55:
            known = np.clip(ndimage.uniform_filter(t2w, 3) * 40, 0, 1) * rng.uniform(0.4, 1.0)
            image = image * (1 - known) + contrast.remapped(rng, t2w) * known
        return image

    def _with_epidural(self, rng, image, posture: Posture, canal, means) -> np.ndarray:
        """Dura, ligament and fat: a rim around the canal, of a thickness that comes and goes."""
        thickness = rng.uniform(0, 2.5) * (
            0.6 + 0.4 * np.tanh(Curve(rng, 1.0, (10, 60))(posture.height))
        )
        rim = ndimage.gaussian_filter(canal, max(1.5 / self.recipe.spacing, 0.5), mode="nearest")
        fraction = np.clip(rim * thickness * 1.5, 0, 1) * (1 - canal)
        return image * (1 - fraction) + means[contrast.EPIDURAL] * fraction


def _outside(size: tuple, i: np.ndarray, j: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Where positions lie outside a map, so that its values there (0) mean nothing."""
    return np.logical_or.reduce([(x < 0) | (x > n - 1) for x, n in zip((i, j, k), size)])


def _reflected(k: np.ndarray, top: float) -> np.ndarray:
    """Positions folded back into [0, top]."""
    k = np.mod(k, 2 * top)
    return np.where(k > top, 2 * top - k, k).astype(np.float32)


def _cropped(rng, recipe: Recipe, image, label, weight) -> tuple[np.ndarray, ...]:
    """A smaller field of view, and where it is: beyond it the edge repeats, as resampling does, and
    nothing is asked.
    """
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
    known = np.zeros(image.shape, bool)
    known[inside] = True
    image = np.pad(image[inside], box, mode="edge")
    label = np.pad(label[inside], box)
    weight = np.pad(weight[inside], box)
    return image, label, weight, known


def _flipped(rng, image, label, weight) -> Pair:
    """Left and right are alike."""
    if rng.random() < 0.5:
        image, label, weight = (np.ascontiguousarray(x[::-1]) for x in (image, label, weight))
    return Pair(image, label.astype(np.float32), weight)
