"""The share of every voxel that the cord fills: exact inside and outside, supersampled at the
border.
"""

from __future__ import annotations

import numpy as np

from ..volume import Grid
from .cord import Cord

# Samples in a border voxel are at most this far apart, mm.
_SAMPLE_MM = 0.25
# No cord voxel is farther than this from the centreline, mm.
_REACH_MM = 16.0


def cord_fraction(cord: Cord, grid: Grid) -> np.ndarray:
    """The share of each voxel inside the cord.

    Returns:
        float32 array of the grid's shape, values in [0, 1].
    """
    fraction = np.zeros(grid.shape, dtype=np.float32)
    voxels = _voxels_near(cord, grid)
    level = _level(cord, grid.to_world(voxels))
    # `level` grows by no more than distance / shorter half axis, so this is a safe bound for
    # "border may cross this voxel".
    slack = (
        1.1 * np.linalg.norm(grid.spacing) / 2 / cord.semi_axes_mm(grid.to_world(voxels)[:, 2])[1]
    )
    inside, border = level < 1 - slack, np.abs(level - 1) <= slack
    fraction[tuple(voxels[inside].T)] = 1
    fraction[tuple(voxels[border].T)] = _supersample(cord, grid, voxels[border])
    return fraction


def _voxels_near(cord: Cord, grid: Grid) -> np.ndarray:
    """Indices (n, 3) of the voxels within reach of the centreline."""
    reach = _REACH_MM + np.linalg.norm(grid.spacing) / 2
    kept = []
    rest = np.stack(
        np.meshgrid(*[np.arange(n) for n in grid.shape[1:]], indexing="ij"), axis=-1
    ).reshape(-1, 2)
    for i in range(grid.shape[0]):
        voxels = np.column_stack([np.full(len(rest), i), rest])
        world = grid.to_world(voxels)
        away = world - cord.centreline.position(world[:, 2])
        kept.append(voxels[(away[:, :2] ** 2).sum(axis=1) < reach**2])
    return np.concatenate(kept)


def _level(cord: Cord, world: np.ndarray) -> np.ndarray:
    """0 on the centreline, 1 on the cord's surface, more outside; world positions (…, 3), mm."""
    right, front, t = cord.centreline.local(world[..., 0], world[..., 1], world[..., 2])
    half_right, half_front = cord.semi_axes_mm(t)
    return np.hypot(right / half_right, front / half_front)


def _supersample(cord: Cord, grid: Grid, voxels: np.ndarray) -> np.ndarray:
    counts = np.ceil(grid.spacing / _SAMPLE_MM).astype(int)
    steps = [(np.arange(n) + 0.5) / n - 0.5 for n in counts]
    offsets = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3)
    result = np.empty(len(voxels), dtype=np.float32)
    batch = max(1, 400_000 // len(offsets))
    for start in range(0, len(voxels), batch):
        part = voxels[start : start + batch]
        result[start : start + batch] = (
            _level(cord, grid.to_world(part[:, None, :] + offsets)) < 1
        ).mean(axis=1)
    return result
