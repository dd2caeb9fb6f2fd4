"""New contrasts for an image that exists: curves and random networks on its intensities.

Both keep every edge where it is.  Random networks as augmentation follow the idea of GIN (Ouyang et
al., Causality-inspired single-source domain generalisation, IEEE TMI 2023): a shallow network with
weights drawn anew for each image.
"""

from __future__ import annotations

import numpy as np


def random_curve(rng: np.random.Generator, image: np.ndarray, monotone: float = 0.5) -> np.ndarray:
    """Intensities under a random piecewise linear curve, rising throughout with probability
    ``monotone``.

    Args:
        rng: random numbers.
        image: (i, j, k), any finite values.

    Returns:
        float32, about 0 to 1.
    """
    low, high = np.percentile(image, (0.5, 99.5))
    knots = np.linspace(low, max(high, low + 1e-6), 6)
    values = rng.uniform(0, 1, 6)
    return np.interp(image, knots, np.sort(values) if rng.random() < monotone else values).astype(
        np.float32
    )


def random_network(
    rng: np.random.Generator, image: np.ndarray, layers: int = 3, channels: int = 2
) -> np.ndarray:
    """The image seen by a small network of random weights, mixed with itself, with its own mean and
    spread.

    Args:
        rng: random numbers.
        image: (i, j, k) float32.
        layers, channels: of the network; kernels of 1 or 3 voxels a side are drawn for each layer.
    """
    import torch
    from torch.nn import functional

    x = source = torch.from_numpy(np.ascontiguousarray(image, np.float32))[None, None]
    for layer in range(layers):
        size = int(rng.choice([1, 1, 3]))
        wide = channels if layer < layers - 1 else 1
        weights = torch.from_numpy(
            rng.standard_normal((wide, x.shape[1], size, size, size), dtype=np.float32)
        )
        shift = torch.from_numpy(rng.standard_normal(wide, dtype=np.float32))
        with torch.inference_mode():
            x = (
                functional.conv3d(functional.pad(x, (size // 2,) * 6, mode="replicate"), weights)
                + shift[:, None, None, None]
            )
            if layer < layers - 1:
                x = functional.leaky_relu(x, 0.1)
    share = rng.uniform(0, 1)
    mixed = (x - x.mean()) / x.std().clamp(min=1e-6) * share + (
        source - source.mean()
    ) / source.std().clamp(min=1e-6) * (1 - share)
    result = mixed / mixed.std().clamp(min=1e-6) * source.std() + source.mean()
    return result[0, 0].numpy()
