"""Running a network over a volume tile by tile, with progress and cancellation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ..network.engines import Predict
from ..network.limits import check_tiles
from ..progress import Progress

Starts = Callable[[int, int, float], "list[int]"]


def tile_starts(size: int, tile: int, overlap: float) -> list[int]:
    """Where tiles begin along one axis: evenly spread, the first at 0, the last ending at
    ``size``.
    """
    if size <= tile:
        return [0]
    count = int(np.ceil((size - tile) / (tile * (1 - overlap)))) + 1
    return [int(round(x)) for x in np.linspace(0, size - tile, count)]


def predict_tiled(
    image: np.ndarray,
    predict: Predict,
    tile: Sequence[int],
    overlap: float,
    progress: Progress,
    wanted: np.ndarray | None = None,
    *,
    starts: Starts = tile_starts,
    weight: np.ndarray | None = None,
    channels: int | None = None,
    doing: str = "Segmenting the cord",
) -> np.ndarray:
    """Weighted mean of the predictions of overlapping tiles.

    Args:
        image: (i, j, k) float32, each size at least that of the tile.
        predict: (i, j, k) of the tile's shape to the same shape (or channels first), raw network
            output.
        tile: voxels along (i, j, k).
        overlap: part of a tile that the next one shares, 0 to below 1.
        progress: receives progress; checked for cancellation before every tile.
        wanted: (i, j, k) bool; tiles without any wanted voxel are skipped, and stay 0.
        starts: where tiles begin along an axis, from its size, the tile's and the overlap.
        weight: of a tile's voxels; :func:`bump` where None.
        channels: of the prediction; None where it has no such axis.
        doing: what is reported, before the number of the tile.

    Returns:
        (i, j, k) or (channels, i, j, k) float32 raw outputs.

    Raises:
        ModelError: the model's tiles are so small for this image that the run would not end.
        Cancelled: the user stopped the run.
    """
    boxes = []
    along = [starts(n, t, overlap) for n, t in zip(image.shape, tile)]
    check_tiles(math.prod(map(len, along)))
    for corner in np.array(np.meshgrid(*along, indexing="ij")).reshape(3, -1).T:
        box = tuple(slice(int(a), int(a) + t) for a, t in zip(corner, tile))
        if wanted is None or wanted[box].any():
            boxes.append(box)
    weight = bump(tile) if weight is None else weight
    total = np.zeros(image.shape if channels is None else (channels, *image.shape), np.float32)
    weights = np.zeros(image.shape, np.float32)
    for number, box in enumerate(boxes):
        progress.check_cancelled()
        progress.report(number / len(boxes), f"{doing}: tile {number + 1} of {len(boxes)}")
        part = box if channels is None else (slice(None), *box)
        total[part] += predict(image[box]) * weight
        weights[box] += weight
    progress.report(1.0, f"{doing}: done")
    return np.divide(total, weights, out=total, where=weights > 0)


def bump(tile: Sequence[int]) -> np.ndarray:
    """Gaussian weight of a tile, sigma an eighth of its size (as the paper's sliding window), never
    quite 0.
    """
    axes = [np.exp(-0.5 * ((np.arange(n) - (n - 1) / 2) / (n / 8)) ** 2) for n in tile]
    bump = axes[0][:, None, None] * axes[1][:, None] * axes[2]
    return np.maximum(bump, 1e-3).astype(np.float32)
