"""The cord's usual area and flatness along the spine, and how well a cord fits them where it is
said to lie.

In the neck the cord widens to C4/C5 and flattens; it is a third smaller at T1/T2.  So its own shape
tells the level, whatever the image shows of the vertebrae.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..volume import Volume
from .disc_chain import FIRST, PAM50_SLICES, spacing_mm
from .disc_patterns import BEYOND_MM, STEP_MM, StraightSpine

# Geometric means of healthy adults, in PAM50's slices of 0.5 mm: the Spine Generic data set (203
# participants, T2w) above T4, with a weight of 1/5 for the whole-spine data set (51, T2w), which
# alone goes further down; Valošek, Bédard et al., Imaging Neuroscience 2024 (MIT).  Two values
# above C1/C2, then one at each disc and one between two, down to T11/T12.
_ABOVE = (976.0, 957.0)
_AREA_MM2 = (
    77.8, 72.5, 72.0, 71.3, 70.1, 71.3, 73.8, 76.5, 76.6, 75.9, 72.4, 68.1, 61.2, 55.6, 49.0, 45.9,
    43.7, 41.7, 39.3, 38.6, 36.1, 36.4, 34.5, 35.4, 33.9, 35.2, 33.8, 35.6, 35.0, 37.3, 37.5, 39.2,
    39.8, 42.2, 43.6, 48.5, 50.5, 45.0, 28.9,
)  # fmt: skip
# Diameter from front to back against that from right to left.
_FLATNESS = (
    .768, .722, .690, .665, .636, .630, .607, .592, .576, .577, .570, .569, .575, .601, .648, .675,
    .693, .702, .707, .715, .699, .709, .714, .717, .717, .736, .734, .759, .760, .781, .783, .799,
    .795, .792, .800, .805, .810, .811, .876,
)  # fmt: skip
# The extents of a section of a soft mask hold its partial volumes, so that it reads rounder (log).
_READS_ROUNDER = 0.08
# Towards the medulla both grow, per slice (log), and so does the uncertainty.  The conus lies
# anywhere between T11 and L3, so that the cord's shape tells little from T9 downwards.
_GROWTH = (0.012, 0.006)
_UNCERTAIN_PER_SLICE = 0.006
_CONUS_FROM = 290.0
# How healthy adults differ (log): as a whole, which holds what one way of outlining differs from
# another, too; along the cord, over this distance; from slice to slice.
_WHOLE_SD = (0.20, 0.10)
_ALONG_SD, _ALONG_MM = (0.09, 0.085), 25.0
_SLICE_SD = (0.03, 0.04)

_EVERY_MM = 4.0
# The mask tapers towards its ends.
_ENDS_MM = 6.0
_REACH_MM = 14.0
_LEAST_MM2 = 15.0


@dataclass(frozen=True, eq=False)
class CordProfile:
    """The cord's shape along it.

    Attributes:
        rows: (n,) rows of the straightened spine, evenly spaced.
        log_area: (n,) of the area at right angles to the cord, mm².
        log_flatness: (n,) of the extent from front to back against that from right to left.
    """

    rows: np.ndarray
    log_area: np.ndarray
    log_flatness: np.ndarray


def cord_profile(mask: Volume, spine: StraightSpine) -> CordProfile:
    """Area and flatness every 4 mm, from sections at right angles to the cord."""
    inside = (spine.arc_mm > _ENDS_MM) & (spine.arc_mm < spine.arc_mm[-1] - BEYOND_MM - _ENDS_MM)
    rows = np.flatnonzero(inside)[:: int(_EVERY_MM / STEP_MM)]
    across = np.arange(-_REACH_MM, _REACH_MM + STEP_MM / 2, STEP_MM)
    axes = spine.axes[rows][:, None, None]
    where = (
        spine.points_mm[rows][:, None, None]
        + axes[..., 0] * across[None, :, None, None]
        + axes[..., 1] * across[None, None, :, None]
    )
    values = ndimage.map_coordinates(
        np.asarray(mask.data, dtype=np.float32),
        np.moveaxis(mask.grid.to_voxel(where), -1, 0),
        order=1,
        mode="constant",
    )
    total = np.maximum(values.sum(axis=(1, 2)), 1e-6)
    variances = []
    for side in (values.sum(axis=2), values.sum(axis=1)):
        mean = side @ across / total
        variances.append(np.maximum(side @ across**2 / total - mean**2, 1e-6))
    area = total * STEP_MM**2
    seen = area > _LEAST_MM2
    return CordProfile(
        rows[seen],
        np.log(area[seen]),
        0.5 * np.log(variances[1] / variances[0])[seen] - _READS_ROUNDER,
    )


def log_fit(profile: CordProfile, discs: dict[int, int]) -> float:
    """How well a cord fits the usual one when its discs are at these rows; log, comparable between
    namings of one cord.

    Args:
        profile: of the cord.
        discs: row of each disc, from C1/C2 or below it downwards, without gaps.
    """
    slices = _in_pam50(profile.rows, discs)
    apart = np.abs(profile.rows[:, None] - profile.rows[None]) * STEP_MM
    knots = np.array([*_ABOVE, *_half_levels()])[::-1]
    above = np.maximum(slices - knots[-1], 0.0)
    unlike = _UNCERTAIN_PER_SLICE * (above + np.maximum(_CONUS_FROM - slices, 0.0))
    total = 0.0
    measured = (profile.log_area, profile.log_flatness)
    for values, usual, growth, whole, along, single in zip(
        measured, (_AREA_MM2, _FLATNESS), _GROWTH, _WHOLE_SD, _ALONG_SD, _SLICE_SD
    ):
        expected = np.interp(slices, knots, np.log(usual)[::-1]) + growth * above
        covariance = (
            whole**2
            + along**2 * np.exp(-apart / _ALONG_MM)
            + np.outer(unlike, unlike)
            + single**2 * np.eye(len(slices))
        )
        _, log_determinant = np.linalg.slogdet(covariance)
        off = values - expected
        total -= 0.5 * float(off @ np.linalg.solve(covariance, off) + log_determinant)
    return total


def _half_levels() -> np.ndarray:
    discs = np.array(PAM50_SLICES, dtype=float)[: (len(_AREA_MM2) - len(_ABOVE) + 1) // 2]
    return np.sort(np.concatenate([discs, (discs[1:] + discs[:-1]) / 2]))[::-1]


def _in_pam50(rows: np.ndarray, discs: dict[int, int]) -> np.ndarray:
    """(n,) PAM50's slice of each row, continuous; straight on beyond the discs."""
    values = sorted(discs, reverse=True)
    places = np.array([discs[value] for value in values], dtype=float)
    slices = np.array([_slice_of(value) for value in values])
    scale = (slices[-1] - slices[0]) / max(places[-1] - places[0], 1.0) if len(values) > 1 else 1.0
    inner = np.interp(rows, places, slices)
    beyond = np.minimum(rows - places[0], 0.0) + np.maximum(rows - places[-1], 0.0)
    return inner + scale * beyond


def _slice_of(value: int) -> float:
    if value - FIRST < len(PAM50_SLICES):
        return float(PAM50_SLICES[value - FIRST])
    last = FIRST + len(PAM50_SLICES) - 1
    down = sum(spacing_mm(number) for number in range(last, value))
    return PAM50_SLICES[-1] - down / STEP_MM
