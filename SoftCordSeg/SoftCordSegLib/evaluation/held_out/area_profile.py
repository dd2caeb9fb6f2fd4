"""Areas along the cord in scanner coordinates: the contrasts of one participant over their common
stretch of cord, on whatever grids, and a scan and its rescan.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...errors import InputError
from ...morphometry import MeasureOptions, measure
from ...volume import Volume

# A cord that lies this far beside itself in another contrast has not moved: the header is wrong.
_BESIDE_MM = 50.0
# Positions are never nearer to each other than this, mm: areas of neighbouring millimetres are not
# two observations.
_NEAREST_MM = 3.0
_SAMPLES = 9


@dataclass(frozen=True, eq=False)
class AreaProfile:
    """Areas at right angles to the cord, slice by slice.

    Attributes:
        slices: (n,) numbers, 0 is the lowest.
        centres_mm: (n, 3) the cord's middle, RAS+.
        areas_mm2: (n,) partial volumes counted.
        lengths_mm: (n,) of the cord within each slice.
        step_mm: distance between slices.
        forward: (3,) unit vector along the image's own A-P axis, RAS+.
    """

    slices: np.ndarray
    centres_mm: np.ndarray
    areas_mm2: np.ndarray
    lengths_mm: np.ndarray
    step_mm: float
    forward: np.ndarray

    def __len__(self) -> int:
        return len(self.slices)

    @property
    def length_by_slice(self) -> dict[int, float]:
        """Length of the cord within each slice, mm."""
        return {int(number): float(length) for number, length in zip(self.slices, self.lengths_mm)}

    def without_ends(self) -> AreaProfile:
        """Without the first and the last slice, which may hold a part of the cord only."""
        return self.chosen(np.arange(len(self)) % max(len(self) - 1, 1) > 0)

    def chosen(self, there: np.ndarray) -> AreaProfile:
        """The slices where ``there`` (n,) is True."""
        columns = {
            name: getattr(self, name)[there]
            for name in ("slices", "centres_mm", "areas_mm2", "lengths_mm")
        }
        return replace(self, **columns)


def area_profile(mask: Volume) -> AreaProfile | None:
    """Measure a soft mask in all its slices; None where it has nothing to measure (empty, or on one
    slice only).
    """
    try:
        shape = measure(mask, MeasureOptions(rescaling="none", interval=False))
    except InputError:
        return None
    areas = shape.columns["area"]
    there = np.isfinite(areas)
    forward = shape.grid.affine[:3, 1] / np.linalg.norm(shape.grid.affine[:3, 1])
    step = float(shape.grid.spacing[2])
    lengths = np.where(np.isfinite(shape.columns["length"]), shape.columns["length"], step)
    profile = AreaProfile(shape.slices, shape.centres_mm, areas, lengths, step, forward)
    return profile.chosen(there) if there.any() else None


@dataclass(frozen=True, eq=False)
class CordLine:
    """A centreline in scanner coordinates, from below.

    Attributes:
        points_mm: (n, 3) RAS+, some half a millimetre apart.
        along_mm: (n,) from the first point, along the cord.
    """

    points_mm: np.ndarray
    along_mm: np.ndarray

    @classmethod
    def of(cls, profile: AreaProfile, beyond_mm: float = 40.0) -> CordLine:
        """Through the centres of a profile, and on from both of its ends in the direction that it
        has there.
        """
        points = profile.centres_mm
        reach = min(max(int(round(10.0 / profile.step_mm)), 1), len(points) - 1)
        ends = []
        for end, inner in ((points[0], points[reach]), (points[-1], points[-1 - reach])):
            ends.append(end + (end - inner) / np.linalg.norm(end - inner) * beyond_mm)
        corners = np.vstack([ends[0], points, ends[1]])
        at = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
        along = np.arange(0.0, at[-1], 0.5)
        return cls(
            np.column_stack([np.interp(along, at, corners[:, axis]) for axis in range(3)]), along
        )

    def nearest(self, points_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n,) position of each point along the line, and (n,) its distance from the line, mm."""
        gaps = np.linalg.norm(points_mm[:, None] - self.points_mm[None], axis=2)
        found = gaps.argmin(axis=1)
        return self.along_mm[found], gaps[np.arange(len(points_mm)), found]

    def brought_onto(self, profile: AreaProfile) -> tuple[AreaProfile, float]:
        """The profile moved along its own A-P axis onto this line, and the distance moved (mm); as
        it is, and 0, if it lies near it.

        Crops whose headers were not brought up to date lie hundreds of millimetres in front of
        themselves or behind; along the cord they are where they should be, once moved back along
        the axis that was cropped.
        """
        moved = 0.0
        for _ in range(3):  # the nearest point changes as it moves
            gaps = self._forward_gaps(profile)
            if abs(moved) == 0.0 and abs(gaps) < _BESIDE_MM:
                return profile, 0.0
            moved += gaps
            profile = replace(profile, centres_mm=profile.centres_mm + gaps * profile.forward)
        return profile, moved

    def _forward_gaps(self, profile: AreaProfile) -> float:
        """Median way along the profile's A-P axis to the line, each slice taken at the line's point
        of its own height.
        """
        height = profile.centres_mm[:, 2]
        order = np.argsort(self.points_mm[:, 2])
        ahead = (
            np.interp(height, self.points_mm[order, 2], self.points_mm[order, 1])
            - profile.centres_mm[:, 1]
        )
        return float(np.median(ahead) / profile.forward[1])


