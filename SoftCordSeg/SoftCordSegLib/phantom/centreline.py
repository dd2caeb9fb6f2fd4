"""The curve that the cord follows, and coordinates along it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Newton's steps to the foot of the perpendicular: four leave less than 1e-4 mm within 90 mm of the
# curve.
_NEWTON_STEPS = 4


@dataclass(frozen=True)
class Centreline:
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

    def position(self, t: np.ndarray) -> np.ndarray:
        """Heights (…) to world positions (…, 3), mm RAS+."""
        t = np.asarray(t, dtype=float)
        (x, _, _), (y, _, _) = self._x(t), self._y(t)
        return np.stack([x, y, t], axis=-1)

    def tangent(self, t: np.ndarray) -> np.ndarray:
        """Heights (…) to unit vectors (…, 3) along the curve, upwards."""
        t = np.asarray(t, dtype=float)
        (_, dx, _), (_, dy, _) = self._x(t), self._y(t)
        vector = np.stack([dx, dy, np.ones_like(dx)], axis=-1)
        return vector / np.linalg.norm(vector, axis=-1, keepdims=True)

    def frame(self, t: np.ndarray) -> np.ndarray:
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
