"""SCT's measures the plain way that its description implies: slice by slice, with whole-slice warps
and scikit-image.

Written from the description, to check the fast way against and to time it beside.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import interpolate, ndimage
from skimage import measure, transform

from SoftCordSegLib.morphometry import MEASURES
from SoftCordSegLib.volume import Volume, reorient

FINE = 0.1


def plain_shape(
    mask: Volume, angle_correction: bool = True, smooth: float = 30.0
) -> dict[str, np.ndarray]:
    """Measure name to one value a slice of the LAS grid, NaN where there is none."""
    volume = reorient(mask, "LAS")
    data, spacing = np.asarray(volume.data), volume.spacing
    occupied = np.flatnonzero((data > 1e-6).any(axis=(0, 1)))
    columns = {name: np.full(data.shape[2], np.nan) for name in MEASURES}
    angles = _angles(data, spacing, occupied, smooth) if angle_correction else {}
    for number in range(occupied[0], occupied[-1] + 1):
        about_ap, about_rl = angles.get(number, (0.0, 0.0))
        section = data[:, :, number].astype(float)
        if angle_correction:
            shrink = transform.AffineTransform(scale=(math.cos(about_rl), math.cos(about_ap)))
            section = transform.warp(section, shrink.inverse, output_shape=section.shape, order=1)
        found = plain_section(section, spacing)
        if found is None:
            continue
        found["angle_AP"], found["angle_RL"] = math.degrees(about_ap), math.degrees(about_rl)
        found["length"] = spacing[2] / (math.cos(about_ap) * math.cos(about_rl))
        for name, value in found.items():
            columns[name][number] = value
    return columns


def _angles(
    data: np.ndarray, spacing: np.ndarray, occupied: np.ndarray, smooth: float
) -> dict[int, tuple[float, float]]:
    slices = np.arange(occupied[0], occupied[-1] + 1)
    centres = np.array([np.argwhere(data[:, :, number] > 1e-6).mean(axis=0) for number in occupied])
    factor = (len(occupied) / len(slices)) ** 2 * smooth * spacing[2] / 3
    lean = []
    for axis in (0, 1):
        spline = interpolate.splrep(
            occupied, centres[:, axis], s=factor, k=3 if len(occupied) > 3 else 1
        )
        lean.append(interpolate.splev(slices, spline, der=1) * spacing[axis])
    return {
        int(n): (math.atan2(x, spacing[2]), math.atan2(y, spacing[2]))
        for n, x, y in zip(slices, *lean)
    }


def plain_section(section: np.ndarray, spacing: np.ndarray) -> dict[str, float] | None:
    """One slice, already angle-corrected."""
    if (section < 1e-6).all():
        return None
    section = (section - section.min()) / (section.max() - section.min())
    hit = np.argwhere(section > 1e-6)
    low, high = np.maximum(hit.min(axis=0) - 3, 0), hit.max(axis=0) + 4
    crop = section[low[0] : high[0], low[1] : high[1]]
    fine = ndimage.zoom(
        crop, (spacing[0] / FINE, spacing[1] / FINE), order=1, mode="grid-constant", grid_mode=True
    )
    region = measure.regionprops((fine > 0.5).astype(np.uint8))[0]
    folded = abs(math.degrees(region.orientation))
    diameters = (region.axis_minor_length, region.axis_major_length)
    along, across = diameters if folded < 45 else diameters[::-1]
    found = {
        "area": fine.sum() * FINE**2,
        "diameter_AP_ellipse": along * FINE,
        "diameter_RL": across * FINE,
        "eccentricity": region.eccentricity,
        "orientation": math.degrees(region.orientation),
        "solidity": region.solidity,
    }
    cos, sin = math.cos(region.orientation), math.sin(region.orientation)
    row, column = np.mgrid[: fine.shape[0], : fine.shape[1]]
    row, column = row - region.centroid[0], column - region.centroid[1]
    places = [
        cos * row - sin * column + region.centroid[0],
        sin * row + cos * column + region.centroid[1],
    ]
    turned = ndimage.map_coordinates(fine, places, order=1)
    middle = np.argwhere(turned > 0.5).mean(axis=0)
    row, column = round(middle[0]), round(middle[1])
    profile = turned[max(row - 15, 0) : row + 15].mean(axis=0)
    found["length_posterior"], found["length_anterior"] = (
        profile[:column].sum() * FINE,
        profile[column:].sum() * FINE,
    )
    found["diameter_AP"] = profile.sum() * FINE
    return found
