"""Values from one space in another, through a transform; linear interpolation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy import ndimage

from ..volume import Grid, Volume
from ..volume.slice_moments import EMPTY

_CHUNK = 1 << 20
# Nearer than this to the last known voxel, counted in voxels, a value is carried on; farther, it
# is 0.
_HALF = 0.5


def warp(volume: Volume, grid: Grid, move: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Sample ``volume`` at the voxels of ``grid``, each moved by ``move``; 0 outside.

    Args:
        volume: values on any grid.
        grid: where to sample.
        move: points (n, 3) in the grid's space to points (n, 3) in the volume's, world RAS+ mm.

    Returns:
        float32 values of ``grid``'s shape.
    """
    result = np.zeros(grid.shape, np.float32)
    data = np.asarray(volume.data, dtype=np.float32)
    for part, points in _slabs(grid):
        voxels = volume.grid.to_voxel(move(points))
        values = ndimage.map_coordinates(
            data, voxels.T, order=1, mode="grid-constant", output=np.float32
        )
        result[:, :, part] = values.reshape(*grid.shape[:2], -1)
    return result


def warp_known(
    volume: Volume, known: Volume, grid: Grid, move: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """As :func:`warp`, of values that are known only in part: they do not fade towards what is not
    known.

    Args:
        volume: values, 0 where not known.
        known: 1 where known, else 0; the same grid.
        grid, move: as for :func:`warp`.

    Returns:
        float32 values of ``grid``'s shape: the mean of the known neighbours by their weights in the
        interpolation, 0 where these make up less than half.
    """
    weights = warp(known, grid, move)
    values = warp(volume, grid, move)
    return np.divide(values, weights, out=np.zeros_like(values), where=weights >= _HALF)


def box_within(
    grid: Grid, volume: Volume, move: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The box of ``grid`` (start, stop, voxels) that ``volume`` may reach; ``move`` leads from the
    volume's space to the grid's.
    """
    faces = np.array(
        np.meshgrid(
            *[(-1, n) for n in volume.shape[:2]], np.arange(-1, volume.shape[2] + 1), indexing="ij"
        )
    )
    voxels = grid.to_voxel(move(volume.grid.to_world(faces.reshape(3, -1).T)))
    size = np.array(grid.shape)
    start = np.clip(np.floor(voxels.min(axis=0)).astype(int) - 1, 0, size)
    return start, np.clip(np.ceil(voxels.max(axis=0)).astype(int) + 2, start, size)


def reach_along(grid: Grid, masks: Sequence[Volume]) -> Grid:
    """``grid`` with more slices at its ends, where need be, to reach all voxels of the masks."""
    ends = [
        grid.to_voxel(one.grid.to_world(np.argwhere(np.asarray(one.data) > EMPTY)))[:, 2]
        for one in masks
    ]
    start = min(0, int(np.floor(min(k.min() for k in ends))))
    stop = max(grid.shape[2], int(np.ceil(max(k.max() for k in ends))) + 1)
    return grid.crop(np.array([0, 0, start]), np.array([grid.shape[0], grid.shape[1], stop]))


def _slabs(grid: Grid) -> Iterator[tuple[slice, np.ndarray]]:
    """Slabs of ``grid`` along k and the world points (n, 3) of their voxels, so that memory stays
    small.
    """
    thickness = max(_CHUNK // max(grid.shape[0] * grid.shape[1], 1), 1)
    for first in range(0, grid.shape[2], thickness):
        part = slice(first, min(first + thickness, grid.shape[2]))
        axes = (
            np.arange(grid.shape[0]),
            np.arange(grid.shape[1]),
            np.arange(part.start, part.stop),
        )
        yield (
            part,
            grid.to_world(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)),
        )
