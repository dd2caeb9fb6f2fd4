"""Where the cord's centreline meets a slice: what brings the views to the cord and lets them follow
it.  The centreline itself is morphometry's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError


@dataclass(frozen=True, eq=False)
class CordLine:
    """The centreline in the world, from the cord's lower end to its upper one.

    Attributes:
        points: (n, 3) mm RAS+, n >= 2, one for each slice of the mask.
        tangents: (n, 3) unit vectors along the cord towards its upper end.
    """

    points: np.ndarray
    tangents: np.ndarray

    @property
    def middle(self) -> np.ndarray:
        """(3,) mm RAS+: the point at half of the cord's height."""
        return self.at_height(0.5 * (self.points[0, 2] + self.points[-1, 2]))

    @property
    def extent_mm(self) -> float:
        """Height from the lower end to the upper one, mm."""
        return float(np.ptp(self.points[:, 2]))

    def at_height(self, height_mm: float) -> np.ndarray:
        """(3,) mm RAS+: the cord's middle at a height (S, mm); beyond its ends straight above or
        below them.
        """
        order = np.argsort(self.points[:, 2])
        at = [
            np.interp(height_mm, self.points[order, 2], self.points[order, axis]) for axis in (0, 1)
        ]
        return np.array([*at, float(height_mm)])

    def crossing(self, origin, normal) -> tuple[np.ndarray, np.ndarray, bool]:
        """Where the centreline goes through a plane.

        Args:
            origin: (3,) a point of the plane, mm RAS+; of several crossings the one nearest to it
                counts.
            normal: (3,) unit vector.

        Returns:
            (point, tangent, within): (3,) mm RAS+, (3,) unit vector, and whether the cord reaches
            the plane; where it does not, the point is in the plane straight beyond the nearer end.
        """
        distances = (self.points - origin) @ np.asarray(normal, dtype=float)
        changes = np.flatnonzero((distances[:-1] <= 0) != (distances[1:] <= 0))
        if len(changes) == 0:
            end = int(np.abs(distances).argmin())
            return self.points[end] - distances[end] * np.asarray(normal), self.tangents[end], False
        share = distances[changes] / (distances[changes] - distances[changes + 1])
        share = share[:, None]
        points = self.points[changes] * (1 - share) + self.points[changes + 1] * share
        nearest = int(np.linalg.norm(points - origin, axis=1).argmin())
        tangents = self.tangents[changes] * (1 - share) + self.tangents[changes + 1] * share
        tangent = tangents[nearest]
        return points[nearest], tangent / np.linalg.norm(tangent), True


def cord_line_of(soft_node) -> CordLine | None:
    """The centreline of a soft mask node; None where it has none: an empty mask, cord in one slice
    only, or a transform that bends.
    """
    from ..morphometry import centreline_of  # takes long, and the panel opens without it
    from ..volume import Volume
    from .volume_nodes import array_of, grid_of

    try:
        line = centreline_of(Volume(array_of(soft_node), grid_of(soft_node).affine))
    except InputError:
        return None
    return CordLine(line.points_mm, line.tangents)
