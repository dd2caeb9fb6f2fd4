"""Patches of real images with their soft labels, in new poses and new contrasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from ...errors import InputError
from ...volume import resample
from ..appearance import random_curve, random_network
from ..pairs import Pair
from ..patch_scaling import PatchScaling, WholeImage
from .cases import OpenCase, RealCase, load_cases, open_case

if TYPE_CHECKING:
    import torch

# Below this soft value a voxel is no place to look at on purpose.
_CORD = 0.5


@dataclass(frozen=True, eq=False)
class _Loaded:
    """A case on the working grid: image, label, weight stacked (3, i, j, k), and the voxels of its
    cord (n, 3).
    """

    maps: torch.Tensor
    cord: np.ndarray
    range: tuple[float, float]


@dataclass(frozen=True, eq=False)
class _Patch:
    """What a case shows in one pose, (i, j, k) each: image, label, weight; bool, where the field of
    view is; the case's range.
    """

    image: np.ndarray
    label: np.ndarray
    weight: np.ndarray
    known: np.ndarray
    range: tuple[float, float]


class RealPatches:
    """A source of pairs (see :class:`training.pairs.Source`) from real cases.

    Args:
        cases: images and soft labels, in files or in memory.
        shape: voxels of a patch, axes to the Left, Anterior, Superior.
        spacing: mm, isotropic.
        new_contrast: how often the intensities are changed beyond recognition.
        about_cord: how often the patch lies about the cord; else anywhere.
        equally: what is drawn equally often, each "participant" or each "image".
        pose: how far a patch is turned, enlarged and stretched, as a part of the usual.  At 0 its
            voxels are those of the working grid, just as the program samples the image; else they
            lie between them, which blurs them a little.
        scaling: by the contract of the bundle that is made.

    Raises:
        InputError: a file cannot be read, image and label differ in grid, or ``equally`` is
            something else.
    """

    def __init__(
        self,
        cases: Sequence[RealCase | OpenCase],
        shape: tuple[int, int, int],
        spacing: float,
        new_contrast: float = 0.5,
        about_cord: float = 0.85,
        equally: str = "participant",
        pose: float = 1.0,
        scaling: PatchScaling | None = None,
    ):
        if equally not in ("participant", "image"):
            raise InputError(
                "Of real images each 'participant' or each 'image' can be drawn equally often, not"
                f" each {equally!r}."
            )
        self._shape, self._spacing = tuple(shape), float(spacing)
        self._new_contrast, self._about_cord, self._pose = new_contrast, about_cord, pose
        self._scaling = scaling or WholeImage()
        self.label_files = tuple(
            path for case in cases if isinstance(case, RealCase) for path in case.label_files
        )
        groups: dict[str, list[_Loaded]] = {}
        for number, case in enumerate(cases):
            opened = open_case(case) if isinstance(case, RealCase) else case
            group = case.participant if equally == "participant" else f"{number:06}"
            groups.setdefault(group, []).append(_load(opened, self._spacing, self._scaling))
        self._groups = [groups[name] for name in sorted(groups)]

    def pair(self, seed: int | Sequence[int]) -> Pair:
        """The pair that belongs to ``seed``."""
        rng = np.random.default_rng(seed)
        group = self._groups[rng.integers(len(self._groups))]
        case = group[rng.integers(len(group))]
        patch = self._sampled(rng, case)
        image, label, weight = self._appearance(rng, patch.image, patch), patch.label, patch.weight
        if rng.random() < 0.5:
            # Left and right are alike.
            image, label, weight = (np.ascontiguousarray(x[::-1]) for x in (image, label, weight))
        return Pair(image, np.clip(label, 0, 1), (weight > 0.99).astype(np.float32))

    def _sampled(self, rng: np.random.Generator, case: _Loaded) -> _Patch:
        """One pose: turned, scaled, and anywhere about the chosen place."""
        from ..synthetic.fields import sample_maps

        half = (np.array(self._shape) - 1) / 2
        if len(case.cord) and rng.random() < self._about_cord:
            centre = case.cord[rng.integers(len(case.cord))] + rng.uniform(-0.5, 0.5, 3) * half
        else:
            centre = rng.uniform(0, 1, 3) * (np.array(case.maps.shape[1:]) - 1)
        turn = Rotation.from_euler(
            "xyz", self._pose * np.clip(rng.normal(0, 7, 3), -25, 25), degrees=True
        ).as_matrix()
        turn = turn * (rng.uniform(0.88, 1.14) * rng.uniform(0.95, 1.05, 3)) ** self._pose
        if self._pose == 0:
            centre = np.round(centre - half) + half
        axes = np.meshgrid(
            *[np.arange(n, dtype=np.float32) - h for n, h in zip(self._shape, half)], indexing="ij"
        )
        place = [
            sum(np.float32(turn[row, a]) * axes[a] for a in range(3)) + np.float32(centre[row])
            for row in range(3)
        ]
        size = case.maps.shape[1:]
        # Beyond the field of view the edge repeats, as resampling does, and nothing is asked.
        inside = np.logical_and.reduce([(p >= -0.5) & (p <= n - 0.5) for p, n in zip(place, size)])
        place = [np.clip(p, 0, n - 1) for p, n in zip(place, size)]
        result = sample_maps(case.maps, *place)
        result[1:] *= inside
        return _Patch(*result, inside, case.range)

    def _appearance(self, rng: np.random.Generator, image: np.ndarray, patch: _Patch) -> np.ndarray:
        from ..synthetic.fields import smooth_noise

        image = ((image - patch.range[0]) / (patch.range[1] - patch.range[0])).astype(np.float32)
        changed = rng.random() < self._new_contrast
        if changed:
            if rng.random() < 0.6:
                share = rng.uniform(0.3, 1.0)
                image = image * (1 - share) + random_curve(rng, image) * share
            else:
                image = random_network(rng, image)
        if rng.random() < 0.5:
            # 0 and 1 stay where they are, and so does the range.
            image = np.sign(image) * np.abs(image) ** np.exp(rng.uniform(-0.5, 0.5))
        if rng.random() < 0.5:
            image = image * np.exp(
                rng.uniform(0, 0.4)
                * smooth_noise(rng, image.shape, rng.uniform(30, 100) / self._spacing)
            )
        if rng.random() < 0.6:
            scale = rng.uniform(1.0, 2.5, 3) if rng.random() < 0.5 else 1.0
            image = image + rng.uniform(0, 0.06) * image.std() * 3 * smooth_noise(
                rng, image.shape, scale
            )
        return self._scaling.real(rng, image, patch.label, patch.known, own=not changed)


def load_real(
    path: str | Path, shape: tuple[int, int, int], spacing: float, **options
) -> RealPatches:
    """The training cases of the list at ``path`` as a source; options as for :class:`RealPatches`.

    Raises:
        InputError: the list or one of its files cannot be used.
    """
    return RealPatches(load_cases(path), shape, spacing, **options)


def _load(case: OpenCase, spacing: float, scaling: PatchScaling) -> _Loaded:
    """Bring a case to the working grid (nibabel LAS, isotropic), by the spline by which the program
    goes there and comes back.
    """
    import torch

    case = scaling.prepared(case)
    grid = case.image.grid.with_spacing(spacing)
    # The outer half of a slice at the end is of that slice, for the label too: it does not fade
    # towards what was not scanned.
    maps = [
        resample(case.image, grid, **scaling.resampling).data,
        np.clip(resample(case.label, grid, **scaling.resampling).data, 0, 1),
    ]
    maps.append(
        np.ones(grid.shape, np.float32)
        if case.weight is None
        else resample(case.weight, grid, order=1).data
    )
    if case.scaling is None:
        low, high = np.percentile(maps[0][::2, ::2, ::2], (1, 99))
    else:
        low, high = case.scaling.low, case.scaling.high
    stack = torch.from_numpy(np.stack([np.asarray(m, np.float32) for m in maps]))
    return _Loaded(stack, np.argwhere(maps[1] > _CORD), (float(low), float(max(high, low + 1e-6))))
