"""Areas along the cord in scanner coordinates: what images of one person on different grids have in
common.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...errors import InputError
from ...morphometry import MeasureOptions, measure
from ...volume import Volume

# A cord that lies this far beside itself in another contrast has not moved: the header is wrong.
_BESIDE_MM = 50.0


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
    """A centreline in scanner coordinates, gone along from below.

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
        """(n,) where along the line each point lies, and (n,) how far beside it, mm."""
        gaps = np.linalg.norm(points_mm[:, None] - self.points_mm[None], axis=2)
        found = gaps.argmin(axis=1)
        return self.along_mm[found], gaps[np.arange(len(points_mm)), found]

    def brought_onto(self, profile: AreaProfile) -> tuple[AreaProfile, float]:
        """The profile moved along its own A-P axis onto this line, and by how much (mm); as it is,
        and 0, if it lies near it.

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
