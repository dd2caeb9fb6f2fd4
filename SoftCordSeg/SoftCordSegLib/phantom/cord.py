"""The cord and its canal: the curve that they follow, their sizes, known by formula, and the share
of each voxel that the cord fills.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..volume import Grid

# Newton's steps to the foot of the perpendicular: four leave less than 1e-4 mm within 90 mm of the
# curve.
_NEWTON_STEPS = 4


@dataclass(frozen=True)
class CordCurve:
    """A smooth curve (x(t), y(t), t), t being the height z in mm (RAS+).

    Attributes:
        lordosis_mm: how far the neck bows forward (half the way from front to back).
        bend_mm: how far it leans to the patient's right.
        tilt: slope of y over z, in all: a head held forward.
    """

    lordosis_mm: float = 7.0
    bend_mm: float = 3.0
    tilt: float = 0.03
    lordosis_period_mm: float = 210.0
    bend_period_mm: float = 260.0

    def position(self, t: np.ndarray | float) -> np.ndarray:
        """Heights (…) to world positions (…, 3), mm RAS+."""
        t = np.asarray(t, dtype=float)
        (x, _, _), (y, _, _) = self._x(t), self._y(t)
        return np.stack([x, y, t], axis=-1)

    def tangent(self, t: np.ndarray | float) -> np.ndarray:
        """Heights (…) to unit vectors (…, 3) along the curve, upwards."""
        t = np.asarray(t, dtype=float)
        (_, dx, _), (_, dy, _) = self._x(t), self._y(t)
        vector = np.stack([dx, dy, np.ones_like(dx)], axis=-1)
        return vector / np.linalg.norm(vector, axis=-1, keepdims=True)

    def frame(self, t: np.ndarray | float) -> np.ndarray:
        """Heights (…) to orthonormal axes (…, 3, 3): columns to the right, to the front, and along
        the curve.
        """
        along = self.tangent(t)
        right = np.array([1.0, 0.0, 0.0]) - along[..., :1] * along
        right /= np.linalg.norm(right, axis=-1, keepdims=True)
        return np.stack([right, np.cross(along, right), along], axis=-1)

    def local(
        self, x: np.ndarray, y: np.ndarray, z: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """World positions (each array of one shape, mm) to (right, front, t).

        ``t`` is the height of the foot of the perpendicular on the curve; ``right`` and ``front``
        are the offsets from that foot in the plane at right angles to the curve, mm.  Holds within
        about 90 mm of the curve, where the foot is unique.
        """
        t = z.copy()
        for _ in range(_NEWTON_STEPS):
            (cx, dx, ddx), (cy, dy, ddy) = self._x(t), self._y(t)
            value = (x - cx) * dx + (y - cy) * dy + (z - t)
            slope = -(dx * dx + dy * dy + 1) + (x - cx) * ddx + (y - cy) * ddy
            t -= value / np.minimum(slope, -0.2)
        (cx, dx, _), (cy, dy, _) = self._x(t), self._y(t)
        # The frame's axes, written out: right = (1 + dy², -dx·dy, -dx) / …, front = (0, 1, -dy) / …
        across = np.sqrt(1 + dy * dy)
        norm = across * np.sqrt(1 + dx * dx + dy * dy)
        ox, oy, oz = x - cx, y - cy, z - t
        right = (ox * (1 + dy * dy) - oy * dx * dy - oz * dx) / norm
        front = (oy - oz * dy) / across
        return right, front, t

    def height_at(self, plane_point: np.ndarray, plane_normal: np.ndarray) -> float:
        """The height t at which the curve crosses a plane (world mm) that is not far from axial."""
        t = float(plane_point[2])
        for _ in range(20):
            t -= float(
                (self.position(t) - plane_point) @ plane_normal / (self._velocity(t) @ plane_normal)
            )
        return t

    def _velocity(self, t: float) -> np.ndarray:
        return np.array([float(self._x(np.array(t))[1]), float(self._y(np.array(t))[1]), 1.0])

    def _x(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        k = 2 * np.pi / self.bend_period_mm
        sine, cosine = np.sin(k * (t + 20)), np.cos(k * (t + 20))
        return self.bend_mm * sine, self.bend_mm * k * cosine, -self.bend_mm * k * k * sine

    def _y(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        k = 2 * np.pi / self.lordosis_period_mm
        sine, cosine = np.sin(k * t), np.cos(k * t)
        return (
            self.lordosis_mm * cosine + self.tilt * t,
            -self.lordosis_mm * k * sine + self.tilt,
            -self.lordosis_mm * k * k * cosine,
        )


# Heights (mm, RAS z of the centreline) of SCT's disc values: 1 the top of C1, 2 C1/C2, 3 C2/C3 … 8
# C7/T1, 9 T1/T2.
_HEIGHTS_DOWNWARDS_MM = (
    64.0,
    50.0,
    35.0,
    17.5,
    0.0,
    -17.0,
    -34.0,
    -51.5,
    -70.0,
    -89.5,
    -110.0,
    -132.0,
)
DISC_HEIGHTS_MM = dict(enumerate(_HEIGHTS_DOWNWARDS_MM, start=1))

# Between the CSF and the vertebral body: dura and posterior longitudinal ligament, mm.
WALL_MM = 1.2
# The cord's edge in images is this far outside the cord's edge in masks: pia, and vessels on it.
# In the PAM50 template the mask is 0.2 to 0.5 mm inside the half-way point between cord and CSF
# of its own T2w image.
PIA_MM = 0.4


@dataclass(frozen=True)
class Cord:
    """A cord of elliptic cross-section at right angles to its centreline.

    The area has the shape of a healthy neck's: the cervical enlargement at C4 to C6, thinner
    towards the chest, thicker towards the brainstem.

    Attributes:
        centreline: the curve it follows.
        calibre: factor on the area (1: about 73 mm² at C2-C3).
    """

    centreline: CordCurve = field(default_factory=CordCurve)
    calibre: float = 1.0

    def area_mm2(self, t: np.ndarray | float) -> np.ndarray:
        """Cross-sectional area at right angles to the cord at height t (mm), mm²."""
        t = np.asarray(t)
        chest = 56 + 16 * _rise(t, -62, 26)
        enlargement = 13 * np.exp(-0.5 * ((t + 6) / 19) ** 2)
        brainstem = 26 * _rise(t, 78, 14)
        return self.calibre * (chest + enlargement + brainstem)

    def axes_ratio(self, t: np.ndarray | float) -> np.ndarray:
        """Front-to-back over right-to-left diameter at height t (mm), 0 to 1: flattest at the
        enlargement.
        """
        t = np.asarray(t)
        return 0.78 - 0.14 * np.exp(-0.5 * ((t + 4) / 26) ** 2) + 0.08 * _rise(t, 72, 20)

    def semi_axes_mm(self, t: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Half the right-to-left and half the front-to-back diameter at height t (mm), mm."""
        area, ratio = self.area_mm2(t), self.axes_ratio(t)
        right = np.sqrt(area / (np.pi * ratio))
        return right, right * ratio

    def canal_semi_axes_mm(self, t: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """The same of the CSF space, which is wide at C1 and narrow in the chest."""
        right, front = self.semi_axes_mm(t)
        top = _rise(t, 42, 16)
        return right + 3.3 + 1.6 * top, front + 2.6 + 1.8 * top

    def disc_tip(self, value: int) -> np.ndarray:
        """World position (3,), mm RAS+, of the posterior tip of the disc of this SCT value."""
        t = DISC_HEIGHTS_MM[value]
        front = self.canal_semi_axes_mm(t)[1] + WALL_MM
        return self.centreline.position(t) + self.centreline.frame(t)[:, 1] * front


def _rise(t: np.ndarray | float, middle: float, width: float) -> np.ndarray:
    """A smooth step from 0 (far below ``middle``) to 1 (far above it)."""
    return 0.5 + 0.5 * np.tanh((t - middle) / width)


# Samples in a border voxel are at most this far apart, mm.
_SAMPLE_MM = 0.25
# No cord voxel is farther than this from the centreline, mm.
_REACH_MM = 16.0


def cord_fraction(cord: Cord, grid: Grid) -> np.ndarray:
    """The share of each voxel inside the cord.

    Returns:
        float32 array of the grid's shape, values in [0, 1].
    """
    fraction = np.zeros(grid.shape, dtype=np.float32)
    voxels = _voxels_near(cord, grid)
    level = _level(cord, grid.to_world(voxels))
    # `level` grows by no more than distance / shorter half axis, so this is a safe bound for
    # "border may cross this voxel".
    slack = (
        1.1 * np.linalg.norm(grid.spacing) / 2 / cord.semi_axes_mm(grid.to_world(voxels)[:, 2])[1]
    )
    inside, border = level < 1 - slack, np.abs(level - 1) <= slack
    fraction[tuple(voxels[inside].T)] = 1
    fraction[tuple(voxels[border].T)] = _supersample(cord, grid, voxels[border])
    return fraction


def _voxels_near(cord: Cord, grid: Grid) -> np.ndarray:
    """Indices (n, 3) of the voxels within reach of the centreline."""
    reach = _REACH_MM + np.linalg.norm(grid.spacing) / 2
    near = []
    rest = np.stack(
        np.meshgrid(*[np.arange(n) for n in grid.shape[1:]], indexing="ij"), axis=-1
    ).reshape(-1, 2)
    for i in range(grid.shape[0]):
        voxels = np.column_stack([np.full(len(rest), i), rest])
        world = grid.to_world(voxels)
        away = world - cord.centreline.position(world[:, 2])
        near.append(voxels[(away[:, :2] ** 2).sum(axis=1) < reach**2])
    return np.concatenate(near)


def _level(cord: Cord, world: np.ndarray) -> np.ndarray:
    """0 on the centreline, 1 on the cord's surface, more outside; world positions (…, 3), mm."""
    right, front, t = cord.centreline.local(world[..., 0], world[..., 1], world[..., 2])
    half_right, half_front = cord.semi_axes_mm(t)
    return np.hypot(right / half_right, front / half_front)


def _supersample(cord: Cord, grid: Grid, voxels: np.ndarray) -> np.ndarray:
    counts = np.ceil(grid.spacing / _SAMPLE_MM).astype(int)
    steps = [(np.arange(n) + 0.5) / n - 0.5 for n in counts]
    offsets = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3)
    result = np.empty(len(voxels), dtype=np.float32)
    batch = max(1, 400_000 // len(offsets))
    for start in range(0, len(voxels), batch):
        part = voxels[start : start + batch]
        result[start : start + batch] = (
            _level(cord, grid.to_world(part[:, None, :] + offsets)) < 1
        ).mean(axis=1)
    return result
