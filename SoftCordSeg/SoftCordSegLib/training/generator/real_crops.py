"""Patches of real images with their soft labels: as the program samples them, or turned, enlarged
and stretched; and what another scan of them would have shown.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch.nn import functional

from ...errors import InputError
from ..packed import Packed, PackedCase, fractions, image_values
from .axis_operators import blurred
from .batch_recipe import BatchRecipe
from .draws import Draws
from .field_errors import draw_shifts, kept_signal, pile_up, shifted
from .scanner import Slices, coarse_plane, draw_real_slices

# From this soft value on a voxel is a place to look at on purpose.
_CORD = 0.5
# How far a pose goes, as a part of the full one.
_STILL, _SMALL, _FULL = 0.0, 0.25, 1.0
# How an elastic patch is pulled: over how many mm, and how far in parts of that (standard
# deviation): far more, and tissue would be folded over.
_ELASTIC_MM, _ELASTIC_PARTS = (25.0, 70.0), (0.08, 0.24)
# Rounding of a pull, in parts of the same.
_ELASTIC_ROUND = 0.25
# What of the pull can reach into a patch, standard deviations.
_ELASTIC_REACH = 2.5


@dataclass(frozen=True, eq=False)
class _Loaded:
    """A case on the device, bytes (3, i, j, k): image, label, weight; and the voxels of its cord,
    (n, 3) on the host.

    ``voxels_mm``: (3,) of its file along Left, Anterior, Superior. ``lumbar``: of that region, by
    the name of its contrast.
    """

    maps: torch.Tensor
    cord: np.ndarray
    group: str
    voxels_mm: tuple[float, float, float]
    lumbar: bool


@dataclass(frozen=True, eq=False)
class RealPatches:
    """What real geometries give.

    Attributes:
        image: (n + twins, i, j, k) by the input contract, −3 to 3; the second of each pair of
            twins, another contrast of the participant or the same image, after all others.
        label, weight: (n, i, j, k) in [0, 1].
        known: (n, i, j, k) 0 outside the field of view.
        voxels_mm: (n, 3) of the files along Left, Anterior, Superior.
        lumbar: (n,) bool, of that region.
    """

    image: torch.Tensor
    label: torch.Tensor
    weight: torch.Tensor
    known: torch.Tensor
    voxels_mm: np.ndarray
    lumbar: np.ndarray


class RealCrops:
    """Draws patches from packed cases, each participant equally often.

    Args:
        packed: its cases.
        recipe: of the patches.
        device: where the cases are kept.
    """

    def __init__(self, packed: Packed, recipe: BatchRecipe, device: torch.device):
        self._recipe = recipe
        participants: dict[str, list[_Loaded]] = {}
        for case in packed.cases:
            participants.setdefault(case.participant, []).append(_load(case, recipe, device))
        self._participants = [participants[name] for name in sorted(participants)]
        if recipe.real > 0 and not self._participants:
            raise InputError(
                "The packed training file holds no real images.",
                hint="Pack them, or set the share of real images to 0.",
            )

    def draw(self, draws: Draws, count: int, twins: int) -> RealPatches:
        """Patches of ``count`` geometries, of which the first ``twins`` come with a second
        appearance.
        """
        rng, recipe = draws.host, self._recipe
        shares = np.array(recipe.poses) / sum(recipe.poses)
        rows, voxels_mm, lumbar = [], [], []
        for row in range(count):
            cases = self._participants[rng.integers(len(self._participants))]
            case = cases[rng.integers(len(cases))]
            other = case
            if row < twins and case.group and rng.random() < recipe.registered:
                same = [
                    one
                    for one in cases
                    if one.group == case.group and one.maps.shape == case.maps.shape
                ]
                other = same[rng.integers(len(same))]
            pose = (_STILL, _SMALL, _FULL)[rng.choice(3, p=shares)]
            rows.append(self._patch(draws, case, other, pose, row < twins))
            voxels_mm.append(case.voxels_mm)
            lumbar.append(case.lumbar)
        stacked = torch.stack(rows)
        weight, known = stacked[:, 2], stacked[:, 3]
        second = stacked[:twins, 4] if twins else stacked[:0, 0]
        image = torch.cat([stacked[:, 0], second])
        return RealPatches(
            image,
            stacked[:, 1].clamp(0, 1),
            (weight > 0.99).float() * known,
            known,
            np.array(voxels_mm),
            np.array(lumbar, bool),
        )

    def _patch(
        self, draws: Draws, case: _Loaded, other: _Loaded, pose: float, twin: bool
    ) -> torch.Tensor:
        """Image, label, weight, what is known, and the other image, (5, i, j, k)."""
        rng, shape = draws.host, self._recipe.shape
        half, size = (np.array(shape) - 1) / 2, np.array(case.maps.shape[1:])
        if len(case.cord) and rng.random() < self._recipe.about_cord:
            centre = case.cord[rng.integers(len(case.cord))] + rng.uniform(-0.5, 0.5, 3) * half
        else:
            centre = rng.uniform(0, 1, 3) * (size - 1)
        turn = np.eye(3)
        if pose:
            angles = pose * np.clip(rng.normal(0, 9, 3), -30, 30)
            turn = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
            turn = turn * (rng.uniform(0.88, 1.14) * rng.uniform(0.95, 1.05, 3)) ** pose
            pull = self._pull(draws)
            reach = np.abs(turn) @ half + 1 + pull.reach
        else:
            centre, reach = np.round(centre - half) + half, half
        low = np.floor(centre - reach).astype(int) if pose else np.round(centre - half).astype(int)
        high = np.ceil(centre + reach).astype(int) + 1 if pose else low + np.array(shape)
        window = _window(draws, [case.maps, other.maps[:1]] if twin else [case.maps], low, high)
        known = _known(draws, low, high, size)
        sampled = _values(window)
        if pose:
            sampled, known = _sampled(draws, sampled, known, turn, centre - low, shape, pull)
        image, label, weight = sampled[:3]
        return torch.stack([image, label, weight, known, sampled[3] if twin else image])

    def _pull(self, draws: Draws) -> _Pull:
        """Of a patch that is moved."""
        if not len(draws.rows(self._recipe.real_elastic, 1)):
            return _Pull(0.0, 1.0)
        rng = draws.host
        over = rng.uniform(*_ELASTIC_MM) / self._recipe.spacing
        return _Pull(rng.uniform(*_ELASTIC_PARTS) * over, over)


@dataclass(frozen=True)
class _Pull:
    """A smooth displacement.

    Attributes:
        deviation: of each of its components, voxels; 0 for none.
        over: voxels over which it varies.
    """

    deviation: float
    over: float

    @property
    def reach(self) -> float:
        """The farthest it goes, voxels."""
        return _ELASTIC_REACH * self.deviation

    def moved(self, draws: Draws, places: list[torch.Tensor]) -> list[torch.Tensor]:
        """Places (three of (i, j, k), voxels) that it pulls from elsewhere."""
        if not self.deviation:
            return places
        fields = draws.smooth(3, places[0].shape, self.over)
        # Without the corners of what is interpolated linearly.
        fields = blurred(fields, draws.table(np.full((3, 1), _ELASTIC_ROUND * self.over)))
        fields = fields.clamp_(-_ELASTIC_REACH, _ELASTIC_REACH)
        return [place + self.deviation * field for place, field in zip(places, fields)]


def _load(case: PackedCase, recipe: BatchRecipe, device: torch.device) -> _Loaded:
    coarse = recipe.spacing > 1.5
    maps = (
        (case.coarse_image, case.coarse_label, case.coarse_weight)
        if coarse
        else (case.image, case.label, case.weight)
    )
    return _Loaded(
        torch.from_numpy(np.stack(maps)).to(device),
        np.argwhere(fractions(maps[1]) > _CORD),
        case.group,
        case.slices_mm,
        "lumbar" in case.contrast,
    )


def _window(
    draws: Draws, maps: list[torch.Tensor], low: np.ndarray, high: np.ndarray
) -> torch.Tensor:
    """Voxels from ``low`` to before ``high`` of stacked maps; beyond the field of view the edge
    repeats, as resampling does.
    """
    result = torch.cat(maps) if len(maps) > 1 else maps[0]
    for axis in range(3):
        size = result.shape[axis + 1]
        start, stop = int(np.clip(low[axis], 0, size - 1)), int(np.clip(high[axis], 1, size))
        result = result.narrow(axis + 1, start, max(stop - start, 1))
        at = np.clip(np.arange(low[axis], high[axis]), 0, size - 1) - start
        result = result.index_select(
            axis + 1, draws.index(np.clip(at, 0, result.shape[axis + 1] - 1))
        )
    return result


def _known(draws: Draws, low: np.ndarray, high: np.ndarray, size: np.ndarray) -> torch.Tensor:
    """1 within the field of view, else 0, of a window."""
    parts = [
        draws.table((np.arange(a, b) >= 0) & (np.arange(a, b) < n))
        for a, b, n in zip(low, high, size)
    ]
    return parts[0][:, None, None] * parts[1][:, None] * parts[2]


def _values(window: torch.Tensor) -> torch.Tensor:
    """Bytes (3 or 4, …) to image, label, weight and other image."""
    parts = [image_values(window[:1]), fractions(window[1:3])]
    return torch.cat([*parts, image_values(window[3:])] if len(window) > 3 else parts)


def _sampled(
    draws: Draws, maps, known, turn: np.ndarray, centre: np.ndarray, shape, pull: _Pull
) -> tuple[torch.Tensor, torch.Tensor]:
    """Trilinear values at turned and pulled places; what is partly unknown is unknown."""
    scale = 2.0 / (np.array(maps.shape[1:]) - 1)
    axes = [torch.arange(n, device=draws.device) - (n - 1) / 2 for n in shape]
    grids = torch.meshgrid(*axes, indexing="ij")
    places = [
        sum(float(turn[row, a]) * grids[a] for a in range(3)) + float(centre[row])
        for row in range(3)
    ]
    places = pull.moved(draws, places)
    grid = torch.stack([place * float(s) - 1 for place, s in zip(places, scale)][::-1], dim=-1)[
        None
    ]
    sampled = functional.grid_sample(
        torch.cat([maps, known[None]])[None], grid, padding_mode="border", align_corners=True
    )[0]
    return sampled[:-1], (sampled[-1] > 0.99).float()


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
    slices = draw_real_slices(draws, recipe, patches.voxels_mm, patches.lumbar)
    own = slices.of(of, draws)
    image, coarse = _coarse(draws, recipe, own.cut(image), own)
    label, weight = slices.cut(patches.label).clamp(0, 1), slices.fully_known(patches.weight)
    changed |= np.isin(of, distorted) | (own.axis >= 0) | coarse
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


def _coarse(
    draws: Draws, recipe: BatchRecipe, image: torch.Tensor, slices: Slices
) -> tuple[torch.Tensor, np.ndarray]:
    """Images, some coarse in the plane of their slices, and which: (n,) bool."""
    sigma = coarse_plane(draws, recipe, slices)
    coarse = sigma.any(axis=1)
    if coarse.any():
        index = draws.index(np.flatnonzero(coarse))
        image[index] = blurred(image[index], draws.table(sigma[coarse]))
    return image, coarse


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
