"""Slice-wise motions on grids of several kinds, and points to move."""

from __future__ import annotations

import numpy as np

from groundtruth.cords import grid, turned_axes
from SoftCordSegLib.groundtruth import SlicewiseRigid

GRIDS = [
    grid((0.8, 0.8, 0.8), (40, 50, 30)),
    grid((0.5, 0.7, 5.0), (60, 50, 12), turned_axes((12, -7, 20)), middle=(3, -40, 88)),
    grid((0.9, 0.9, 1.1), (30, 30, 25), turned_axes((5, 9, 0)) * [-1, 1, 1]),  # right-handed
]


def a_motion(grid, seed=0, size=3.0, degrees=15.0) -> SlicewiseRigid:
    """A motion that wanders from slice to slice."""
    noise = np.random.default_rng(seed)
    count = grid.shape[2]
    middle = (np.array(grid.shape[:2]) - 1) / 2 * grid.spacing[:2]
    walk = np.cumsum(noise.normal(0, 0.15, (count, 3)), axis=0)
    return SlicewiseRigid(
        grid,
        middle + walk[:, :2],
        np.clip(walk[:, 1:], -size, size),
        np.radians(degrees) * np.tanh(walk[:, 0]),
    )


def points_in(grid, count=200, beyond=0.0, seed=1):
    noise = np.random.default_rng(seed)
    return grid.to_world(noise.uniform(-beyond, np.array(grid.shape) - 1 + beyond, (count, 3)))
