"""A small made-up anatomy, and a tiny network, so that training can be tested where the template is
not.
"""

from __future__ import annotations

import numpy as np

from SoftCordSegLib.network.unet import UNetConfig
from SoftCordSegLib.training.config import Machine
from SoftCordSegLib.training.config.plan import Plan
from SoftCordSegLib.training.synthetic import Anatomy, CordShape, Recipe

CORD_RADIUS_MM, CANAL_RADIUS_MM = 5.0, 8.0

RECIPE = Recipe((16, 16, 16), 2.0, (0.3, 0.3, 0.3), without_cord=0.0, cropped=0.2)
TINY = UNetConfig((4, 8), ((1, 1, 1), (2, 2, 2)))
PLAN = Plan(TINY, steps=12, validate_every=4, validation_images=2, save_every=3)
ALONE = Machine(workers=0, threads=1)


def tube(radius_mm: float, size: int, height: int, spacing: float) -> np.ndarray:
    """Fractions of a round tube in the middle of each axial plane, (size, size, height) float32."""
    i, j = np.indices((size, size)) - (size - 1) / 2
    plane = np.clip((radius_mm - np.hypot(i, j) * spacing) / 1.0 + 0.5, 0, 1)
    return np.repeat(plane[:, :, None], height, axis=2).astype(np.float32)


def made_up_anatomy() -> Anatomy:
    cord, canal = (tube(radius, 141, 496, 0.5) for radius in (CORD_RADIUS_MM, CANAL_RADIUS_MM))
    grey = tube(2.0, 141, 496, 0.5)
    i, j = np.indices((141, 141)) - 70.0
    edge = (
        np.clip(CORD_RADIUS_MM - np.hypot(i, j) * 0.5, -3, 3)[:, :, None]
        .repeat(496, axis=2)
        .astype(np.float32)
    )
    whole = CordShape(
        "made up",
        np.stack([cord, grey, edge, canal]),
        np.array([0.5, 0.5, 1.0]),
        bottom=0.0,
        whole=True,
    )
    near = np.zeros((3, 71, 71, 495), np.float32)
    near[0, 25:45, 48:65] = 1
    return Anatomy((whole,), near, height=495.5)