@dataclass(frozen=True)
class StretchSpread:
    """Differences in area of the contrasts of one participant, position by position.

    Attributes:
        positions: number of positions compared along the common stretch; 0 where there is none, or
            a contrast has no mask.
        step_mm: from one to the next, along the cord.
        sd_mm2: median over positions of the SD over contrasts (ddof 1).
        sd_percent: the same, of the mean area at the position.
        areas_mm2: mean over the positions, by contrast.
        beside_mm: by contrast, median distance of its centreline from the one that positions are
            counted along.
        moved_mm: by contrast, the distance that its image was moved along its own A-P axis to lie
            on the same cord; 0 for most.
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
    images with thinner slices are averaged over such a slice, so that all contrasts are compared on
    the same piece of cord. First and last slices are left out.

    Args:
        profiles: by contrast, in scanner coordinates; None where nothing was found.
    """
    nothing = StretchSpread(0, math.nan, math.nan, math.nan, {}, {}, {})
    known = {name: one for name, one in profiles.items() if one is not None and len(one) >= 3}
    if len(known) < len(profiles):
        return nothing
    finest = min(known, key=lambda name: (known[name].step_mm, -len(known[name])))
    line = CordLine.of(known[finest])
    placed = {name: line.brought_onto(profile.without_ends()) for name, profile in known.items()}
    found = {name: line.nearest(profile.centres_mm) for name, (profile, _) in placed.items()}
    ends = (
        max(along.min() for along, _ in found.values()),
        min(along.max() for along, _ in found.values()),
    )
    thickest = max(known, key=lambda name: known[name].step_mm)
    step = max(known[thickest].step_mm, _NEAREST_MM)
    where = _positions(found[thickest][0], ends, step)
    if len(where) < 1:
        return nothing
    table = np.array(
        [
            _areas_at(where, found[name][0], placed[name][0].areas_mm2, step - known[name].step_mm)
            for name in known
        ]
    )
    spread = table.std(axis=0, ddof=1)
    return StretchSpread(
        len(where),
        float(step),
        float(np.median(spread)),
        float(np.median(100.0 * spread / table.mean(axis=0))),
        {name: float(row.mean()) for name, row in zip(known, table)},
        {name: float(np.median(beside)) for name, (_, beside) in found.items()},
        {name: float(moved) for name, (_, moved) in placed.items()},
    )


def rescan_difference(
    scan: AreaProfile | None, rescan: AreaProfile | None
) -> tuple[float, float, int]:
    """Mean area of the rescan less that of the scan, over the slice numbers that both cover,
    without the ends.

    Between the two the participant was repositioned: slices of one number do not show quite the
    same piece of cord.

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
    """Of the positions along the cord those within the ends, in order, no two nearer than a
    step.
    """
    chosen: list[float] = []
    for position in sorted(along[(along >= ends[0] - 0.5) & (along <= ends[1] + 0.5)]):
        if not chosen or position - chosen[-1] > step - 1.0:
            chosen.append(float(position))
    return np.array(chosen)


def _areas_at(
    where: np.ndarray, along: np.ndarray, areas: np.ndarray, thicker_mm: float
) -> np.ndarray:
    """Areas at some positions, averaged over the length by which the thickest slices are thicker
    than these.
    """
    order = np.argsort(along)
    around = np.linspace(-0.5, 0.5, _SAMPLES) * max(thicker_mm, 0.0)
    return np.interp(where[:, None] + around, along[order], areas[order]).mean(axis=1)
