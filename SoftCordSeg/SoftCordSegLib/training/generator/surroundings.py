"""What lies far from the cord: skin, fat, muscles, airway, vessels, organs, gas, the head, air.

None of it is anatomy to the millimetre.  It is there so that a network meets bright, dark, round
and long things that are not the cord, in places and sizes such as a neck, a chest or a belly has
them.  Everything is a signed distance on the coarse grid (mm, positive inside), which enlarges to
sharp edges between voxels.
"""

from __future__ import annotations

import numpy as np
import torch

from . import tissue_means as tissue
from .axis_operators import coarse_shape, enlarge
from .batch_recipe import BatchRecipe
from .draws import Draws
from .placement import Placement

_FAR = -1e3
# Tubes of each family: (label, how many).
_VESSELS, _ROUND, _GASES = 7, 5, 3


def draw_surroundings(
    draws: Draws, recipe: BatchRecipe, placement: Placement, template_mm: float
) -> torch.Tensor:
    """Fields (f, n, i, j, k), as :func:`paint_surroundings` takes them."""
    count = len(placement.left)
    shape = tuple(placement.left.shape[1:])
    depth = _depth_below_skin(draws, placement)
    size = draws.host.uniform(8, 30, count) / (2 * recipe.spacing)
    muscles = draws.smooth(
        count * tissue.MUSCLES, shape, np.repeat(size[:, None] * [1, 1, 3], tissue.MUSCLES, axis=0)
    )
    muscles = muscles.view(count, tissue.MUSCLES, *shape).transpose(0, 1)
    airway, vessels, wall = _tubes(draws, placement)
    clutter, gas = _clutter(draws, recipe, placement)
    head = _head(draws, recipe, placement, template_mm)
    fields = torch.cat([torch.stack([depth, airway, vessels, wall, gas]), muscles, clutter, head])
    return enlarge(fields, recipe.shape)


