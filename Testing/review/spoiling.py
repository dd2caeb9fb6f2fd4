"""What spoils images and masks: artefacts of the scanner, and masks wrong in one known way each.

Arrays are in the orientation RAS (axes to the right, to the front and upwards); spacing in mm.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def noisy(image, rng):
    """Rician noise of a tenth of the brightest."""
    level = 0.1 * image.max()
    one, other = rng.standard_normal((2, *image.shape)) * level
    return np.hypot(image + one, other)


def ghosted(image, rng):
    """The faint copies that breathing and swallowing leave along the phase encoding."""
    step = image.shape[1] // 3
    return image + 0.2 * np.roll(image, step, axis=1) + 0.12 * np.roll(image, -step, axis=1)


def shaded(image, rng):
    """A surface coil whose signal falls off along the neck."""
    fall = np.linspace(1.2, -1.2, image.shape[2])
    return image * np.exp(fall)[None, None, :]


def voided(image, rng):
    """A screw beside the cord: no signal near it."""
    middle = np.array(image.shape) * (0.5, 0.75, 0.6)
    away = np.stack(np.indices(image.shape), -1) - middle
    return image * (1 - np.exp(-0.5 * (away**2).sum(-1) / 5.0**2))


def blurred(image, rng):
    """Too few lines of k-space."""
    return ndimage.gaussian_filter(image, (1.0, 1.0, 0.5))


def striped(image, rng):
    """A spike in k-space."""
    i, j, _ = np.indices(image.shape)
    return np.abs(image + 0.07 * image.max() * np.sin(1.9 * i + 1.3 * j))


ARTEFACTS = {
    "noise": noisy,
    "ghosts": ghosted,
    "shading": shaded,
    "metal": voided,
    "blur": blurred,
    "spikes": striped,
}


def as_predicted(mask, offset=0.0):
    """A true mask as a network would give it: a little smoother, and with its edge moved a little.

    Args:
        offset: of the values in the rim, -0.2 to 0.2: more is a larger cord.
    """
    smooth = ndimage.gaussian_filter(np.asarray(mask, dtype=np.float32), (0.45, 0.45, 0))
    rim = smooth * (1 - smooth) * 4
    return np.clip(smooth + offset * rim, 0, 1).astype(np.float32)


def shifted(mask, spacing):
    """5 mm to the right: half beside the cord."""
    return _moved(mask, (5 / spacing[0], 0, 0))


def truncated(mask, spacing):
    """The lower half is missing."""
    kept = mask.copy()
    filled = _slices(mask)
    kept[..., : filled[len(filled) // 2]] = 0
    return kept


def leaking(mask, spacing):
    """Into the fluid around the cord, 3 mm all around, along a fifth of its length."""
    wide = ndimage.distance_transform_edt(mask < 0.5, sampling=spacing) < 3
    leaked = np.maximum(mask, ndimage.gaussian_filter(wide.astype(np.float32), (0.5, 0.5, 0)))
    return _along(mask, leaked, 0.5, 0.2)


def other_structure(mask, spacing):
    """The vertebral bodies in place of the cord: 13 mm to the front."""
    return _moved(mask, (0, 13 / spacing[1], 0))


def hollow(mask, spacing):
    """The middle of the cord is missing along a fifth of its length."""
    inside = ndimage.distance_transform_edt(mask >= 0.5, sampling=spacing) > 1.5
    return _along(mask, np.where(inside, 0, mask), 0.4, 0.2)


def half(mask, spacing):
    """The cord's right half is missing."""
    kept = mask.copy()
    for k in _slices(mask):
        middle = ndimage.center_of_mass(mask[..., k])[0]
        kept[int(np.ceil(middle)) :, :, k] = 0
    return kept


WRONG_MASKS = {
    "shifted": shifted,
    "truncated": truncated,
    "leak": leaking,
    "other structure": other_structure,
    "hole": hollow,
    "half": half,
}


def _moved(mask, voxels):
    return np.clip(ndimage.shift(mask, voxels, order=1), 0, 1).astype(np.float32)


def _slices(mask):
    return np.flatnonzero((mask >= 0.5).any(axis=(0, 1)))


def _along(mask, changed, start, share):
    """``changed`` along a share of the cord's length, ``mask`` elsewhere."""
    filled = _slices(mask)
    first = int(start * len(filled))
    stretch = filled[first : first + max(1, round(share * len(filled)))]
    result = mask.copy()
    result[..., stretch] = changed[..., stretch]
    return result.astype(np.float32)
