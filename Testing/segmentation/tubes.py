"""Images of a tube whose true mask is known."""

from __future__ import annotations

import numpy as np

from SoftCordSegLib.volume import Grid, Volume


def tube_image(
    grid: Grid, center_mm, radius_mm: float, half_length_mm: float, noise: float = 0.01
) -> tuple[Volume, np.ndarray]:
    """An image of a tube along the body's axis (brightness 1000 on 100), and its exact distance
    test, both (i, j, k).

    Without noise, planes beside the tube would hold one value, which is no image.
    """
    positions = grid.to_world(np.stack(np.indices(grid.shape), axis=-1)) - np.asarray(center_mm)
    radial = np.hypot(positions[..., 0], positions[..., 1])
    edge = np.minimum(radius_mm - radial, half_length_mm - np.abs(positions[..., 2]))
    fraction = np.clip(edge + 0.5, 0, 1)
    data = 100 + 900 * fraction + noise * np.random.default_rng(0).normal(size=grid.shape)
    return Volume(data.astype(np.float32), grid.affine), fraction


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Of two boolean arrays."""
    return 2 * (a & b).sum() / (a.sum() + b.sum())
