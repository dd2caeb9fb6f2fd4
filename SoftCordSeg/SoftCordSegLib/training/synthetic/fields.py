"""Smooth random fields: the raw material of shapes, textures and biases."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional


def smooth_noise(
    rng: np.random.Generator, shape: tuple[int, ...], scale: float | tuple[float, ...]
) -> np.ndarray:
    """Gaussian noise, mean 0, standard deviation about 1, that varies over ``scale`` voxels along
    each axis.

    Made small and enlarged by linear interpolation along each axis in turn, which is many times
    cheaper than filtering.

    Returns:
        float32 array (i, j, k).
    """
    scale = np.maximum(np.broadcast_to(np.asarray(scale, float), 3), 1.0)
    noise = rng.standard_normal(
        [int(np.ceil(n / s)) + 2 for n, s in zip(shape, scale)], dtype=np.float32
    )
    # The shortest axis last: the early products are then the small ones.
    for axis in np.argsort(shape):
        if scale[axis] > 1.0:
            weights = _interpolation(shape[axis], noise.shape[axis], scale[axis], rng.random())
            noise = np.moveaxis(np.tensordot(weights, noise, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(noise[tuple(slice(n) for n in shape)])


def _interpolation(size: int, knots: int, scale: float, phase: float) -> np.ndarray:
    """The matrix (size, knots) that interpolates linearly between knots ``scale`` samples apart."""
    at = np.arange(size) / scale + phase
    below = np.minimum(at.astype(int), knots - 2)
    weights = np.zeros((size, knots), np.float32)
    rows = np.arange(size)
    weights[rows, below] = 1 - (at - below)
    weights[rows, below + 1] = at - below
    return weights


class Curve:
    """A smooth random function of one coordinate (mm): a sum of a few waves.

    Args:
        rng: random numbers.
        amplitude: standard deviation of the values.
        wavelengths: the range to draw from, mm.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        amplitude: float,
        wavelengths: tuple[float, float],
        waves: int = 3,
    ):
        self._frequency = 2 * np.pi / rng.uniform(*wavelengths, waves)
        self._phase = rng.uniform(0, 2 * np.pi, waves)
        self._weight = rng.standard_normal(waves) * amplitude * np.sqrt(2 / waves)

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Values at ``z``, same shape, float32; sampled once a millimetre and interpolated."""
        low, high = float(z.min()), float(z.max())
        knots = np.linspace(low, high, int(high - low) + 3)
        values = (self._weight * np.sin(knots[:, None] * self._frequency + self._phase)).sum(axis=1)
        return np.interp(z, knots, values).astype(np.float32)


def sample_maps(maps: torch.Tensor, i: np.ndarray, j: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Trilinear values of several maps at the same continuous voxel positions; 0 outside.

    Args:
        maps: (C, I, J, K) float32 tensor.
        i, j, k: positions, any one shape S of three dimensions.

    Returns:
        (C, *S) float32.
    """
    size = maps.shape[1:]
    # grid_sample wants the last axis first, scaled to [-1, 1].
    normal = [
        torch.from_numpy(np.asarray(x, np.float32)) * (2.0 / (n - 1)) - 1.0
        for x, n in zip((i, j, k), size)
    ]
    grid = torch.stack(normal[::-1], dim=-1)[None]
    return functional.grid_sample(
        maps[None], grid, mode="bilinear", padding_mode="zeros", align_corners=True
    )[0].numpy()
