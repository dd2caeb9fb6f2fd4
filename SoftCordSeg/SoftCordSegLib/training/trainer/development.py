"""What a training is validated on: fixed tiles about the cord of packed cases, as they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..batch import pooled
from ..loss import SOFT, soft_dice
from ..packed import Packed, PackedCase, fractions, image_values
from .trainer_plan import TrainerPlan

# The program drops soft values below this, as noise of the network; a haze over the whole tile
# would count as volume otherwise.
_FLOOR = 0.05
# Evenly along the cord; more would take longer and say little more.
_TILES = 3


@dataclass(frozen=True, eq=False)
class DevelopmentCase:
    """Tiles of one case.

    Attributes:
        name, contrast: of the image.
        image, label, weight: (N, 1, i, j, k) float32.
    """

    name: str
    contrast: str
    image: torch.Tensor
    label: torch.Tensor
    weight: torch.Tensor


def development_cases(
    packed: Packed, plan: TrainerPlan, tiles: int = _TILES, count: int = 1
) -> list[DevelopmentCase]:
    """Tiles of every case that has a cord to score, for the grid of the plan's stage.

    Args:
        packed: the development images.
        plan: its stage and tile.
        tiles: at most so many a case.
        count: voxels of the packed images of which the mean is taken along each axis.
    """
    return [one for case in packed.cases for one in _case(case, plan, tiles, count)]


def validate(
    network: torch.nn.Module,
    cases: Iterable[DevelopmentCase],
    activation: str,
    precision: str = "fp32",
) -> dict[str, Any]:
    """Scores of a network in evaluation mode.

    Args:
        network: on any device.
        cases: of :func:`development_cases`.
        activation: that makes soft values of raw outputs, a name in ``loss.SOFT``.
        precision: "fp32" or "bf16".

    Returns:
        ``cases``: by name, soft Dice, Dice at 0.5 and soft volume of the output in parts of the
        label's; ``contrasts``: their means by contrast; ``mean``: the mean of the contrasts' means,
        so that no contrast speaks for all.
    """
    device = next(network.parameters()).device
    found: dict[str, dict[str, float]] = {}
    contrasts: dict[str, list[str]] = {}
    with torch.inference_mode():
        for case in cases:
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
                raw = [network(tile[None].to(device))[0].float().cpu() for tile in case.image]
            soft = SOFT[activation](torch.cat(raw))
            found[case.name] = _scores(soft, case.label, case.weight)
            contrasts.setdefault(case.contrast, []).append(case.name)
    by_contrast = {
        contrast: _mean([found[name] for name in names])
        for contrast, names in sorted(contrasts.items())
    }
    return {"cases": found, "contrasts": by_contrast, "mean": _mean(list(by_contrast.values()))}


def _case(case: PackedCase, plan: TrainerPlan, tiles: int, count: int) -> list[DevelopmentCase]:
    coarse = plan.stage == "locator"
    image, label, weight = (
        (case.coarse_image, case.coarse_label, case.coarse_weight)
        if coarse
        else (case.image, case.label, case.weight)
    )
    image, label, weight = image_values(image), fractions(label), fractions(weight)
    if count > 1:
        maps = [torch.from_numpy(array)[None] for array in (image, label, weight)]
        image, label, weight = (one[0].numpy() for one in pooled(count, *maps))
    heights = np.flatnonzero((label * weight).sum(axis=(0, 1)) > 1)
    if not len(heights):
        return []
    # Padding is what lies beyond an image: dark, and of no weight.
    arrays = (image, float(image.min())), (label, 0.0), (weight, 0.0)
    cut = []
    # No larger than the image: what lies beyond would only cost time.
    parts = zip(plan.tile, image.shape, plan.network.divisor)
    size = tuple(min(length, -(-whole // part) * part) for length, whole, part in parts)
    for corner in _corners(label * weight, heights, size, tiles):
        cut.append([_tile(array, corner, size, value) for array, value in arrays])
    stacks = [torch.from_numpy(np.stack([tile[n] for tile in cut])[:, None]) for n in range(3)]
    return [DevelopmentCase(case.name, case.contrast, *stacks)]


def _corners(
    label: np.ndarray, heights: np.ndarray, size: tuple[int, ...], tiles: int
) -> list[tuple[int, int, int]]:
    """Lowest corners of tiles about the cord, from its lower end to its upper."""
    low, high = int(heights[0]), int(heights[-1]) + 1
    count = min(tiles, max(1, -(-(high - low) // size[2])))
    if count == 1:
        starts = [(low + high - size[2]) // 2]
    else:
        starts = [round(low + n * (high - size[2] - low) / (count - 1)) for n in range(count)]
    corners = []
    for start in starts:
        part = label[:, :, max(start, 0) : start + size[2]]
        plane = part.sum(axis=2) if part.sum() > 0 else label.sum(axis=2)
        centre = [
            float((plane.sum(axis=1 - axis) * np.arange(plane.shape[axis])).sum() / plane.sum())
            for axis in (0, 1)
        ]
        corners.append(
            (*(round(middle - length / 2) for middle, length in zip(centre, size[:2])), start)
        )
    return corners


def _tile(
    array: np.ndarray, corner: tuple[int, ...], size: tuple[int, ...], outside: float
) -> np.ndarray:
    tile = np.full(size, outside, np.float32)
    inside = [
        (max(at, 0), min(at + length, whole))
        for at, length, whole in zip(corner, size, array.shape)
    ]
    if all(first < last for first, last in inside):
        there = tuple(slice(first - at, last - at) for (first, last), at in zip(inside, corner))
        tile[there] = array[tuple(slice(*ends) for ends in inside)]
    return tile


def _scores(soft: torch.Tensor, label: torch.Tensor, weight: torch.Tensor) -> dict[str, float]:
    counts = (weight > 0).float()
    hard = soft_dice((soft >= 0.5).float(), (label >= 0.5).float(), counts)
    kept = torch.where(soft < _FLOOR, 0.0, soft)
    volume = float((kept * counts).sum() / (label * counts).sum().clamp(min=1e-6))
    return {"soft_dice": soft_dice(soft, label, counts), "dice": hard, "volume": volume}


def _mean(scores: list[dict[str, float]]) -> dict[str, float]:
    return (
        {name: sum(one[name] for one in scores) / len(scores) for name in scores[0]}
        if scores
        else {}
    )
