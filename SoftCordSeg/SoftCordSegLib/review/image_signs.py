"""What the image says of a mask, whatever its contrast: whether it holds one tissue, whether an
edge lies within its outline, whether it lies in the middle of what is left-right symmetric, and
whether the cord goes on beyond an end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..volume import Volume

# Slices are looked at this far apart at least, mm: neighbours tell the same.
_EVERY_MM = 3.0
# The core lies so far within the contour, the surroundings so far outside it, mm.
_CORE_MM, _NEAR_MM, _FAR_MM = -0.7, 0.7, 4.0
# Intensities by distance from the contour, mm; steps between the bins are edges.
_BINS_MM = np.arange(-4.0, 5.01, 1.0)
# Steps so far inside are not those of the outline, mm.
_WITHIN_MM = -1.5
# Below this share of the usual variance, or of the usual edge, an image fades.
_FADED = 0.3
# The outline's own edge lies so near to it; intensities are taken so far around, mm.
_AT_MM, _AROUND_MM = 1.0, 9.0
# What noise alone does in so many standard deviations is no sign.
_SURE = 2.0
# The patch that is held against its mirror image, half its size, mm: left-right, front-back.
_PATCH_MM = (13.0, 9.0)
_SHIFT_MM = 7.0
# Slices are taken together over this length for the symmetry, mm (standard deviation).
_TOGETHER_MM = 8.0
# Correlation of a section with what lies as far along the cord.
_BEYOND_MM = (3.0, 9.0)


@dataclass(frozen=True, eq=False)
class ImageSigns:
    """What an image says of a mask, in its n slices; NaN in slices that were not looked at.

    Attributes:
        mixture: (n,) variance of the intensities inside over that of inside and outside together,
            both without that of the noise: a mask that holds two tissues has more.
        inner_edge: (n,) strongest step of the mean intensity well within the outline, over the
            strongest one at the outline or outside.
        outline_edge: (n,) strongest step of the mean intensity at the outline, over the standard
            deviation of the intensities around, without that of the noise; NaN where noise rules.
        off_middle_mm: (n,) from the mask's middle to that of what is symmetric, to the left (+).
        symmetry_gain: (n,) how much more symmetric it is there: difference of correlations.
        goes_on: (lower, upper) correlation of the section with what lies beyond the mask's end,
            less that between sections as far apart within it; NaN where there is nothing beyond.
    """

    mixture: np.ndarray
    inner_edge: np.ndarray
    outline_edge: np.ndarray
    off_middle_mm: np.ndarray
    symmetry_gain: np.ndarray
    goes_on: tuple[float, float]


def image_signs(mask: Volume, image: Volume, numbers: np.ndarray) -> ImageSigns:
    """Look at the image in and around a mask.

    Args:
        mask: values from 0 to 1, LAS, the part of the volume around the cord.
        image: the same part.
        numbers: (n,) the slices of the mask, without gaps.
    """
    spacing = mask.spacing
    step = max(1, round(_EVERY_MM / float(spacing[2])))
    filled = (mask.data[:, :, numbers] >= 0.5).any(axis=(0, 1))
    looked = np.flatnonzero(filled)[::step]
    columns = {
        name: np.full(len(numbers), np.nan)
        for name in ("mixture", "inner_edge", "outline_edge", "off_middle_mm", "symmetry_gain")
    }
    if not len(looked):
        return ImageSigns(**columns, goes_on=(np.nan, np.nan))
    shown = np.nan_to_num(np.asarray(image.data, dtype=np.float32))
    inside = mask.data[:, :, numbers[looked]] >= 0.5
    part = shown[:, :, numbers[looked]]
    distance = _distance(inside, spacing)
    noise = _noise_variance(part, distance <= _FAR_MM)
    columns["mixture"][looked] = _mixture(part, distance, noise)
    edges = _edges(part, distance, noise)
    columns["inner_edge"][looked], columns["outline_edge"][looked] = edges
    centres = np.array(
        [ndimage.center_of_mass(inside[:, :, index]) for index in range(len(looked))]
    )
    together = max(_TOGETHER_MM / (step * float(spacing[2])), 0.5)
    off, gain = _off_middle(part, centres, spacing, together)
    columns["off_middle_mm"][looked], columns["symmetry_gain"][looked] = off, gain
    goes_on = _goes_on(shown, numbers[looked], centres, spacing)
    return ImageSigns(**columns, goes_on=goes_on)


def _distance(inside: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Distance from the contour within each slice, mm; below 0 inside."""
    # Slices are put so far apart that no distance leads from one to another.
    apart = (float(spacing[0]), float(spacing[1]), 1e6)
    half = 0.25 * float(spacing[0] + spacing[1])
    outside = ndimage.distance_transform_edt(~inside, sampling=apart)
    within = ndimage.distance_transform_edt(inside, sampling=apart)
    return np.where(inside, half - within, outside - half)


