"""What spoils an image before it is sampled: coils that end, metal, and the distortion of
echo-planar images.
"""

from __future__ import annotations

import numpy as np

from .fields import smooth_noise


def signal_loss(rng: np.random.Generator, shape: tuple, spacing: float) -> np.ndarray:
    """Sensitivity in (0, 1] that fades out towards one end of the body, where the coil ends;
    broadcasts over (i, j, k).
    """
    along = np.arange(shape[2], dtype=np.float32) * spacing
    where, width = rng.uniform(-0.1, 0.45) * along[-1], rng.uniform(4, 20)
    fade = 1 / (1 + np.exp(-(along - where) / width))
    fade = fade if rng.random() < 0.7 else fade[::-1]
    return (0.05 + 0.95 * fade)[None, None, :].astype(np.float32)


def metal(
    rng: np.random.Generator, image: np.ndarray, spacing: float, cord: np.ndarray
) -> np.ndarray:
    """A void with a bright rim where an implant or a clip spoils the field, outside the cord."""
    position = np.indices(image.shape, dtype=np.float32) * spacing
    inside = np.argwhere(cord > 0.5)
    about = (
        inside[rng.integers(len(inside))] * spacing
        if len(inside)
        else rng.uniform(0, 1, 3) * image.shape * spacing
    )
    radius = rng.uniform(4, 15)
    angle, away = rng.uniform(0, 2 * np.pi), radius + rng.uniform(6, 30)
    centre = about + np.array([np.cos(angle) * away, np.sin(angle) * away, rng.uniform(-15, 15)])
    stretch = rng.uniform(0.6, 1.6, 3)
    distance = (
        np.sqrt(sum(((p - c) / s) ** 2 for p, c, s in zip(position, centre, stretch))) / radius
    )
    void = 1 / (1 + np.exp((distance - 1) * 8))
    rim = np.exp(-(((distance - 1.15) / 0.12) ** 2)) * rng.uniform(0, 0.8)
    return image * (1 - void) + rim


def distorted(
    rng: np.random.Generator, spacing: float, arrays: list[np.ndarray]
) -> list[np.ndarray]:
    """Echo-planar distortion: a shift along the phase-encoding (anterior-posterior) axis that
    varies with the place.

    The first array is the image, whose intensity piles up where it is squeezed; the others (masks)
    only move.
    """
    image = arrays[0]
    scale = (
        rng.uniform(15, 40) / spacing,
        rng.uniform(15, 40) / spacing,
        rng.uniform(5, 40) / spacing,
    )
    shift = rng.uniform(0.5, 2.5) / spacing * smooth_noise(rng, image.shape, scale)
    rows = np.arange(image.shape[1], dtype=np.float32)[None, :, None] + shift
    low = np.clip(np.floor(rows).astype(int), 0, image.shape[1] - 2)
    weight = np.clip(rows - low, 0, 1).astype(np.float32)

    def moved(array):
        return (
            np.take_along_axis(array, low, 1) * (1 - weight)
            + np.take_along_axis(array, low + 1, 1) * weight
        )

    squeeze = np.clip(1 + np.gradient(shift, axis=1), 0.5, 1.8).astype(np.float32)
    return [moved(image) * squeeze, *(moved(array) for array in arrays[1:])]
