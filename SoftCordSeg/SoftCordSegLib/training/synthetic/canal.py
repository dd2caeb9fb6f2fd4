"""What fills the canal: fluid that flows, nerve roots, the cauda equina, and the cord's own
tissue.
"""

from __future__ import annotations

import numpy as np

from . import contrast
from .fields import Curve, smooth_noise
from .geometry import Posture

# The template's cord ends there, mm above its lowest slice.
TIP_MM = 26.0


def paint_canal(
    rng, posture: Posture, visible, grey, means, spacing: float, inflow: float, bundles: float
) -> np.ndarray:
    """Intensities inside the canal, (i, j, k) float32.

    Args:
        rng: random numbers.
        posture: where each voxel lies.
        visible, grey: fractions of what looks like cord, and of grey matter, (i, j, k) in [0, 1].
        means: of the tissues, as :func:`contrast.random_intensities` draws them.
        spacing: mm.
        inflow: how often the fluid's brightness changes along the cord.
        bundles: how often the roots below the tip hang together like a thinner cord, or are packed
            about the tip.
    """
    fluid = _fluid(rng, posture, means, spacing, inflow)
    fluid = _with_strands(rng, fluid, posture, means, spacing)
    if posture.height.min() < TIP_MM + 15 and rng.random() < bundles:
        fluid = (_with_bundle if rng.random() < 0.5 else _with_dense_roots)(
            rng, fluid, posture, means
        )
    return (
        visible * _tissue(rng, means, visible.shape, spacing)
        + grey * (means[contrast.GREY] - means[contrast.WHITE])
        + (1 - visible) * fluid
    )


def _fluid(rng, posture: Posture, means, spacing: float, inflow: float) -> np.ndarray:
    shape = posture.height.shape
    fluid = np.full(shape, means[contrast.CSF], np.float32)
    if rng.random() < inflow:
        # Fresh fluid is brighter than fluid that was excited before: in gradient echo stacks it may
        # be darker than the cord at one end of the image, and brighter at the other.
        change = Curve(rng, rng.uniform(0.1, 0.4), (80, 400))
        fluid = (
            fluid
            + change(posture.height)
            - change(np.full(1, posture.height[tuple(n // 2 for n in shape)], np.float32))[0]
        )
    if rng.random() < 0.35:
        fluid = fluid * (
            1
            - rng.uniform(0, 0.5)
            * np.clip(smooth_noise(rng, shape, rng.uniform(4, 15) / spacing), 0, 1)
        )
    return fluid


def _with_strands(rng, fluid, posture: Posture, means, spacing: float) -> np.ndarray:
    """Roots are few beside the cord and fill the canal below its tip."""
    strands = smooth_noise(
        rng, fluid.shape, (1.2 / spacing, 1.2 / spacing, 15 / spacing)
    ) > rng.uniform(0.6, 1.6)
    amount = np.clip((60 - posture.height) / 30, 0.25 * (rng.random() < 0.5), 1) * rng.uniform(
        0.4, 1
    )
    return fluid + strands * amount * (means[contrast.CAUDA] - fluid)


def _with_bundle(rng, fluid, posture: Posture, means) -> np.ndarray:
    """Roots that leave the tip together, sink to the back of the canal and part on their way down.

    Near the tip they look like a thinner cord; they are not cord.
    """
    down = TIP_MM + rng.uniform(-4, 6) - posture.height
    below = down > 0
    if not below.any():
        return fluid
    depth = np.clip(down, 0, None)
    back = rng.uniform(0.0, 0.12) * depth
    spread = rng.uniform(1.2, 3.0) + rng.uniform(0.01, 0.1) * depth
    fraction = np.zeros_like(fluid)
    for _ in range(rng.integers(4, 20)):
        angle, distance, radius = (
            rng.uniform(0, 2 * np.pi),
            np.sqrt(rng.random()),
            rng.uniform(0.4, 1.3),
        )
        left = posture.near_left - np.cos(angle) * distance * spread * rng.uniform(1.0, 1.8)
        anterior = posture.near_anterior + back - np.sin(angle) * distance * spread
        np.maximum(fraction, np.clip(radius - np.hypot(left, anterior) + 0.5, 0, 1), out=fraction)
    # The intensity of roots: nerve, like the cord, or any other.
    root = means[contrast.WHITE] if rng.random() < 0.6 else means[contrast.CAUDA]
    fraction *= below * rng.uniform(0.4, 0.9)
    return fluid + fraction * (root - fluid)


def _with_dense_roots(rng, fluid, posture: Posture, means) -> np.ndarray:
    """Roots packed around the last of the cord and below it: together as thick as the cord above,
    so that the tip is hidden.

    Only their texture tells them from cord.
    """
    down = TIP_MM + rng.uniform(5, 35) - posture.height
    below = down > 0
    if not below.any():
        return fluid
    depth = np.clip(down, 0, None)
    # Lying on their back, people have them at the back of the canal.
    back = rng.uniform(0.0, 0.06) * depth
    across, along = rng.uniform(3.5, 6.5), rng.uniform(2.5, 4.5)
    spread = 1 + rng.uniform(0.0, 0.015) * depth
    # Evenly spread, or so dense in the middle that they look solid there.
    crowding = rng.choice((0.5, 1.0))
    fraction = np.zeros_like(fluid)
    for _ in range(rng.integers(25, 60)):
        angle, distance, radius = (
            rng.uniform(0, 2 * np.pi),
            rng.random() ** crowding,
            rng.uniform(0.35, 0.9),
        )
        left = posture.cord_left - np.cos(angle) * distance * across * spread
        anterior = posture.cord_anterior + back - np.sin(angle) * distance * along * spread
        np.maximum(
            fraction,
            np.clip(radius - np.hypot(left, anterior) + 0.5, 0, 1) * rng.uniform(0.5, 1.0),
            out=fraction,
        )
    root = means[contrast.WHITE] if rng.random() < 0.6 else means[contrast.CAUDA]
    return fluid + fraction * np.clip(depth / 5, 0, 1) * (root - fluid)


def _tissue(rng, means, shape: tuple, spacing: float) -> np.ndarray:
    """White matter with texture and, at times, lesions."""
    tissue = means[contrast.WHITE] + rng.uniform(0, 0.06) * smooth_noise(
        rng, shape, rng.uniform(1, 6) / spacing
    )
    if rng.random() < 0.25:
        patches = smooth_noise(
            rng, shape, (rng.uniform(3, 6) / spacing,) * 2 + (rng.uniform(5, 20) / spacing,)
        )
        tissue = tissue + (patches > rng.uniform(0.8, 1.8)) * rng.uniform(-0.35, 0.35)
    return tissue
