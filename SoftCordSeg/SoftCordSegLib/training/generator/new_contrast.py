"""New contrasts for images that exist: powers, curves, random networks, and classes and cells of
their own contrast.

All keep every edge where it is.  Random networks follow the idea of GIN (Ouyang et al.,
Causality-inspired single-source domain generalisation, IEEE TMI 2023): a shallow network with
weights drawn anew for each image.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from .axis_operators import blurred
from .draws import Draws, interpolate_curve

_MOST_CLASSES, _MOST_CELLS = 8, 5


def ends(image: torch.Tensor, low: float, high: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Two quantiles of each image (n, i, j, k), of every other voxel, as (n, 1, 1, 1)."""
    ordered = image[:, ::2, ::2, ::2].flatten(1).sort(dim=1).values
    last = ordered.shape[1] - 1
    return tuple(ordered[:, int(round(part * last))].view(-1, 1, 1, 1) for part in (low, high))


def with_power(draws: Draws, image: torch.Tensor) -> torch.Tensor:
    """Intensities (n, i, j, k) to a power between 0.6 and 1.65; signs are kept."""
    power = draws.put(np.exp(draws.host.uniform(-0.5, 0.5, len(image))))
    return torch.sign(image) * image.abs().clamp(min=1e-6) ** power


def with_curve(draws: Draws, image: torch.Tensor) -> torch.Tensor:
    """Under random piecewise linear curves, half of which rise throughout, mixed with the image
    itself.
    """
    rng, count = draws.host, len(image)
    low, high = ends(image, 0.005, 0.995)
    values = rng.uniform(0, 1, (count, 6))
    values = np.where(rng.random((count, 1)) < 0.5, np.sort(values, axis=1), values)
    unit = (image - low) / (high - low).clamp(min=1e-6)
    return torch.lerp(
        unit.clamp(-0.5, 1.5),
        interpolate_curve(draws.table(values), unit),
        draws.uniform(0.3, 1.0, count),
    )