def paint_surroundings(
    draws: Draws, recipe: BatchRecipe, fields: torch.Tensor, means: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Intensities of the body, textured, and the fraction of air and gas, each (n, i, j, k).

    Args:
        fields: of :func:`draw_surroundings`.
        means: (n, TISSUES).
    """
    count, rng = len(means), draws.host
    depth, airway, vessels, wall, gas = fields[:5]
    muscles = fields[5 : 5 + tissue.MUSCLES]
    clutter = fields[5 + tissue.MUSCLES : 5 + tissue.MUSCLES + tissue.CLUTTERS]
    brain, folds, skull, fluid = fields[-4:]
    image, lead = _muscles(muscles, means)
    sharp = 1.0 / recipe.spacing

    def lay(over: torch.Tensor, label: int) -> None:
        nonlocal image
        image = torch.lerp(
            image, means[:, label].view(-1, 1, 1, 1), (over * sharp + 0.5).clamp_(0, 1)
        )

    # Fat where two muscles nearly tie.
    lay((draws.uniform(0, 0.25, count) - lead) * 8, tissue.FAT)
    lay(draws.uniform(1, 14, count) - depth, tissue.FAT)
    lay(1.5 - depth, tissue.SKIN)
    for number, over in enumerate(clutter):
        lay(over, tissue.CLUTTER + number)
    lay(wall, tissue.WALL)
    lay(vessels, tissue.VESSEL)
    lay(torch.maximum(airway, gas), tissue.AIRWAY)
    for over, label in (
        (skull, tissue.SKULL),
        (fluid, tissue.HEAD_FLUID),
        (brain, tissue.BRAIN),
        (folds, tissue.BRAIN_GREY),
    ):
        lay(over, label)
    texture = torch.zeros_like(image)
    for low, high in ((1.0, 2.5), (2, 10), (10, 40)):
        texture += draws.uniform(0, 0.08, count) * draws.smooth(
            count, recipe.shape, rng.uniform(low, high, count) / recipe.spacing
        )
    outside = (-depth * sharp + 0.5).clamp_(0, 1)
    # Air has no texture, and is mostly the darkest there is; in some scans it is exactly 0.
    own = rng.random(count) < 0.75
    air = torch.where(
        draws.put(rng.random(count) < 0.5) > 0,
        means.amin(dim=1).clamp(max=0).view(-1, 1, 1, 1),
        means[:, :1, None, None],
    )
    image = torch.lerp(image, air, outside) + texture * (1 - outside * draws.put(own))
    return image, torch.maximum(outside, (torch.maximum(airway, gas) * sharp + 0.5).clamp_(0, 1))


def _muscles(fields: torch.Tensor, means: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The intensity of the largest of several fields (m, n, …), and by how much it leads the
    second, each (n, …).
    """
    first, second = fields[0], torch.full_like(fields[0], -torch.inf)
    image = means[:, tissue.MUSCLE].view(-1, 1, 1, 1).expand_as(first)
    for number, field in enumerate(fields[1:], start=1):
        image = torch.where(
            field > first, means[:, tissue.MUSCLE + number].view(-1, 1, 1, 1), image
        )
        second = torch.maximum(second, torch.minimum(first, field))
        first = torch.maximum(first, field)
    return image, first - second


def _depth_below_skin(draws: Draws, placement: Placement) -> torch.Tensor:
    """Millimetres below the skin, negative in the air; a super-ellipse that widens from neck to
    trunk.
    """
    count = len(placement.left)
    # The shoulders are at about C7 to T1, 370 mm up the template.
    trunk = torch.sigmoid(
        (draws.uniform(340, 380, count) - placement.coarse_height) / draws.uniform(8, 20, count)
    )
    halves = []
    for (low, high), (least, most) in zip(((50, 85), (45, 75)), ((110, 190), (75, 130))):
        neck = draws.uniform(low, high, count)
        halves.append(neck + (draws.uniform(least, most, count) - neck) * trunk)
    forward = draws.uniform(5, 25, count) + 15 * trunk
    power = draws.uniform(2.0, 3.0, count)
    across = (placement.left / halves[0]).abs().clamp_(min=1e-4) ** power
    radius = (
        across + ((placement.anterior - forward) / halves[1]).abs().clamp_(min=1e-4) ** power
    ) ** (1 / power)
    ripple = 1 + 0.05 * draws.smooth(count, placement.left.shape[1:], 12.0)
    return (ripple - radius) * torch.minimum(*halves)


def _tubes(draws: Draws, placement: Placement) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Long things along the body as distances inside: airway, vessels (and the gullet), and the
    walls of all.
    """
    rng, count = draws.host, len(placement.left)
    number = 1 + _VESSELS + 2
    sign = np.array([-1, 1, -1, 1, -1, 1])
    aorta = rng.choice([-1, 1], (count, 1))
    paired = np.concatenate(
        [
            rng.uniform(18, 40, (count, 2)),
            rng.uniform(18, 45, (count, 2)),
            rng.uniform(13, 19, (count, 2)),
        ],
        1,
    )
    left = np.concatenate(
        [np.zeros((count, 1)), aorta * rng.uniform(3, 20, (count, 1)), sign * paired], 1
    )
    front = np.concatenate(
        [
            rng.uniform(28, 55, (count, 2)),
            rng.uniform(5, 40, (count, 4)),
            rng.uniform(5, 14, (count, 2)),
        ],
        1,
    )
    low, high = np.array([[5, 5, 2, 2, 2, 2, 1, 1], [11, 13, 6, 6, 7, 7, 2.5, 2.5]])
    radius = rng.uniform(low, high, (count, 8))
    # Two more anywhere.
    left = np.concatenate([left, rng.uniform(-80, 80, (count, 2))], 1)
    front = np.concatenate([front, rng.uniform(-70, 80, (count, 2))], 1)
    radius = np.concatenate([radius, rng.uniform(1.5, 8, (count, 2))], 1)
    walls = rng.uniform(0.3, 2.5, (count, number))
    radius[(rng.random((count, number)) > 0.8) | (np.hypot(left, front) < 13)] = _FAR
    place = [
        draws.table(x).view(count, number, 1, 1, 1)
        for x in (left, front, radius, walls, rng.uniform(0.7, 1.4, (count, number)))
    ]
    x, y, height = (
        f[:, None] for f in (placement.left, placement.anterior, placement.coarse_height)
    )
    wander = []
    for _ in range(2):
        waves = (
            rng.uniform(0, 7, (count, number)),
            2 * np.pi / rng.uniform(60, 300, (count, number)),
            rng.uniform(0, 7, (count, number)),
        )
        amplitude, frequency, phase = (draws.table(w).view(count, number, 1, 1, 1) for w in waves)
        wander.append(amplitude * torch.sin(height * frequency + phase))
    inside = place[2] - torch.hypot(x - place[0] - wander[0], (y - place[1] - wander[1]) * place[4])
    return inside[:, 0], inside[:, 1:].amax(dim=1), (inside + place[3]).amax(dim=1)


def _clutter(
    draws: Draws, recipe: BatchRecipe, placement: Placement
) -> tuple[torch.Tensor, torch.Tensor]:
    """Organs, glands, teeth, nodes: rounded things of any size, (families, n, …); and gas, in front
    of the spine, (n, …).
    """
    rng, count = draws.host, len(placement.left)
    shape = placement.left.shape[1:]
    number = 12 + _GASES
    extent = np.array(recipe.shape) * recipe.spacing / 2
    centre = rng.uniform(-1, 1, (count, number, 3)) * extent
    radii = np.exp(rng.uniform(np.log(3), np.log(35), (count, number, 3)))
    absent = rng.random((count, number)) < 0.45
    belly = np.isin(np.arange(count), draws.rows(recipe.abdomen, count))
    radii[:, 12:] = np.exp(rng.uniform(np.log(4), np.log(25), (count, _GASES, 3)))
    absent[:, 12:] |= ~belly[:, None]
    distance = 0.0
    for axis, (n, nodes) in enumerate(zip(recipe.shape, coarse_shape(recipe.shape))):
        at = (torch.arange(nodes, device=draws.device) * 2 - (n - 1) / 2) * recipe.spacing
        part = (
            (at - draws.table(centre[:, :, axis])[:, :, None])
            / draws.table(radii[:, :, axis])[:, :, None]
        ) ** 2
        view = [count, number, 1, 1, 1]
        view[axis + 2] = nodes
        distance = distance + part.view(view)
    least = np.where(absent, 0.0, radii.min(axis=2))
    inside = (1 - torch.sqrt(distance)) * draws.table(least).view(count, number, 1, 1, 1)
    inside = inside - draws.table(absent * 1e3).view(count, number, 1, 1, 1)
    families = inside[:, :12].view(count, tissue.CLUTTERS, 3, *shape).amax(dim=2).transpose(0, 1)
    # Nothing of this lies in the spine: gas begins in front of the vertebral bodies.
    gas = torch.minimum(inside[:, 12:].amax(dim=1), placement.anterior - 30)
    return families, gas


def _head(
    draws: Draws, recipe: BatchRecipe, placement: Placement, template_mm: float
) -> torch.Tensor:
    """Brain, its folds, skull and fluid (4, n, …): above the first vertebra, and only where that is
    in sight.
    """
    count = len(placement.left)
    up = placement.coarse_height - template_mm
    middle_front, middle_up = draws.uniform(0, 20, count), draws.uniform(60, 75, count)
    radii = [draws.uniform(low, high, count) for low, high in ((60, 72), (75, 90), (55, 70))]
    parts = zip((placement.left, placement.anterior - middle_front, up - middle_up), radii)
    inside = (1 - torch.sqrt(sum((place / radius) ** 2 for place, radius in parts))) * 65
    folds = draws.smooth(count, up.shape[1:], 6 / (2 * recipe.spacing))
    skull = torch.minimum(inside + 8, up)
    fluid = torch.minimum(inside + 3, up)
    cistern = (1 - torch.hypot(placement.left / 22, (placement.anterior + 8) / 14)) * 14
    cistern = torch.minimum(torch.minimum(cistern, up + 2), draws.uniform(5, 25, count) - up)
    fluid = torch.maximum(fluid, cistern)
    brain = torch.minimum(torch.minimum(torch.minimum(inside, up - 4), (folds + 1.0) * 6), -cistern)
    return torch.stack([brain, torch.minimum(brain, (folds - 0.2) * 6), skull, fluid])
