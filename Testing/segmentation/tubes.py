"""Images of a tube whose true mask is known."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

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


def body_with_tube(seed: int) -> tuple[Volume, np.ndarray]:
    """An MR image (voxels of 2 mm) of a body without a spine in which a tube of a cord's calibre
    runs up and down, and where the tube is.

    Args:
        seed: of its texture, and of the tube's place, bend, radius (4 to 6 mm) and brightness.
    """
    rng = np.random.default_rng(seed)
    shape, spacing = (120, 90, 64), 2.0
    x, y, z = np.meshgrid(
        *(np.arange(n, dtype=np.float32) for n in shape), sparse=True, indexing="ij"
    )
    half = np.array(shape) / 2
    inside = ((x - half[0]) / 50) ** 2 + ((y - half[1]) / 38) ** 2 + 0 * z < 1
    coarse = rng.normal(size=[n // 10 + 2 for n in shape])
    texture = ndimage.zoom(coarse, [n / m for n, m in zip(shape, coarse.shape)], order=1)
    data = np.where(inside, 300 + 60 * texture, 10)
    i, j = half[:2] + rng.uniform((-25, -18), (25, 18))
    radius, bend, period = rng.uniform((4, 0, 100), (6, 8, 400)) / spacing
    turn = 2 * np.pi * z / period
    distance = np.hypot(x - i - bend * np.sin(turn), y - j - bend * np.cos(turn))
    bright = rng.choice([rng.uniform(60, 220), rng.uniform(380, 1000)])
    data = np.where(distance < radius, bright, data)
    data = ndimage.gaussian_filter(data, 0.6) + rng.normal(0, 12, shape)
    truth = np.clip(radius - distance + 0.5, 0, 1) + np.zeros(shape)
    affine = np.diag([spacing, spacing, spacing, 1.0])
    return Volume(data.astype(np.float32), affine), truth.astype(np.float32)