def through_network(
    draws: Draws, image: torch.Tensor, layers: int = 3, channels: int = 2
) -> torch.Tensor:
    """Seen by a small network of random weights, one for each image, mixed with itself; mean and
    spread stay.

    All images of one call share the sizes of kernels (1 or 3 voxels a side), not the weights.
    """
    count, x = len(image), image[None]
    wide = 1
    for layer in range(layers):
        size = int(draws.host.choice([1, 1, 3]))
        out = channels if layer < layers - 1 else 1
        weights, shift = (
            draws.normal(count * out, wide, size, size, size),
            draws.normal(count * out),
        )
        if size > 1:
            x = functional.pad(x[0], (size // 2,) * 6, mode="replicate")[None]
        x = functional.conv3d(x, weights, shift, groups=count)
        wide = out
        if layer < layers - 1:
            x = functional.leaky_relu(x, 0.1)
    share = draws.uniform(0, 1, count)
    mixed = _standard(x[0]) * share + _standard(image) * (1 - share)
    return _standard(mixed) * _spread(image) + image.mean(dim=(1, 2, 3), keepdim=True)


def randomised(draws: Draws, image: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Any contrast, with the image's own texture, edges and noise.

    Intensities fall in a few classes, and each class in a few Voronoi cells; in each cell y = μ + α
    (x − mean of the class), α of either sign, |α| 0.5 to 2. With probability 0.5 once more inside
    the label, where μ then differs from what lies around the cord.

    Args:
        image: (n, i, j, k) any range.
        label: (n, i, j, k) in [0, 1].

    Returns:
        (n, i, j, k) about 0 to 1 where ``image`` has its usual values.
    """
    rng, count = draws.host, len(image)
    low, high = ends(image, 0.01, 0.99)
    x = ((image - low) / (high - low).clamp(min=1e-6)).clamp_(-0.5, 1.5)
    # Classes are found in a slightly smoother image: noise alone shall not move a voxel into
    # another class.
    calm = blurred(x, draws.put(np.full(count, 0.9)).view(-1, 1))
    classes, centres = _classes(draws, calm)
    cell = classes * _MOST_CELLS + _cells(draws, image.shape)
    number = _MOST_CLASSES * _MOST_CELLS
    alpha = rng.uniform(0.5, 2.0, (count, number)) * rng.choice([-1, 1], (count, number))
    # Cells of one class differ little or much.
    mu = np.repeat(rng.uniform(0, 1, (count, _MOST_CLASSES)), _MOST_CELLS, axis=1)
    mu = mu + rng.uniform(0, 0.3, (count, 1)) * rng.standard_normal((count, number))
    cell, middle = cell.flatten(1), centres.gather(1, classes.flatten(1))
    slope = draws.table(alpha).gather(1, cell)
    level = draws.table(mu).gather(1, cell) - slope * middle
    # From one cell to the next within a voxel, so that voxels between two tissues do not become a
    # third one.
    smooth = draws.put(np.full(count, 0.6)).view(-1, 1)
    slope, level = (blurred(part.view_as(x), smooth) for part in (slope, level))
    y = _inside(draws, x, level + slope * x, label)
    return blurred(y, draws.put(rng.uniform(0.1, 0.5, count)).view(-1, 1))


def _classes(draws: Draws, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Each voxel's class, (n, i, j, k) int64, and the classes' middles, (n, classes): between
    random quantiles.
    """
    rng, count = draws.host, len(image)
    number = rng.integers(3, _MOST_CLASSES + 1, count)
    parts = np.sort(
        np.where(
            np.arange(_MOST_CLASSES - 1) < number[:, None] - 1,
            rng.random((count, _MOST_CLASSES - 1)),
            1.0,
        ),
        axis=1,
    )
    bounds = np.concatenate([np.zeros((count, 1)), parts, np.ones((count, 1))], axis=1)
    ordered = image[:, ::2, ::2, ::2].flatten(1).sort(dim=1).values
    last = ordered.shape[1] - 1

    def at(part: np.ndarray) -> torch.Tensor:
        return ordered.gather(1, draws.index(np.round(part * last)))

    # Between quantiles and levels that are even in intensity: quantiles alone cut up the noise of
    # whatever there is most of.
    levels = torch.lerp(draws.table(parts), at(parts), 0.3)
    bounds = torch.lerp(draws.table(bounds), at(bounds), 0.3)
    middles = (bounds[:, 1:] + bounds[:, :-1]) / 2
    classes = torch.zeros(image.shape, dtype=torch.int64, device=image.device)
    for column in range(_MOST_CLASSES - 1):
        classes += (image > levels[:, column].view(-1, 1, 1, 1)) & bool(
            (parts[:, column] < 1).any()
        )
    return classes, middles


def _cells(draws: Draws, shape: torch.Size) -> torch.Tensor:
    """The nearest of one to five random places, (n, i, j, k) int64."""
    rng, count = draws.host, shape[0]
    seeds = rng.uniform(-1, 1, (count, _MOST_CELLS, 3)) * np.array(shape[1:]) / 2
    far = np.where(np.arange(_MOST_CELLS) < rng.integers(1, _MOST_CELLS + 1, (count, 1)), 0.0, 1e9)
    # |x − s|² less |x|², which is the same for all, is linear in x: one part for each axis.
    parts = [draws.table((seeds**2).sum(axis=2) + far).view(count, _MOST_CELLS, 1, 1, 1)]
    for axis in range(3):
        at = torch.arange(shape[axis + 1], device=draws.device) - (shape[axis + 1] - 1) / 2
        view = [count, _MOST_CELLS, 1, 1, 1]
        view[axis + 2] = shape[axis + 1]
        parts.append(-2 * (draws.table(seeds[:, :, axis])[:, :, None] * at).view(view))
    nearest, least = (
        torch.zeros(shape, dtype=torch.int64, device=draws.device),
        sum(part[:, 0] for part in parts),
    )
    for cell in range(1, _MOST_CELLS):
        distance = sum(part[:, cell] for part in parts)
        nearest.masked_fill_(distance < least, cell)
        least = torch.minimum(least, distance)
    return nearest


def _inside(draws: Draws, x: torch.Tensor, y: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """The cord's own contrast, in half of the images."""
    rng = draws.host
    rows = draws.rows(0.5, len(x))
    if not len(rows):
        return y
    index, count = draws.index(rows), len(rows)
    x, changed, part = x[index], y[index], label[index]
    mean = _weighted(x, part)
    wide = functional.max_pool3d(part[:, None], 5, 1, 2)[:, 0]
    around = _weighted(changed, wide * (1 - part))
    mu = around + draws.put(rng.choice([-1, 1], count) * rng.uniform(0.2, 0.8, count))
    alpha = draws.put(rng.choice([-1, 1], count) * rng.uniform(0.5, 2.0, count))
    result = y.clone()
    result[index] = torch.lerp(changed, mu + alpha * (x - mean), part)
    return result


def _weighted(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    total = (values * weight).sum(dim=(1, 2, 3), keepdim=True)
    return total / weight.sum(dim=(1, 2, 3), keepdim=True).clamp(min=1e-3)


def _spread(image: torch.Tensor) -> torch.Tensor:
    return image.std(dim=(1, 2, 3), keepdim=True).clamp(min=1e-6)


def _standard(image: torch.Tensor) -> torch.Tensor:
    return (image - image.mean(dim=(1, 2, 3), keepdim=True)) / _spread(image)
