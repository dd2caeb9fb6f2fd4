"""A small made-up anatomy, so that training can be tested where the template is not."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.training.synthetic.anatomy import Anatomy, CordShape

CORD_RADIUS_MM, CANAL_RADIUS_MM = 5.0, 8.0


def tube(radius_mm: float, size: int, height: int, spacing: float) -> np.ndarray:
    """Fractions of a round tube in the middle of each axial plane, (size, size, height) float32."""
    i, j = np.indices((size, size)) - (size - 1) / 2
    plane = np.clip((radius_mm - np.hypot(i, j) * spacing) / 1.0 + 0.5, 0, 1)
    return np.repeat(plane[:, :, None], height, axis=2).astype(np.float32)


@pytest.fixture(scope="session")
def anatomy() -> Anatomy:
    cord, canal = (tube(radius, 141, 496, 0.5) for radius in (CORD_RADIUS_MM, CANAL_RADIUS_MM))
    grey = tube(2.0, 141, 496, 0.5)
    whole = CordShape("made up", np.stack([cord, grey, canal]), np.array([0.5, 0.5, 1.0]), bottom=0.0, whole=True)
    near = np.zeros((3, 71, 71, 495), np.float32)
    near[0, 25:45, 48:65] = 1
    return Anatomy((whole,), near, height=495.5)
