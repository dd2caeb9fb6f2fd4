"""Synthetic images that could be MRI of spines, and the soft masks of the cords in them, a batch at
once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..packed import Packed
from . import tissue_means as tissue
from .axis_operators import blurred, enlarge
from .batch_recipe import BatchRecipe
from .cord_atlas import CordAtlas, reflected, sample_map, sample_narrow_map
from .draws import Curves, Draws, interpolate_curve
from .field_errors import draw_shifts, kept_signal, pile_up, shifted, with_metal
from .placement import TIP_MM, Aim, Placement, draw_aim, draw_placement
from .sac import Canal, draw_roots, paint_canal
from .scanner import Slices, draw_slices, scan
from .surroundings import draw_surroundings, paint_surroundings

# The distance map's zero, see cord_atlas.
_EDGE_ZERO_MM = 3.0
# Beyond what may count as cord, it is unknown for so many millimetres; above that it is pons.
_DOUBT_MM = 10.0


@dataclass(frozen=True, eq=False)
class Geometry:
    """All that the appearances of one patch share; tensors of n geometries.

    Attributes:
        placement, canal: where each voxel lies, and what it is.
        near: (4, n, i, j, k) bone, disc, T2w intensity of the template, and where it is known.
        surroundings: fields of :func:`draw_surroundings`.
        roots: (n, i, j, k) fraction of bundled roots.
        shift: (n, i, j, k) echo-planar distortion, voxels; of the rows ``distorted`` only.
        distorted: (m,) rows.
        slices: how the image is cut.
        label, weight: (n, i, j, k) after distortion and slices.
    """

    placement: Placement
    canal: Canal
    near: torch.Tensor
    surroundings: torch.Tensor
    roots: torch.Tensor
    shift: torch.Tensor
    distorted: np.ndarray
    slices: Slices
    label: torch.Tensor
    weight: torch.Tensor


class SyntheticBatch:
    """Makes images from packed anatomy.

    Args:
        packed: its cords and what surrounds the template's.
        recipe: of the patches.
        device: where everything is made.
    """

    def __init__(self, packed: Packed, recipe: BatchRecipe, device: torch.device):
        self._atlas = CordAtlas.of(packed, device)
        self._recipe = recipe

    def geometry(self, draws: Draws, count: int) -> Geometry:
        """Draw ``count`` geometries."""
        recipe, atlas = self._recipe, self._atlas
        aim = draw_aim(draws, recipe, count, atlas.height)
        placement = draw_placement(draws, recipe, aim)
        canal = self.canal(draws, placement, aim)
        half = (atlas.near.shape[2] - 1) / 2, (atlas.near.shape[3] - 1) / 2
        height = reflected(placement.height, atlas.near.shape[4] - 1.0)
        near = sample_map(
            atlas.near, placement.near_left + half[0], placement.near_anterior + half[1], height
        )
        surroundings = draw_surroundings(draws, recipe, placement, atlas.height)
        reach = 1.25 * np.linalg.norm(recipe.shape) * recipe.spacing / 2
        in_sight = aim.height - reach < TIP_MM + 35
        roots = draw_roots(draws, recipe, placement, canal.canal, in_sight)
        distorted = draws.rows(recipe.distortion, count)
        label, weight, shift = canal.cord, canal.weight, placement.height[:0]
        if len(distorted):
            index = draws.index(distorted)
            shift = draw_shifts(draws, recipe, placement.height[index])
            label, weight = label.clone(), weight.clone()
            label[index], weight[index] = (
                shifted(label[index], shift),
                shifted(weight[index], shift),
            )
        slices = draw_slices(draws, recipe, aim.height - TIP_MM)
        label = slices.cut(label).clamp(0, 1)
        weight = (slices.cut(weight) > 0.9).float()
        return Geometry(
            placement, canal, near, surroundings, roots, shift, distorted, slices, label, weight
        )

    def canal(self, draws: Draws, placement: Placement, aim: Aim) -> Canal:
        """What of each voxel is cord, looks like cord, is grey matter, and lies in the canal."""
        atlas, recipe, rng, count = self._atlas, self._recipe, draws.host, len(aim.height)
        shape = np.where(
            aim.whole | (rng.random(count) < 0.45), 0, rng.integers(len(atlas.top), size=count)
        )
        spacing, bottom, start, top = (
            getattr(atlas, name)[shape] for name in ("spacing", "bottom", "start", "top")
        )
        whole = draws.put(atlas.whole[shape]) > 0
        top, start = draws.put(top), draws.put(start)
        k = (placement.height - draws.put(bottom)) / draws.put(spacing[:, 2])
        # Above the template the cord goes on and widens into the brainstem; a piece of a cord goes
        # on at both its ends.
        beyond = (placement.height - atlas.height).clamp(min=0)
        clear = draws.put(rng.random(count) < recipe.clear_stem)
        pons = (beyond - recipe.stem_mm - draws.uniform(0, 6, count)).clamp(min=0) * clear
        widen = 1 / (1 + beyond / 25 + (pons / 12).clamp(max=1.5))
        folded = reflected(k, top)
        k_cord = torch.where(whole, torch.minimum(k, top).clamp(min=-2), folded) + start
        # The template's canal ends with its cord; a real one goes on to the sacrum, full of roots,
        # and ends there.
        lowest = draws.put((TIP_MM + 7 - bottom) / spacing[:, 2])
        k_canal = torch.where(whole, torch.minimum(torch.maximum(k, lowest), top), folded) + start
        end = TIP_MM - draws.uniform(100, 190, count)
        # In a few millimetres, or, mostly, over the height of several vertebrae: there it has the
        # calibre of a cord.
        over = np.where(
            rng.random(count) < 0.35, rng.uniform(4, 12, count), rng.uniform(12, 45, count)
        )
        taper = torch.sigmoid((placement.height - end) / draws.put(over)).clamp(min=0.02)
        middles = [[(n - 1) / 2 for n in maps.shape[2:4]] for maps in (atlas.inner, atlas.canal)]
        voxels = [draws.put(spacing[:, axis]) for axis in (0, 1)]
        inside = [m + c * (widen / v) for m, c, v in zip(middles[0], _cord(placement), voxels)]
        around = [m + c / (taper * v) for m, c, v in zip(middles[1], _near(placement), voxels)]
        cord, grey, edge = sample_narrow_map(atlas.inner, *inside, k_cord)
        canal = sample_narrow_map(atlas.canal, *around, k_canal)[0]
        # The maps' edges run over 1 mm, from half of it outside to half of it inside.
        rim = draws.uniform(*recipe.rim_mm, count)
        visible = torch.maximum((edge - _EDGE_ZERO_MM + rim + 0.5).clamp(0, 1), cord)
        # Where exactly the brainstem stops being cord is unknown, but all around it nothing is,
        # and the pons is not.
        weight = ((beyond <= recipe.stem_mm) | (visible <= 0)).float()
        above = ((beyond > recipe.stem_mm + _DOUBT_MM).float() * clear) > 0
        weight = torch.where(above, torch.ones_like(weight), weight)
        label = torch.where(above, torch.zeros_like(cord), cord)
        return Canal(
            label, visible, torch.minimum(grey, cord), torch.maximum(canal, visible), weight
        )

    def appearance(self, draws: Draws, geometry: Geometry, of: np.ndarray) -> torch.Tensor:
        """One image for each of the rows ``of``, which name its geometry; (n, i, j, k) of about 0
        to 1.
        """
        recipe, count = self._recipe, len(of)
        part = _Rows(draws, geometry, of)
        placement, canal = part.placement(), part.canal()
        kinds = tissue.draw_kinds(draws, recipe, count)
        means = draws.table(tissue.draw_means(draws, recipe, kinds))
        image, air = paint_surroundings(draws, recipe, part.take(geometry.surroundings, 1), means)
        image = self._with_near_field(draws, image, part.take(geometry.near, 1), means)
        image = self._with_epidural(draws, image, placement, canal.canal, means)
        inner = paint_canal(draws, recipe, placement, canal, part.take(geometry.roots), means)
        image = torch.lerp(image, inner, canal.canal)
        air = air * (1 - canal.canal)
        rows = draws.rows(recipe.metal, count)
        if len(rows):
            index = draws.index(rows)
            image[index] = with_metal(
                draws,
                recipe,
                image[index],
                placement.near_left[index],
                placement.near_anterior[index],
            )
        rows = draws.rows(recipe.dropout, count)
        if len(rows):
            index = draws.index(rows)
            image[index] *= kept_signal(
                draws, recipe, placement.height[index], placement.near_anterior[index]
            )
        rows = np.flatnonzero(np.isin(of, geometry.distorted))
        if len(rows):
            index = draws.index(rows)
            shift = geometry.shift[draws.index(np.searchsorted(geometry.distorted, of[rows]))]
            image[index] = shifted(image[index], shift) * pile_up(shift)
            air[index] = shifted(air[index], shift)
        return scan(draws, recipe, image, geometry.slices.of(of, draws), kinds, air)

    def _with_near_field(self, draws: Draws, image, near, means) -> torch.Tensor:
        """Vertebrae and discs over the body; often the template's own T2w image under a random
        curve instead.
        """
        rng, count = draws.host, len(image)
        bone, disc, t2w, known = near
        mean = means.view(count, -1, 1, 1, 1)
        marrow = mean[:, tissue.BONE] + 0.05 * draws.smooth(count, image.shape[1:], 2.0)
        image = torch.lerp(image, marrow, bone)
        image = torch.lerp(image, mean[:, tissue.DISC].expand_as(image), disc)
        rows = draws.rows(0.55, count)
        if len(rows):
            index = draws.index(rows)
            values = rng.uniform(0, 1, (len(rows), 6))
            values = np.where(rng.random((len(rows), 1)) < 0.6, values, np.sort(values, axis=1))
            seen = interpolate_curve(draws.table(values), t2w[index])
            image[index] = torch.lerp(
                image[index], seen, known[index] * draws.uniform(0.4, 1.0, len(rows))
            )
        return image

    def _with_epidural(
        self, draws: Draws, image, placement: Placement, canal, means
    ) -> torch.Tensor:
        """Dura, ligament and fat: a rim around the canal, of a thickness that comes and goes."""
        count, spacing = len(image), self._recipe.spacing
        comes = 0.6 + 0.4 * torch.tanh(
            Curves(draws, np.ones(count), (10, 60))(placement.coarse_height)
        )
        thickness = enlarge(draws.uniform(0, 2.5, count) * comes, image.shape[1:])
        rim = blurred(canal, draws.put(np.full(count, max(1.5 / spacing, 0.5))).view(-1, 1))
        fraction = (rim * thickness * 1.5).clamp_(0, 1) * (1 - canal)
        return torch.lerp(
            image, means[:, tissue.EPIDURAL].view(-1, 1, 1, 1).expand_as(image), fraction
        )


class _Rows:
    """Takes what belongs to rows from a geometry, without a copy where each geometry has one
    row.
    """

    def __init__(self, draws: Draws, geometry: Geometry, of: np.ndarray):
        self._geometry = geometry
        self._same = np.array_equal(of, np.arange(len(geometry.label)))
        self._index = draws.index(of)

    def take(self, field: torch.Tensor, axis: int = 0) -> torch.Tensor:
        return field if self._same else field.index_select(axis, self._index)

    def placement(self) -> Placement:
        return Placement(
            **{name: self.take(value) for name, value in vars(self._geometry.placement).items()}
        )

    def canal(self) -> Canal:
        return Canal(
            **{name: self.take(value) for name, value in vars(self._geometry.canal).items()}
        )


def _cord(placement: Placement) -> tuple[torch.Tensor, torch.Tensor]:
    return placement.cord_left, placement.cord_anterior


def _near(placement: Placement) -> tuple[torch.Tensor, torch.Tensor]:
    return placement.near_left, placement.near_anterior