def _mixture(part: np.ndarray, distance: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """(n,) see :class:`ImageSigns`."""
    core = distance <= _CORE_MM
    # A cord of few voxels has no core.
    small = core.sum(axis=(0, 1)) < 4
    core[:, :, small] = distance[:, :, small] <= 0
    around = (distance >= _NEAR_MM) & (distance <= _FAR_MM)
    (n_in, mean_in, var_in), (n_out, mean_out, var_out) = (
        _moments(part, where) for where in (core, around)
    )
    # The variance of n voxels of noise alone lies this high by chance.
    by_chance = noise * (1.0 + _SURE * np.sqrt(2.0 / np.maximum(n_in, 1)))
    var_in, var_out = np.maximum(var_in - by_chance, 0.0), np.maximum(var_out - noise, 0.0)
    # Both count alike, however many voxels they have.
    within = 0.5 * (var_in + var_out)
    between = 0.25 * (mean_in - mean_out) ** 2
    total = np.maximum(within + between, 1e-12)
    known = (n_in >= 3) & (n_out >= 3) & (within + between > 0)
    # Where the image fades, at the edge of the field, or drowns in noise, it says little.
    usual = float(np.median(total[known])) if known.any() else 1.0
    least = np.maximum(_FADED * usual, noise)
    return np.where(known, var_in / np.maximum(total, least), np.nan)


def _noise_variance(part: np.ndarray, near: np.ndarray) -> np.ndarray:
    """(n,) variance of the noise, from the second differences along both axes, to which edges add
    little (Immerkær, CVIU 1996); of the median, so that the few at edges do not count.
    """
    rows, columns, _ = part.shape
    if rows < 3 or columns < 3:
        return np.zeros(part.shape[2])
    along = part[:-2] - 2 * part[1:-1] + part[2:]
    both = along[:, :-2] - 2 * along[:, 1:-1] + along[:, 2:]
    inside = near[1:-1, 1:-1]
    variance = np.zeros(part.shape[2])
    for number in range(part.shape[2]):
        values = both[:, :, number][inside[:, :, number]]
        if len(values):
            # The kernel has a norm of 6; the median of |N(0, 1)| is 0.6745.
            variance[number] = (float(np.median(np.abs(values))) / (6 * 0.6745)) ** 2
    return variance


def _moments(part: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    count = where.sum(axis=(0, 1)).astype(float)
    least = np.maximum(count, 1)
    mean = (part * where).sum(axis=(0, 1), dtype=float) / least
    variance = (((part - mean) ** 2) * where).sum(axis=(0, 1), dtype=float) / least
    return count, mean, variance


def _edges(
    part: np.ndarray, distance: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(inner_edge, outline_edge) of each slice, see :class:`ImageSigns`."""
    count = part.shape[2]
    slices = np.broadcast_to(np.arange(count), part.shape)
    bins = np.digitize(distance, _BINS_MM)
    flat = (slices * (len(_BINS_MM) + 1) + bins).ravel()
    size = count * (len(_BINS_MM) + 1)
    voxels = np.bincount(flat, minlength=size).reshape(count, -1)[:, 1:-1]
    sums = np.bincount(flat, part.ravel(), minlength=size).reshape(count, -1)[:, 1:-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(voxels >= 3, sums / voxels, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        by_chance = _SURE * np.sqrt(noise[:, None] * (1.0 / voxels[:, 1:] + 1.0 / voxels[:, :-1]))
    steps = np.maximum(np.nan_to_num(np.abs(np.diff(means, axis=1)) - by_chance), 0.0)
    inside = _BINS_MM[1:-1] <= _WITHIN_MM
    within, outward = steps[:, inside].max(axis=1), steps[:, ~inside].max(axis=1)
    least = np.maximum(_FADED * np.median(outward), 1e-12)
    inner = np.where(outward > 0, within / np.maximum(outward, least), np.nan)
    at_outline = steps[:, np.abs(_BINS_MM[1:-1]) <= _AT_MM].max(axis=1)
    _, _, variance = _moments(part, distance <= _AROUND_MM)
    without = variance - noise
    known = without > noise
    spread = np.sqrt(np.where(known, without, 1.0))
    return inner, np.where(known, at_outline / spread, np.nan)


def _patches(part: np.ndarray, centres: np.ndarray, half: tuple[int, int]) -> np.ndarray:
    """(n, 2 half₀ + 1, 2 half₁ + 1) around the rounded centres; the edge is repeated outside."""
    rows, columns = (
        np.clip(np.rint(centre)[:, None] + np.arange(-reach, reach + 1), 0, size - 1).astype(int)
        for centre, reach, size in zip(centres.T, half, part.shape)
    )
    numbers = np.arange(part.shape[2])
    return part[rows[:, :, None], columns[:, None, :], numbers[:, None, None]]


def _off_middle(
    part: np.ndarray, centres: np.ndarray, spacing: np.ndarray, together: float
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) how far to the left the middle of symmetry lies from the mask's, mm; and how much more
    symmetric the image is there.
    """
    width, depth = (int(np.ceil(reach / step)) for reach, step in zip(_PATCH_MM, spacing))
    most = int(np.ceil(_SHIFT_MM / spacing[0]))
    patches = _patches(part, centres, (width + most, depth)).astype(float)
    rest = centres[:, 0] - np.rint(centres[:, 0])
    # In half voxels: the middle of symmetry lies on a voxel or between two.
    shifts = np.arange(-2 * most, 2 * most + 1)
    likeness = np.empty((len(patches), len(shifts)))
    middle = width + most
    for column, shift in enumerate(shifts):
        first = middle - width + (shift + 1) // 2
        last = middle + width + shift // 2
        strip = patches[:, max(first, 0) : last + 1]
        likeness[:, column] = _correlation(strip, strip[:, ::-1])
    if len(likeness) > 1:
        likeness = ndimage.gaussian_filter1d(likeness, together, axis=0, mode="nearest")
    off = (shifts[None] / 2 - rest[:, None]) * spacing[0]
    best = likeness.argmax(axis=1)
    every = np.arange(len(patches))
    own = np.abs(off).argmin(axis=1)
    gain = likeness[every, best] - likeness[every, own]
    # A maximum at the end of the search is none.
    at_end = (best == 0) | (best == len(shifts) - 1)
    return np.where(at_end, 0.0, off[every, best]), np.where(at_end, 0.0, gain)


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(n,) of each pair of patches; 0 where one is constant."""
    one, other = (
        patch - patch.mean(axis=(1, 2), keepdims=True) for patch in (one, np.asarray(other))
    )
    norm = np.sqrt((one**2).sum(axis=(1, 2)) * (other**2).sum(axis=(1, 2)))
    return (one * other).sum(axis=(1, 2)) / np.maximum(norm, 1e-12) * (norm > 1e-9)


def _goes_on(
    shown: np.ndarray, numbers: np.ndarray, centres: np.ndarray, spacing: np.ndarray
) -> tuple[float, float]:
    """Of the lower and the upper end: correlation with what lies beyond, less the usual one."""
    found = []
    half = (int(np.ceil(8.0 / spacing[0])), int(np.ceil(8.0 / spacing[1])))
    for end in (0, -1):
        inward = 1 if end == 0 else -1
        height = float(spacing[2])
        near, far = (max(1, round(reach / height)) for reach in _BEYOND_MM)
        last = int(numbers[end])
        beyond = last - inward * max(far // 2, near)
        # Section within the mask, the end itself being soft.
        within = numbers[end] + inward * near
        known = np.interp(
            [within, within + inward * (abs(within - beyond))], numbers, np.arange(len(numbers))
        )
        if not 0 <= beyond < shown.shape[2] or len(numbers) < 4:
            found.append(np.nan)
            continue
        places = centres[np.rint(known).astype(int)]
        chosen = numbers[np.rint(known).astype(int)]
        if chosen[0] == chosen[1]:
            found.append(np.nan)
            continue
        drift = (places[0] - places[1]) / (chosen[0] - chosen[1])
        ahead = places[0] + drift * (beyond - chosen[0])
        three = np.stack([shown[:, :, index] for index in (*chosen, beyond)], axis=2)
        patches = _patches(three, np.array([*places, ahead]), half).astype(float)
        usual = _correlation(patches[:1], patches[1:2])[0]
        found.append(float(_correlation(patches[:1], patches[2:])[0] - usual))
    return found[0], found[1]
