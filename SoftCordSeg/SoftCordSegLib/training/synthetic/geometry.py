"""Where each voxel of a synthetic image lies in the straightened anatomy: posture, bends, calibre,
compression.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from .fields import Curve


@dataclass(frozen=True)
class Posture:
    """Positions of all voxels in the anatomy, each array (i, j, k) float32, mm.

    Attributes:
        left, anterior: distance from the cord's centreline, after bends, before any scaling.
        height: along the template, 0 at its lowest slice.
        near_left, near_anterior: the same distances after the local scaling of the spine around the
            canal.
        cord_left, cord_anterior: the same for the cord within its canal: own calibre, place and
            compression.
    """

    left: np.ndarray
    anterior: np.ndarray
    height: np.ndarray
    near_left: np.ndarray
    near_anterior: np.ndarray
    cord_left: np.ndarray
    cord_anterior: np.ndarray


def random_posture(
    rng: np.random.Generator, shape: tuple, spacing: float, height: float, aim_mm: np.ndarray
) -> Posture:
    """Draw one.

    Args:
        shape: voxels of the image, axes to the Left, Anterior, Superior.
        spacing: mm, isotropic.
        height: in the template that is brought to the aim, mm.
        aim_mm: where in the image (mm from its centre) the cord's centreline is brought.
    """
    axes = [
        (np.arange(n, dtype=np.float32) - (n - 1) / 2) * spacing - a for n, a in zip(shape, aim_mm)
    ]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    spread = 30.0 if rng.random() < 0.08 else 8.0
    turn = (
        Rotation.from_euler("xyz", np.clip(rng.normal(0, spread, 3), -40, 40), degrees=True)
        .as_matrix()
        .astype(np.float32)
    )
    left = turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z
    anterior = turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z
    along = turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z

    # Gentle lordosis or kyphosis over long distances, a little scoliosis; the aim itself stays on
    # the cord.
    for axis, amplitude in ((left, rng.uniform(0, 4)), (anterior, rng.uniform(0, 9))):
        bend = Curve(rng, amplitude, (90, 400))
        axis -= bend(along) - bend(np.zeros(1))[0]

    size = np.clip(rng.normal(1.0, 0.12), 0.75, 1.35)
    # Away from the canal the spine keeps the body's own scale, so that a wide canal does not make a
    # wide body.
    fading = np.exp(-(left**2 + anterior**2) / (2 * 25.0**2))
    scale_left = size * (1 + 0.08 * Curve(rng, 1.0, (30, 200))(along) * fading)
    scale_anterior = size * (1 + 0.08 * Curve(rng, 1.0, (30, 200))(along) * fading)
    height_map = height + along / np.float32(rng.normal(1.0, 0.08) * size)
    near_left, near_anterior = left / scale_left, anterior / scale_anterior

    calibre = np.clip(rng.normal(1.0, 0.08), 0.8, 1.2)
    flat = np.ones(1, np.float32)
    if rng.random() < 0.25:
        flat = _compression(rng, along)
    place_left = Curve(rng, rng.uniform(0, 0.7), (60, 300))(along)
    place_anterior = Curve(rng, rng.uniform(0, 1.2), (60, 300))(along)
    if rng.random() < 0.6:
        # Many cords lie at the back of their canal, with hardly any fluid between them and the
        # dura; the template's does not.
        place_anterior -= np.float32(rng.uniform(0, 3))
    roll = np.deg2rad(Curve(rng, 4.0, (60, 300))(along))
    cord_left = (near_left - place_left) / calibre
    cord_anterior = (near_anterior - place_anterior) / (calibre * flat)
    cord_left, cord_anterior = cord_left + roll * cord_anterior, cord_anterior - roll * cord_left
    return Posture(left, anterior, height_map, near_left, near_anterior, cord_left, cord_anterior)


def _compression(rng: np.random.Generator, along: np.ndarray) -> np.ndarray:
    """Flattening of the cord in the anterior-posterior direction at one to three levels, factors in
    (0.45, 1].
    """
    flat = np.ones_like(along)
    for _ in range(rng.integers(1, 4)):
        centre, width, depth = rng.uniform(-60, 60), rng.uniform(3, 12), rng.uniform(0.1, 0.5)
        flat *= 1 - depth * np.exp(-((along - centre) ** 2) / (2 * width**2))
    return np.maximum(flat, 0.45).astype(np.float32)
