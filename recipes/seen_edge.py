"""Where the edge of a cord is seen, and how far outside it a mask is drawn.

The visible edge is taken to be where, going outwards through the mask's outline, the image
brightens fastest towards the fluid (T2w, T2*w, b = 0, MT on).  For each slice the distance to the
outline is measured in the plane, less than a voxel at a time; the image is averaged at equal
distances in eight sectors about the cord's middle, and the steepest place of each such profile is
where the edge is seen.  The median over the sectors that show fluid is the slice's value.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from SoftCordSegLib.volume import Volume
from SoftCordSegLib.volume.moved_edge import signed_distance

# Distances at which profiles are read, mm, positive inside the mask, and how far they are smoothed.
DISTANCES = np.arange(-2.5, 2.55, 0.1)
_SMOOTH_MM = 0.3
# The seen edge is looked for that far from the drawn one, mm.
_REACH_MM = 1.6
_SECTORS = 8
# Sectors whose steepest place is that much flatter than the slice's best show no fluid.
_LEAST_SLOPE = 0.4


def outside_seen_edge(
    image: Volume, mask: Volume, upper_mm: float = np.inf
) -> tuple[np.ndarray, np.ndarray]:
    """How far a mask is drawn outside (positive) or inside the edge that is seen.

    Args:
        image, mask: on one grid of axial slices, or nearly; axes LAS. The mask's outline is that at
            0.5.
        upper_mm: how much of the mask, from its upper end.

    Returns:
        (n,) mm of each slice that shows the edge, and (n, distances) mean intensities at
        :data:`DISTANCES`, 0 inside and 1 in the fluid.
    """
    found, profiles = [], []
    inside = mask.data > 0.5
    slices = np.flatnonzero(inside.any(axis=(0, 1)))
    for index in slices[(slices.max(initial=0) - slices) * image.spacing[2] < upper_mm]:
        plane = inside[:, :, index].astype(np.float32)
        one = _slice_edge(np.asarray(image.data[:, :, index], np.float32), plane, image.spacing[:2])
        if one is not None:
            found.append(one[0])
            profiles.append(one[1])
    return np.array(found), np.array(profiles)


def half_width(slices_mm: np.ndarray) -> float:
    """Half the width that holds the middle 68 % of the slices, mm."""
    low, high = np.percentile(slices_mm, (16, 84))
    return float(high - low) / 2


def _slice_edge(
    image: np.ndarray, mask: np.ndarray, spacing: np.ndarray
) -> tuple[float, np.ndarray] | None:
    """The seen edge's distance inside the drawn one, mm, and the profile there; None where no fluid
    is seen.
    """
    margin = np.ceil(4 / spacing).astype(int)
    filled = np.argwhere(mask)
    start, stop = (
        np.maximum(filled.min(axis=0) - margin, 0),
        np.minimum(filled.max(axis=0) + margin + 1, mask.shape),
    )
    part = tuple(slice(a, b) for a, b in zip(start, stop))
    distance, factors = signed_distance(mask[part], spacing)
    fine = ndimage.affine_transform(
        image[part], 1 / factors, 0.5 / factors - 0.5, distance.shape, order=3, mode="nearest"
    )
    middle = ndimage.center_of_mass(distance > 0)
    i, j = np.indices(distance.shape)
    angle = np.arctan2(
        (j - middle[1]) * spacing[1] / factors[1], (i - middle[0]) * spacing[0] / factors[0]
    )
    sector = ((angle / (2 * np.pi) + 0.5) * _SECTORS).astype(int) % _SECTORS
    near = np.abs(distance) <= -DISTANCES[0] + 0.05
    bins = np.clip(np.round((distance - DISTANCES[0]) / 0.1).astype(int), 0, len(DISTANCES) - 1)
    key = (sector * len(DISTANCES) + bins)[near]
    size = _SECTORS * len(DISTANCES)
    count, total = (
        np.bincount(key, weights, size).astype(float).reshape(_SECTORS, -1)
        for weights in (None, fine[near])
    )
    # Smoothed apart: few fine voxels have one distance, and some distances none.
    total, count = (
        ndimage.gaussian_filter1d(x, _SMOOTH_MM / 0.1, axis=1, mode="constant")
        for x in (total, count)
    )
    full = (count > 0.5).all(axis=1)
    if not full.any():
        return None
    profiles = total[full] / count[full]
    # Brighter outside: what falls with the distance inwards.
    slopes = -np.gradient(profiles, 0.1, axis=1)
    slopes[:, np.abs(DISTANCES) > _REACH_MM] = -np.inf
    best = slopes.argmax(axis=1)
    steepest = slopes.max(axis=1)
    shown = (steepest > max(_LEAST_SLOPE * steepest.max(), 1e-6)) & (
        np.abs(DISTANCES[best]) < _REACH_MM - 0.15
    )
    if shown.sum() < 3:
        return None
    places = [_peak(slopes[row], best[row]) for row in np.flatnonzero(shown)]
    mean = profiles[shown].mean(axis=0)
    return float(np.median(places)), (mean - mean[-1]) / max(mean.max() - mean[-1], 1e-6)


def _peak(slope: np.ndarray, best: int) -> float:
    """The place of the highest of three neighbours' parabola, mm."""
    left, middle, right = slope[best - 1 : best + 2]
    curve = left - 2 * middle + right
    return float(DISTANCES[best] + (0.05 * (left - right) / curve if curve < 0 else 0.0))
