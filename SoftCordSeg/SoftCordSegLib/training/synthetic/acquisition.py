"""What a scanner does to a perfect image: slices, resolution, field of view, coil, noise,
artefacts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .fields import smooth_noise


@dataclass(frozen=True)
class Slices:
    """How the volume was cut: along ``axis`` in slices ``thickness`` voxels thick and ``step``
    voxels apart; 1 is none.
    """

    axis: int
    thickness: float
    step: float
    phase: float


def random_slices(rng: np.random.Generator, spacing: float) -> Slices:
    """Isotropic, axial or sagittal, with the thicknesses of the field (up to 17 mm)."""
    kind = rng.random()
    if kind < 0.35:
        return Slices(2, 1.0, 1.0, 0.0)
    axis, (low, high) = (2, (2.5, 8.0)) if kind < 0.85 else (0, (2.0, 4.5))
    thickness = rng.uniform(low, high)
    if axis == 2 and rng.random() < 0.1:
        thickness = rng.uniform(8, 18)
    gap = rng.uniform(0, 0.3) if rng.random() < 0.4 else 0.0
    thickness = thickness / spacing
    return Slices(axis, thickness, thickness * (1 + gap), rng.uniform(0, 1))


def cut_slices(volume: np.ndarray, slices: Slices) -> np.ndarray:
    """Average over each slice's thickness, keep its centre, and interpolate back to the old grid,
    as a reader of the file would.
    """
    if slices.thickness <= 1:
        return volume
    count = volume.shape[slices.axis]
    half = slices.thickness / 2
    centres = np.arange(slices.phase * slices.step, count + slices.step, slices.step)
    # Exact box averages between fractional positions come from the running sum.
    total = np.cumsum(volume, axis=slices.axis, dtype=np.float64)
    total = np.concatenate(
        [np.zeros_like(np.take(total, [0], axis=slices.axis)), total], axis=slices.axis
    )
    total = np.moveaxis(total, slices.axis, 0)
    edges = np.arange(count + 1)

    def summed(at):
        at = np.clip(at, 0, count)
        low = np.minimum(at.astype(int), count - 1)
        weight = (at - edges[low]).reshape(-1, 1, 1)
        return total[low] * (1 - weight) + total[low + 1] * weight

    width = np.maximum(
        np.clip(centres + half, 0, count) - np.clip(centres - half, 0, count), 1e-3
    ).reshape(-1, 1, 1)
    averaged = ((summed(centres + half) - summed(centres - half)) / width).astype(np.float32)
    at = np.clip((np.arange(count) + 0.5 - centres[0]) / slices.step, 0, len(centres) - 1)
    low = np.minimum(at.astype(int), len(centres) - 2)
    weight = (at - low).astype(np.float32).reshape(-1, 1, 1)
    return np.ascontiguousarray(
        np.moveaxis(averaged[low] * (1 - weight) + averaged[low + 1] * weight, 0, slices.axis)
    )


def scan(rng: np.random.Generator, image: np.ndarray, slices: Slices, spacing: float) -> np.ndarray:
    """Coil, resolution, slices, artefacts and noise, (i, j, k) float32 of about 0 to 1."""
    shape = image.shape
    if rng.random() < 0.7:
        image = image * np.exp(
            rng.uniform(0, 0.5) * smooth_noise(rng, shape, rng.uniform(40, 150) / spacing)
        )
    if rng.random() < 0.3:
        image = image * _surface_coil(rng, shape, spacing)
    blur = rng.uniform(0.0, 0.75) / spacing
    if blur > 0.2:
        sigma = [blur, blur, blur if slices.thickness <= 1 else 0.0]
        image = ndimage.gaussian_filter(image, sigma, mode="nearest", output=np.float32)
    image = cut_slices(image, slices)
    if rng.random() < 0.12:
        image = _truncated(rng, image)
    if rng.random() < 0.12:
        image = image + rng.uniform(0.02, 0.12) * np.roll(
            image, rng.integers(8, max(shape[1] // 2, 9)), axis=1
        )
    image = _noisy(rng, image, slices)
    if rng.random() < 0.4:
        image = np.sign(image) * np.abs(image) ** rng.uniform(0.6, 1.6)
    return image.astype(np.float32)


def _surface_coil(rng: np.random.Generator, shape: tuple, spacing: float) -> np.ndarray:
    """Brighter towards the back, where the spine coil lies."""
    distance = np.arange(shape[1], dtype=np.float32) * spacing
    return np.exp(-distance / rng.uniform(40, 150))[None, :, None].astype(np.float32) + 0.2


def _truncated(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Gibbs ringing: the highest spatial frequencies along one in-plane axis are lost."""
    axis = int(rng.integers(2))
    spectrum = np.fft.rfft(image, axis=axis)
    keep = int(spectrum.shape[axis] * rng.uniform(0.55, 0.9))
    index = [slice(None)] * 3
    index[axis] = slice(keep, None)
    spectrum[tuple(index)] = 0
    return np.fft.irfft(spectrum, n=image.shape[axis], axis=axis).astype(np.float32)


def _noisy(rng: np.random.Generator, image: np.ndarray, slices: Slices) -> np.ndarray:
    """Rician noise, sometimes of the larger grain that an interpolated image has; slices have noise
    of their own.
    """
    level = rng.uniform(0, 0.07) if rng.random() < 0.85 else rng.uniform(0.07, 0.15)
    scale = np.full(3, rng.uniform(1.0, 2.0) if rng.random() < 0.5 else 1.0)
    scale[slices.axis] = max(scale[slices.axis], slices.step)
    real = image + level * smooth_noise(rng, image.shape, tuple(scale))
    if rng.random() < 0.5:
        return real
    return np.hypot(real, level * smooth_noise(rng, image.shape, tuple(scale)))
