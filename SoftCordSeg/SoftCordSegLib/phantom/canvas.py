"""Painting tissues over each other, each with a soft edge one sample wide."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy import ndimage

from .cord import Cord


@dataclass(frozen=True)
class Points:
    """Sample points, each array of shape (n,), float32, mm.

    Attributes:
        x, y, z: world positions, RAS+.
        right, front: offsets from the cord's centreline at right angles to it.
        t: height of the nearest point of the centreline.
    """

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    right: np.ndarray
    front: np.ndarray
    t: np.ndarray

    @classmethod
    def at(cls, cord: Cord, world: np.ndarray) -> Points:
        """From world positions (n, 3), mm RAS+."""
        x, y, z = (np.ascontiguousarray(world[:, axis], dtype=np.float32) for axis in range(3))
        right, front, t = cord.centreline.local(x, y, z)
        return cls(x, y, z, *(array.astype(np.float32, copy=False) for array in (right, front, t)))

    def where(self, chosen: np.ndarray) -> Points:
        """The points for which ``chosen`` (n,) is True."""
        return Points(*(getattr(self, field.name)[chosen] for field in fields(self)))


class Canvas:
    """The signal at sample points, painted tissue by tissue.

    Args:
        signal: brightness of each tissue.
        count: number of sample points.
        edge_mm: width of the soft edge: the distance between samples.
    """

    def __init__(self, signal: dict[str, float], count: int, edge_mm: float):
        self._signal = signal
        self._edge = np.float32(edge_mm)
        self.values = np.full(count, signal["air"], dtype=np.float32)

    def paint(self, tissue: str, distance: np.ndarray, opacity: float = 1.0) -> None:
        """Cover the present signal with ``tissue`` where ``distance`` (mm, negative inside) is
        below 0.
        """
        share = np.clip(0.5 - distance / self._edge, 0, 1)
        self.blend(tissue, share * np.float32(opacity))

    def part(self, chosen: np.ndarray) -> Canvas:
        """A canvas of the points for which ``chosen`` (n,) is True; see :meth:`put`."""
        canvas = Canvas(self._signal, 0, self._edge)
        canvas.values = self.values[chosen]
        return canvas

    def put(self, chosen: np.ndarray, part: Canvas) -> None:
        """Copy a part back."""
        self.values[chosen] = part.values

    def blend(self, tissue: str, share: np.ndarray) -> None:
        """Replace ``share`` (0 to 1) of the present signal by ``tissue``."""
        self.values += share * (np.float32(self._signal[tissue]) - self.values)


def ellipse(
    u: np.ndarray, v: np.ndarray, half_u: np.ndarray | float, half_v: np.ndarray | float
) -> np.ndarray:
    """About the signed distance (mm, negative inside) to an ellipse round the origin."""
    u, v = u / half_u, v / half_v
    return (np.sqrt(u * u + v * v) - 1) * np.minimum(half_u, half_v)


def ellipsoid(
    u: np.ndarray, v: np.ndarray, w: np.ndarray, half_u: float, half_v: float, half_w: float
) -> np.ndarray:
    """About the signed distance (mm, negative inside) to an ellipsoid round the origin."""
    u, v, w = u / half_u, v / half_v, w / half_w
    return (np.sqrt(u * u + v * v + w * w) - 1) * min(half_u, half_v, half_w)


class Texture:
    """Smooth random values in the world, the same for every scan of the phantom.

    Args:
        seed: another seed, another texture.
        cell_mm: size of the blobs.
    """

    _EXTENT_MM = 320

    def __init__(self, seed: int, cell_mm: float):
        rng = np.random.default_rng(seed)
        self._cell = cell_mm
        count = int(self._EXTENT_MM / cell_mm) + 2
        self._lattice = rng.standard_normal((count, count, count), dtype=np.float32)

    def at(self, points: Points) -> np.ndarray:
        """Values (n,) of mean 0 and standard deviation of about a half."""
        where = np.stack([points.x, points.y, points.z]) / np.float32(self._cell) + np.float32(
            self._lattice.shape[0] / 2
        )
        return ndimage.map_coordinates(
            self._lattice, where, order=1, mode="grid-wrap", output=np.float32
        )
