"""Where each voxel of a batch lies in the straightened anatomy: posture, bends, calibre,
compression.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from .axis_operators import coarse_shape, enlarge
from .batch_recipe import BatchRecipe
from .draws import Curves, Draws, interpolate_curve

# The template's cord ends there, mm above its lowest slice.
TIP_MM = 26.0
# Above that height the template is a neck, mm.
_NECK_MM = 370.0
# Its lumbar enlargement is widest so far above the tip, mm.
_ENLARGEMENT_MM = 45.0
# The lumbar curve begins so far above the tip, mm; the sacrum has ended so far below it.
_THORACIC_MM, _COCCYX_MM, _STEP_MM = 80.0, 260.0, 5.0
# A spine bends no more tightly than around a circle of this radius, mm: 60° over 64 mm; and over
# the height of a field by no more than so many radians: it is no ring.
_LEAST_RADIUS_MM, _MOST_BENT = 61.0, 1.3


@dataclass(frozen=True, eq=False)
class Placement:
    """Positions in the anatomy, mm, float32.

    Attributes:
        left, anterior, coarse_height: (n, i', j', k') on the coarse grid: distances from the
            centreline after bends, before any scaling, and the height below.
        height: (n, i, j, k) along the template, 0 at its lowest slice.
        near_left, near_anterior: (n, i, j, k) distances after the local scaling of the spine around
            the canal.
        cord_left, cord_anterior: the same for the cord within its canal: own calibre, place and
            compression.
    """

    left: torch.Tensor
    anterior: torch.Tensor
    height: torch.Tensor
    near_left: torch.Tensor
    near_anterior: torch.Tensor
    cord_left: torch.Tensor
    cord_anterior: torch.Tensor
    coarse_height: torch.Tensor


@dataclass(frozen=True, eq=False)
class Aim:
    """Where to look, one a sample, on the host.

    Attributes:
        mm: (n, 3) where in the image, from its centre, the cord's centreline is brought.
        height: (n,) in the template that is brought there, mm.
        whole: (n,) bool, those that must show a cord with its tip.
    """

    mm: np.ndarray
    height: np.ndarray
    whole: np.ndarray


def draw_aim(draws: Draws, recipe: BatchRecipe, count: int, template_mm: float) -> Aim:
    """The neck, as most images are, or anywhere; the ends of the cord on purpose; now and then no
    cord at all.
    """
    rng = draws.host
    half = np.array(recipe.shape) * recipe.spacing / 2
    mm = rng.uniform(-1, 1, (count, 3)) * half * recipe.aim_spread
    # Beyond the template's width the spine's own maps are empty.
    outside = rng.random(count) < recipe.without_cord
    mm[outside, :2] += rng.choice([-1, 1], (int(outside.sum()), 2)) * (half[:2] + 50)
    height = np.where(
        rng.random(count) < 1 - recipe.neck,
        rng.uniform(5, template_mm - 5, count),
        rng.uniform(_NECK_MM, template_mm - 5, count),
    )
    ends = rng.random(count)
    conus = ends < recipe.conus
    sac = ~conus & (ends < recipe.conus + recipe.sac)
    stem = ~conus & ~sac & (ends < recipe.conus + recipe.sac + recipe.brainstem)
    height[conus] = rng.uniform(-25, 60, int(conus.sum()))
    # Far enough below the tip that even a tilted patch shows none of the cord.
    reach = (
        float(np.linalg.norm(half * (1 + np.array(recipe.aim_spread))))
        if recipe.spacing < 1.5
        else 60.0
    )
    height[sac] = TIP_MM - 1.3 * reach - rng.uniform(5, 60, int(sac.sum()))
    height[stem] = template_mm + rng.uniform(-20, 25, int(stem.sum()))
    return Aim(mm, height, conus | sac)


def draw_placement(draws: Draws, recipe: BatchRecipe, aim: Aim) -> Placement:
    """Draw postures for all samples of a batch."""
    rng, count = draws.host, len(aim.height)
    left, anterior, along = _turned(draws, recipe, aim)
    left, anterior, along = _bent(draws, recipe, left, anterior, along)
    # Gentle lordosis or kyphosis over long distances, a little scoliosis; the aim itself stays on
    # the cord.
    bends = [Curves(draws, rng.uniform(0, most, count), (90, 400)) for most in (4, 9)]
    left, anterior = (
        axis - (bend(along) - bend(0.0)) for axis, bend in zip((left, anterior), bends)
    )
    anterior = anterior - _lumbosacral(draws, recipe, aim.height, along)

    size = np.clip(rng.normal(1.0, 0.12, count), 0.75, 1.35)
    # Away from the canal the spine keeps the body's own scale, so that a wide canal does not make a
    # wide body.
    fading = 0.08 * torch.exp(-(left**2 + anterior**2) / (2 * 25.0**2))
    width = [
        draws.put(size) * (1 + Curves(draws, np.ones(count), (30, 200))(along) * fading)
        for _ in range(2)
    ]
    height = draws.put(aim.height) + along / draws.put(rng.normal(1.0, 0.08, count) * size)
    near_left, near_anterior = left / width[0], anterior / width[1]
    cord_left, cord_anterior = _cord_in_canal(
        draws, recipe, along, height, near_left, near_anterior
    )
    full = enlarge(
        torch.stack([height, near_left, near_anterior, cord_left, cord_anterior]), recipe.shape
    )
    return Placement(left, anterior, *full, height)


def _turned(draws: Draws, recipe: BatchRecipe, aim: Aim) -> list[torch.Tensor]:
    """Millimetres from the aim along the body's own axes, on the coarse grid."""
    rng, count = draws.host, len(aim.height)
    angles = np.clip(
        rng.normal(0, np.where(rng.random(count) < 0.08, 30.0, 8.0)[:, None], (count, 3)), -40, 40
    )
    tilted = draws.rows(recipe.tilted, count)
    # About the left-right axis mostly, as in a kyphosis that is looked at far from its apex.
    which = rng.choice([0, 0, 0, 1], len(tilted))
    angles[tilted, which] = rng.choice([-1, 1], len(tilted)) * rng.uniform(25, 60, len(tilted))
    turn = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    axes = []
    for axis, (n, nodes) in enumerate(zip(recipe.shape, coarse_shape(recipe.shape))):
        place = (torch.arange(nodes, device=draws.device) * 2 - (n - 1) / 2) * recipe.spacing
        shape = [1, 1, 1, 1]
        shape[axis + 1] = nodes
        axes.append(place.view(shape) - draws.put(aim.mm[:, axis]))
    return [
        sum(draws.put(turn[:, row, column]) * axes[column] for column in range(3))
        for row in range(3)
    ]


def _bent(draws: Draws, recipe: BatchRecipe, left, anterior, along) -> tuple[torch.Tensor, ...]:
    """A spine on an arc: kyphosis, lordosis, or scoliosis; cross-sections keep their shape, and the
    arc its length.
    """
    rng, count = draws.host, len(left)
    bent = draws.rows(recipe.bent, count)
    if not len(bent):
        return left, anterior, along
    rows = draws.index(bent)
    least_mm = max(_LEAST_RADIUS_MM, recipe.shape[2] * recipe.spacing / _MOST_BENT)
    radius = draws.put(least_mm / rng.uniform(0.25, 1.0, len(bent)))
    sideways = rng.random(len(bent)) < 0.3
    angle = np.where(
        sideways, rng.choice([0, np.pi], len(bent)), rng.choice([np.pi / 2, -np.pi / 2], len(bent))
    )
    angle = angle + rng.normal(0, 0.3, len(bent))
    cos, sin = draws.put(np.cos(angle)), draws.put(np.sin(angle))
    x, y, z = left[rows], anterior[rows], along[rows]
    towards, across = cos * x + sin * y, cos * y - sin * x
    # Beyond the arc's centre a place has no meaning; there it is far from the spine anyway.
    outward = (radius - towards).clamp(min=5.0)
    distance, turned = torch.sqrt(outward**2 + z**2), torch.atan2(z, outward)
    towards = radius - distance
    left, anterior, along = (t.clone() for t in (left, anterior, along))
    left[rows], anterior[rows] = cos * towards - sin * across, sin * towards + cos * across
    along[rows] = radius * turned
    return left, anterior, along


def _lumbosacral(
    draws: Draws, recipe: BatchRecipe, aim_mm: np.ndarray, along: torch.Tensor
) -> torch.Tensor:
    """How far to the Anterior the canal lies of where it is at the aim, mm: forward below the tip
    of the cord, backward in the lower lumbar spine and, more steeply, in the sacrum.
    """
    rng, count = draws.host, len(aim_mm)
    present = (rng.random(count) < recipe.lumbosacral) * 1.0
    promontory = rng.uniform(100, 155, count)
    # Millimetres below the tip, and there the slope of the canal: degrees forward going down.
    knots = np.stack(
        [np.full(count, -60.0), rng.uniform(-15, 25, count)]
        + [promontory, promontory + 20, promontory + rng.uniform(50, 80, count)],
        axis=1,
    )
    degrees = np.stack(
        [np.zeros(count), rng.uniform(0, 22, count)]
        + [rng.uniform(-30, 0, count), rng.uniform(-50, -20, count), rng.uniform(-40, 10, count)],
        axis=1,
    )
    below = np.arange(-_THORACIC_MM, _COCCYX_MM + 1, _STEP_MM)
    slope = np.array([np.interp(below, *pair) for pair in zip(knots, np.tan(np.deg2rad(degrees)))])
    table = draws.table(np.cumsum(slope * present[:, None], axis=1) * _STEP_MM)
    reach = _THORACIC_MM + _COCCYX_MM
    aimed = draws.put((TIP_MM - aim_mm + _THORACIC_MM) / reach)
    return interpolate_curve(table, aimed - along / reach) - interpolate_curve(table, aimed)


def _cord_in_canal(
    draws: Draws, recipe: BatchRecipe, along, height, near_left, near_anterior
) -> tuple[torch.Tensor, torch.Tensor]:
    """The cord's own coordinates: its place in the canal, its roll, its calibre."""
    rng, count = draws.host, len(along)
    place_left = Curves(draws, rng.uniform(0, 0.7, count), (60, 300))(along)
    place_anterior = Curves(draws, rng.uniform(0, 1.2, count), (60, 300))(along)
    # Many cords lie at the back of their canal, with hardly any fluid between them and the dura;
    # the template's does not.
    back = np.where(rng.random(count) < 0.6, rng.uniform(0, 3, count), 0)
    aside = np.zeros(count)
    displaced = draws.rows(recipe.displaced, count)
    to_side = rng.random(len(displaced)) < 0.5
    back[displaced] = np.where(
        to_side,
        back[displaced],
        rng.uniform(3, 5.5, len(displaced)) * rng.choice([1, 1, -1], len(displaced)),
    )
    aside[displaced] = np.where(
        to_side, rng.choice([-1, 1], len(displaced)) * rng.uniform(2, 5, len(displaced)), 0
    )
    place_left, place_anterior = place_left + draws.put(aside), place_anterior - draws.put(back)

    calibre = np.clip(rng.normal(1.0, 0.08, count), 0.8, 1.2)
    thin = draws.rows(recipe.thin, count)
    calibre[thin] = np.sqrt(rng.uniform(0.5, 0.8, len(thin)))
    wide = draws.put(calibre) * _enlargement(draws, recipe, height)
    flat = _compression(draws, recipe, along)
    roll = torch.deg2rad(Curves(draws, np.full(count, 4.0), (60, 300))(along))
    cord_left = (near_left - place_left) / wide
    cord_anterior = (near_anterior - place_anterior) / (wide * flat)
    return cord_left + roll * cord_anterior, cord_anterior - roll * cord_left


def _enlargement(draws: Draws, recipe: BatchRecipe, height: torch.Tensor) -> torch.Tensor:
    """Widths about the lumbar enlargement: more or less than the template's, and a tip that tapers
    faster or slower.
    """
    count = len(height)
    amount = np.zeros(count)
    rows = draws.rows(recipe.enlargement, count)
    amount[rows] = draws.host.uniform(-0.1, 0.3, len(rows))
    centre = TIP_MM + _ENLARGEMENT_MM + draws.uniform(-12, 12, count)
    return 1 + draws.put(amount) * torch.exp(
        -((height - centre) ** 2) / (2 * draws.uniform(14, 28, count) ** 2)
    )


def _compression(draws: Draws, recipe: BatchRecipe, along: torch.Tensor) -> torch.Tensor:
    """Flattening of the cord in the anterior-posterior direction at one to three levels, factors in
    (0.45, 1].
    """
    rng, count = draws.host, len(along)
    rows = draws.rows(recipe.compression, count)
    flat = torch.ones_like(along)
    if len(rows):
        some = along[draws.index(rows)]
        factor = torch.ones_like(some)
        for level in range(3):
            depth = np.where(
                rng.integers(1, 4, len(rows)) > level, rng.uniform(0.1, 0.55, len(rows)), 0
            )
            centre, width = draws.uniform(-60, 60, len(rows)), draws.uniform(3, 12, len(rows))
            factor = factor * (
                1 - draws.put(depth) * torch.exp(-((some - centre) ** 2) / (2 * width**2))
            )
        flat[draws.index(rows)] = factor.clamp(min=0.45)
    return flat
