"""What fills the canal: fluid that flows, nerve roots, the cauda equina, and the cord's own
tissue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from . import tissue_means as tissue
from .axis_operators import enlarge
from .batch_recipe import BatchRecipe
from .draws import Curves, Draws
from .placement import TIP_MM, Placement

# Cross-sections of roots are drawn on squares of so many pixels, this wide, mm.
_PIXELS, _WIDTH_MM = 160, 26.0
_MOST_ROOTS = 60
# Of the three ways in which roots lie, see draw_roots: most are scanned lying on their backs.
_KINDS = (0.2, 0.25, 0.55)
# The middle of a bundle sinks by so much at most, or it would leave the sac.
_SUNK_MM = 2.5


@dataclass(frozen=True, eq=False)
class Canal:
    """Fractions in [0, 1], each (n, i, j, k) float32.

    Attributes:
        cord: the label. visible: what looks like cord. grey: grey matter. canal: with all that is
            in it.
        weight: 0 where it is unknown what is cord.
    """

    cord: torch.Tensor
    visible: torch.Tensor
    grey: torch.Tensor
    canal: torch.Tensor
    weight: torch.Tensor


def paint_canal(
    draws: Draws,
    recipe: BatchRecipe,
    placement: Placement,
    parts: Canal,
    roots: torch.Tensor,
    means: torch.Tensor,
) -> torch.Tensor:
    """Intensities inside the canal, (n, i, j, k) float32.

    Args:
        placement, parts: where each voxel lies, and what it is, of the same rows.
        roots: (n, i, j, k) fraction of bundled roots, of :func:`draw_roots`.
        means: (n, TISSUES).
    """
    count, rng = len(means), draws.host
    mean = means.view(count, -1, 1, 1, 1)
    fluid = _fluid(draws, recipe, placement, mean)
    # Roots are few beside the cord and fill the canal below its tip.
    strands = draws.smooth(count, recipe.shape, np.array([[1.2, 1.2, 15]]) / recipe.spacing)
    strands = ((strands - draws.uniform(0.6, 1.6, count)) * 3 + 0.5).clamp_(0, 1)
    beside = draws.put(0.25 * (rng.random(count) < 0.5))
    amount = torch.maximum(((60 - placement.height) / 30).clamp_(max=1), beside) * draws.uniform(
        0.4, 1, count
    )
    fluid = torch.lerp(fluid, mean[:, tissue.CAUDA].expand_as(fluid), strands * amount)
    # The intensity of roots: nerve, like the cord, or any other.
    nerve = draws.put(rng.random(count) < 0.6) > 0
    fluid = torch.lerp(
        fluid,
        torch.where(nerve, mean[:, tissue.WHITE], mean[:, tissue.CAUDA]).expand_as(fluid),
        roots,
    )
    inside = _tissue(draws, recipe, placement, mean)
    return torch.lerp(fluid, inside, parts.visible) + parts.grey * (
        mean[:, tissue.GREY] - mean[:, tissue.WHITE]
    )


def _fluid(
    draws: Draws, recipe: BatchRecipe, placement: Placement, mean: torch.Tensor
) -> torch.Tensor:
    rng, count = draws.host, len(mean)
    fluid = mean[:, tissue.CSF].expand_as(placement.height).clone()
    flowing = draws.rows(recipe.inflow, count)
    if len(flowing):
        # Fresh fluid is brighter than fluid that was excited before: in gradient echo stacks it may
        # be darker than the cord at one end of the image, and brighter at the other.
        change = Curves(draws, rng.uniform(0.1, 0.4, len(flowing)), (80, 400))
        height = placement.height[draws.index(flowing)]
        middle = height[:, height.shape[1] // 2, height.shape[2] // 2, height.shape[3] // 2].view(
            -1, 1, 1, 1
        )
        fluid[draws.index(flowing)] += change(height) - change(middle)
    for rows, depth, scale in (
        (draws.rows(0.35, count), (0.0, 0.5), (4, 15)),
        (draws.rows(recipe.flow_voids, count), (0.4, 0.95), (4, 8)),
    ):
        if len(rows):
            wide = (
                rng.uniform(*scale, len(rows))[:, None]
                * (np.array([1, 1, 2.5]) if depth[0] > 0 else 1)
                / recipe.spacing
            )
            dark = draws.smooth(len(rows), recipe.shape, wide * np.ones(3)).clamp_(0, 1)
            fluid[draws.index(rows)] *= 1 - draws.uniform(*depth, len(rows)) * dark
    return fluid


def _tissue(
    draws: Draws, recipe: BatchRecipe, placement: Placement, mean: torch.Tensor
) -> torch.Tensor:
    """White matter with texture and, at times, lesions, a syrinx or blood."""
    rng, count = draws.host, len(mean)
    texture = draws.smooth(count, recipe.shape, rng.uniform(1, 6, count) / recipe.spacing)
    inside = mean[:, tissue.WHITE] + draws.uniform(0, 0.06, count) * texture
    rows = draws.rows(recipe.lesions, count)
    if len(rows):
        scale = (
            np.stack([*[rng.uniform(3, 6, len(rows))] * 2, rng.uniform(5, 20, len(rows))], 1)
            / recipe.spacing
        )
        patches = draws.smooth(len(rows), recipe.shape, scale) - draws.uniform(0.8, 1.8, len(rows))
        inside[draws.index(rows)] += (patches * 5 + 0.5).clamp_(0, 1) * draws.uniform(
            -0.35, 0.35, len(rows)
        )
    for rows, radii, lengths in (
        (draws.rows(recipe.syrinx, count), (0.8, 3.2), (8, 60)),
        (draws.rows(recipe.haemorrhage, count), (1.0, 3.5), (3, 12)),
    ):
        if not len(rows):
            continue
        syrinx = lengths[1] > 20
        x, y, z = (
            f[draws.index(rows)]
            for f in (placement.cord_left, placement.cord_anterior, placement.height)
        )
        off = (0.4, 0.6) if syrinx else (3.0, 2.5)
        x, y = (p - draws.uniform(-o, o, len(rows)) for p, o in zip((x, y), off))
        centre = z[:, x.shape[1] // 2, x.shape[2] // 2, x.shape[3] // 2].view(
            -1, 1, 1, 1
        ) + draws.uniform(-25, 25, len(rows))
        radius = draws.uniform(*radii, len(rows)) * (
            1 - ((z - centre) / draws.uniform(*lengths, len(rows))) ** 2
        )
        fraction = (radius - torch.hypot(x * draws.uniform(0.6, 1.0, len(rows)), y) + 0.5).clamp_(
            0, 1
        )
        # A syrinx holds fluid; blood is dark in what is sensitive to iron, or bright, fresh, in T1w
        # images.
        content = (
            mean[draws.index(rows), tissue.CSF]
            if syrinx
            else draws.put(rng.choice([0.0, 0.05, 1.0], len(rows)))
        )
        inside[draws.index(rows)] = torch.lerp(
            inside[draws.index(rows)], content.expand_as(x), fraction
        )
    return inside


def draw_roots(
    draws: Draws,
    recipe: BatchRecipe,
    placement: Placement,
    canal: torch.Tensor,
    tip_in_sight: np.ndarray,
) -> torch.Tensor:
    """Fraction of roots that hang together below the tip, (n, i, j, k): in one of three ways, each
    with its own look.

    A bundle like a thinner cord that sinks to the back and parts on its way; roots packed around
    the last of the cord, together as thick as the cord above, so that only texture tells them from
    cord; and a layer at the back of the sac, where they lie in a patient who lies on the back.

    Args:
        canal: (n, i, j, k) fraction of the canal, all that is in it included.
        tip_in_sight: (n,) bool; others get none.
    """
    rng, count = draws.host, len(tip_in_sight)
    rows = np.intersect1d(draws.rows(recipe.roots, count), np.flatnonzero(tip_in_sight))
    roots = torch.zeros_like(placement.height)
    kind = rng.choice(3, size=len(rows), p=_KINDS)
    for some, draw in ((rows[kind < 2], _strands), (rows[kind == 2], _layer)):
        if len(some):
            index = draws.index(some)
            part = Placement(**{name: field[index] for name, field in vars(placement).items()})
            args = (kind[kind < 2],) if draw is _strands else (canal[index],)
            roots[index] = draw(draws, recipe, part, *args)
    return roots


def _layer(
    draws: Draws, recipe: BatchRecipe, placement: Placement, canal: torch.Tensor
) -> torch.Tensor:
    """Roots at the back of the sac, millimetres thick and thinner further down, along its wall.

    Seldom at its front, as in a patient who lies on the belly.
    """
    rng, n = draws.host, len(canal)
    # Millimetres of canal between a voxel and the wall behind it.
    behind = (canal.cumsum(dim=2) - 0.5 * canal) * recipe.spacing
    across = canal.sum(dim=2, keepdim=True) * recipe.spacing
    front = draws.put(rng.random(n) < 0.08) > 0
    behind = torch.where(front, across - behind, behind)
    depth = (TIP_MM + draws.uniform(-5, 15, n) - placement.height).clamp_(min=0)
    uneven = 1 + Curves(draws, np.full(n, 0.25), (20, 80))(placement.coarse_height)
    thick = draws.uniform(3, 10, n) * torch.exp(-depth / draws.uniform(30, 150, n))
    # Higher at the sides, where the roots of a level lie before they leave.
    sides = draws.uniform(0, 0.8, n)
    rise = 1 - sides + sides * (placement.near_left.abs() / 5).clamp_(max=2)
    thick = thick * rise * enlarge(uneven, recipe.shape)
    band = ((thick - behind) / max(recipe.spacing, 0.7) + 0.5).clamp_(0, 1)
    fluid = draws.smooth(n, recipe.shape, np.array([[0.8, 0.8, 20]]) / recipe.spacing)
    dense = ((fluid + draws.uniform(0.2, 2.0, n)) * 2 + 0.5).clamp_(0, 1)
    return band * dense * canal * (depth / 4).clamp_(max=1) * draws.uniform(0.6, 1.0, n)


def _strands(
    draws: Draws, recipe: BatchRecipe, placement: Placement, kind: np.ndarray
) -> torch.Tensor:
    """Roots one by one, of the kinds 0 (a bundle) and 1 (packed around the cord)."""
    rng, n = draws.host, len(kind)
    begin = np.choose(kind, [rng.uniform(-4, 6, n), rng.uniform(5, 35, n)])
    depth = (draws.put(TIP_MM + begin) - placement.height).clamp_(min=0)
    back = draws.put(np.choose(kind, [rng.uniform(0.0, 0.12, n), rng.uniform(0.0, 0.06, n)]))
    widen = draws.put(np.choose(kind, [rng.uniform(0.005, 0.04, n), rng.uniform(0.0, 0.015, n)]))
    spread = 1 + widen * depth
    packed = draws.put(kind == 1) > 0
    # No root runs straight.
    sway = [Curves(draws, rng.uniform(0, 0.8, n), (20, 80))(placement.height) for _ in range(2)]
    left = torch.where(packed, placement.cord_left, placement.near_left)
    front = torch.where(packed, placement.cord_anterior, placement.near_anterior)
    # They sink, and stay in the sac.
    left = (left + sway[0]) / spread
    front = (front + (back * depth).clamp(max=_SUNK_MM) + sway[1]) / spread
    grid = torch.stack([front, left], dim=-1).mul_(2 / _WIDTH_MM).view(n, -1, front.shape[3], 2)
    sections = functional.grid_sample(
        _sections(draws, kind)[:, None], grid, padding_mode="zeros", align_corners=False
    )
    strength = draws.put(np.where(kind == 0, rng.uniform(0.4, 0.9, n), rng.uniform(0.6, 1.0, n)))
    return sections.view_as(front) * (depth / 4).clamp_(max=1) * strength


def _sections(draws: Draws, kind: np.ndarray) -> torch.Tensor:
    """Squares (n, left, anterior) of cross-sections of roots, in [0, 1]."""
    rng, n = draws.host, len(kind)
    shape = (n, _MOST_ROOTS)
    angle = rng.uniform(0, 2 * np.pi, shape)
    distance = np.where(rng.random(n)[:, None] < 0.5, np.sqrt(rng.random(shape)), rng.random(shape))
    across = np.choose(kind, [rng.uniform(1.4, 4.5, n), rng.uniform(3.5, 6.5, n)])
    deep = np.choose(kind, [rng.uniform(1.2, 3.0, n), rng.uniform(2.5, 4.5, n)])
    x = np.cos(angle) * distance * across[:, None]
    y = np.sin(angle) * distance * deep[:, None]
    radius = np.choose(kind[:, None], [rng.uniform(0.5, 1.4, shape), rng.uniform(0.5, 1.1, shape)])
    number = np.choose(kind, [rng.integers(6, 24, n), rng.integers(30, 60, n)])
    radius[np.arange(_MOST_ROOTS) >= number[:, None]] = -9
    at = (torch.arange(_PIXELS, device=draws.device) + 0.5) * (_WIDTH_MM / _PIXELS) - _WIDTH_MM / 2
    x, y, radius = (draws.table(v)[:, :, None, None] for v in (x, y, radius))
    return (radius - torch.hypot(at[:, None] - x, at - y) + 0.3).mul_(1.5).clamp_(0, 1).amax(dim=1)
