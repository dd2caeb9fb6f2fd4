"""Masks that are wrong on purpose, and images as bad scans give them: for judging the doubt.

Arrays are RAS (axes to the right, to the front and upwards), spacing in mm.  Every way has its
measure drawn at random, from hardly visible to gross.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scan_faults import blur, fading, motion, noise
from scipy import ndimage

Spoil = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def beside(mask: np.ndarray, spacing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Moved sideways by 2 to 7 mm."""
    return _moved(mask, spacing, (rng.choice((-1, 1)) * rng.uniform(2, 7), 0.0))


def in_front(mask: np.ndarray, spacing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """On the vertebral bodies, 11 to 16 mm in front of the cord."""
    return _moved(mask, spacing, (0.0, rng.uniform(11, 16)))


def truncated(mask: np.ndarray, spacing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """20 to 60 % of the length is missing, at the lower end or at the upper one."""
    filled = np.flatnonzero((mask >= 0.5).any(axis=(0, 1)))
    count = int(rng.uniform(0.2, 0.6) * len(filled))
    cut = mask.copy()
    if rng.random() < 0.7:
        cut[:, :, : filled[count]] = 0
    else:
        cut[:, :, filled[-count] :] = 0
    return cut


def leaking(mask: np.ndarray, spacing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """1.5 to 3.5 mm into the fluid, all around, over 10 to 40 % of the length."""
    return _along(mask, _grown(mask, spacing, rng.uniform(1.5, 3.5)), rng)


def sac(mask: np.ndarray, spacing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The dural sac in place of the cord: 2 to 4 mm wider."""
    return _grown(mask, spacing, rng.uniform(2, 4))


def shrunk(mask: np.ndarray, spacing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """1 to 2 mm inside the edge, over 30 to 100 % of the length."""
    inside = ndimage.distance_transform_edt(mask >= 0.5, sampling=(*spacing[:2], 1e6))
    small = np.clip((inside - rng.uniform(1, 2)) / float(spacing[0]) + 0.5, 0, 1)
    return _along(mask, small.astype(np.float32), rng, (0.3, 1.0))


def half(mask: np.ndarray, spacing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One half of the cord, left or right, is missing over 30 to 100 % of the length."""
    cut = mask.copy()
    left = rng.random() < 0.5
    for k in np.flatnonzero((mask >= 0.5).any(axis=(0, 1))):
        middle = round(ndimage.center_of_mass(mask[:, :, k])[0])
        cut[middle:, :, k] = 0 if left else cut[middle:, :, k]
        cut[:middle, :, k] = cut[:middle, :, k] if left else 0
    return _along(mask, cut, rng, (0.3, 1.0))


def gap(mask: np.ndarray, spacing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """10 to 30 % of the length is missing within."""
    return _along(mask, np.zeros_like(mask), rng, (0.1, 0.3))


def hollow(mask: np.ndarray, spacing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The middle is missing over 10 to 40 % of the length."""
    inside = ndimage.distance_transform_edt(mask >= 0.5, sampling=(*spacing[:2], 1e6))
    return _along(mask, np.where(inside > rng.uniform(1.2, 2.2), 0, mask), rng)


def ragged(mask: np.ndarray, spacing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The edge at random, in and out by 1 to 2.5 mm."""
    signed = ndimage.distance_transform_edt(mask >= 0.5, sampling=spacing)
    signed -= ndimage.distance_transform_edt(mask < 0.5, sampling=spacing)
    waves = ndimage.gaussian_filter(rng.standard_normal(mask.shape), 1.2 / spacing)
    waves *= rng.uniform(1, 2.5) / max(float(waves.std()), 1e-6)
    near = np.abs(signed) < 5
    return np.where(near, np.clip((signed + waves) / float(spacing[0]) + 0.5, 0, 1), 0)


def swapped(mask: np.ndarray, spacing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The mask of another scan: the same one turned upside down and moved by up to 3 mm."""
    return _moved(mask[:, :, ::-1], spacing, tuple(rng.uniform(-3, 3, 2)))


def vessel(mask: np.ndarray, spacing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A vessel beside it too: a thin cord 12 to 18 mm to the side, over 20 to 60 % of it."""
    thin = shrunk(mask, spacing, np.random.default_rng(1))
    other = _moved(thin, spacing, (rng.choice((-1, 1)) * rng.uniform(12, 18), 4.0))
    return np.maximum(mask, _along(np.zeros_like(mask), other, rng, (0.2, 0.6), mask))


WRONG: dict[str, Spoil] = {
    one.__name__: one
    for one in (
        *(beside, in_front, truncated, leaking, sac, shrunk),
        *(half, gap, hollow, ragged, swapped, vessel),
    )
}


def noisy(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rician noise of 8 to 25 % of the brightest tissue."""
    return noise(image, rng.uniform(0.08, 0.25), rng)


def moving(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ghosts of motion along the phase encoding."""
    return motion(image, rng.uniform(0.6, 2.0), rng)


def shaded(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A coil whose signal falls off along the spine, by 10 to 60 times."""
    return fading(image, rng.uniform(10, 60), rng)


def blurred(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Too few lines of k-space: 1 to 2.5 voxels."""
    return blur(image, rng.uniform(1, 2.5))


BAD_SCANS = {one.__name__: one for one in (noisy, moving, shaded, blurred)}


def _moved(mask: np.ndarray, spacing: np.ndarray, mm: tuple[float, ...]) -> np.ndarray:
    voxels = (mm[0] / spacing[0], mm[1] / spacing[1], 0)
    return np.clip(ndimage.shift(mask, voxels, order=1), 0, 1)


def _grown(mask: np.ndarray, spacing: np.ndarray, mm: float) -> np.ndarray:
    away = ndimage.distance_transform_edt(mask < 0.5, sampling=(*spacing[:2], 1e6))
    wide = np.clip((mm - away) / float(spacing[0]) + 0.5, 0, 1)
    return np.maximum(mask, wide * (mask >= 0.5).any(axis=(0, 1)))


def _along(
    mask: np.ndarray,
    changed: np.ndarray,
    rng: np.random.Generator,
    share: tuple[float, float] = (0.1, 0.4),
    filled_by: np.ndarray | None = None,
) -> np.ndarray:
    """``changed`` over a random part of the length within the mask, ``mask`` elsewhere."""
    filled = np.flatnonzero(((mask if filled_by is None else filled_by) >= 0.5).any(axis=(0, 1)))
    count = max(1, round(rng.uniform(*share) * len(filled)))
    inner = max(len(filled) - count, 0)
    first = int(rng.uniform(0.1, 0.9) * inner)
    part = filled[first : first + count]
    result = mask.copy()
    result[:, :, part] = changed[:, :, part]
    return result
