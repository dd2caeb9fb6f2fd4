"""Contrasts of one person over their common stretch of cord, and a scan and its rescan."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .profile import AreaProfile, CordLine

# Positions are never nearer to each other than this, mm: areas of neighbouring millimetres are not
# two observations.
_NEAREST_MM = 3.0
_SAMPLES = 9


@dataclass(frozen=True)
class StretchSpread:
    """How much the contrasts of one person differ in area, position by position.

    Attributes:
        positions: number of positions compared along the common stretch; 0 where there is none, or
            a contrast has no mask.
        step_mm: from one to the next, along the cord.
        sd_mm2: median over positions of the SD over contrasts (ddof 1).
        sd_percent: the same, of the mean area at the position.
        areas_mm2: mean over the positions, by contrast.
        beside_mm: by contrast, median distance of its centreline from the one that positions are
            counted along.
        moved_mm: by contrast, how far its image was moved along its own A-P axis to lie on the same
            cord; 0 for most.
    """

    positions: int
    step_mm: float
    sd_mm2: float
    sd_percent: float
    areas_mm2: dict[str, float]
    beside_mm: dict[str, float]
    moved_mm: dict[str, float]


def contrasts_spread(profiles: Mapping[str, AreaProfile | None]) -> StretchSpread:
    """SD of area over contrasts, wherever along the cord all of them show it.

    Positions are the slices of the image with the thickest ones, at least 3 mm apart; areas of
    images with thinner slices are averaged over such a slice, so that each contrast is asked about
    the same piece of cord.  First and last slices are left out.

    Args:
        profiles: by contrast, in scanner coordinates; None where nothing was found.
    """
    nothing = StretchSpread(0, math.nan, math.nan, math.nan, {}, {}, {})
    if any(profile is None or len(profile) < 3 for profile in profiles.values()):
        return nothing
    finest = min(profiles, key=lambda name: (profiles[name].step_mm, -len(profiles[name])))
    line = CordLine.of(profiles[finest])
    placed = {name: line.brought_onto(profile.without_ends()) for name, profile in profiles.items()}
    found = {name: line.nearest(profile.centres_mm) for name, (profile, _) in placed.items()}
    ends = (
        max(along.min() for along, _ in found.values()),
        min(along.max() for along, _ in found.values()),
    )
    thickest = max(profiles, key=lambda name: profiles[name].step_mm)
    step = max(profiles[thickest].step_mm, _NEAREST_MM)
    where = _positions(found[thickest][0], ends, step)
    if len(where) < 1:
        return nothing
    table = np.array(
        [
            _areas_at(
                where, found[name][0], placed[name][0].areas_mm2, step - profiles[name].step_mm
            )
            for name in profiles
        ]
    )
    spread = table.std(axis=0, ddof=1)
    return StretchSpread(
        len(where),
        float(step),
        float(np.median(spread)),
        float(np.median(100.0 * spread / table.mean(axis=0))),
        {name: float(row.mean()) for name, row in zip(profiles, table)},
        {name: float(np.median(beside)) for name, (_, beside) in found.items()},
        {name: float(moved) for name, (_, moved) in placed.items()},
    )


def rescan_difference(
    scan: AreaProfile | None, rescan: AreaProfile | None
) -> tuple[float, float, int]:
    """Mean area of the rescan less that of the scan, over the slice numbers that both cover,
    without the ends.

    Between the two the person was repositioned: slices of one number do not show quite the same
    piece of cord.

    Returns:
        mm²; the same in per cent of their mean; number of slices.  NaN, NaN and 0 where one of them
        has no mask.
    """
    if scan is None or rescan is None:
        return math.nan, math.nan, 0
    both = np.intersect1d(scan.slices, rescan.slices)[1:-1]
    if not len(both):
        return math.nan, math.nan, 0
    first, second = (
        float(one.areas_mm2[np.isin(one.slices, both)].mean()) for one in (scan, rescan)
    )
    return second - first, 200.0 * (second - first) / (first + second), len(both)


def _positions(along: np.ndarray, ends: tuple[float, float], step: float) -> np.ndarray:
    """Of the places along the cord those within the ends, in order, no two nearer than some
    step.
    """
    kept: list[float] = []
    for place in sorted(along[(along >= ends[0] - 0.5) & (along <= ends[1] + 0.5)]):
        if not kept or place - kept[-1] > step - 1.0:
            kept.append(float(place))
    return np.array(kept)


def _areas_at(
    where: np.ndarray, along: np.ndarray, areas: np.ndarray, thicker_mm: float
) -> np.ndarray:
    """Areas at some places, averaged over the length by which the thickest slices are thicker than
    these.
    """
    order = np.argsort(along)
    around = np.linspace(-0.5, 0.5, _SAMPLES) * max(thicker_mm, 0.0)
    return np.interp(where[:, None] + around, along[order], areas[order]).mean(axis=1)
