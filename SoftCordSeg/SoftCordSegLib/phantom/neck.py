"""The neck around the spine: skin, fat, muscles, airway, vessels, tongue and jaw, back of the
head.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from .canvas import Canvas, Points, Texture, ellipse, ellipsoid

# The skin at heights z (mm): half width, front and back relative to the spine; smooth in between.
_KNOTS_MM = [-130, -95, -65, -35, 0, 25, 45, 70, 110]
_HEIGHTS_MM = np.arange(-130.0, 111.0, 2.0)
_SKIN = {
    name: PchipInterpolator(_KNOTS_MM, values)(_HEIGHTS_MM)
    for name, values in {
        "half": [150, 125, 92, 66, 60, 60, 64, 72, 76],
        "front": [84, 76, 68, 65, 64, 72, 94, 104, 108],
        "back": [-76, -74, -68, -62, -60, -60, -64, -74, -84],
    }.items()
}


class Neck:
    """Paints the soft tissues.

    Args:
        seed: of the fascia and the fat between the muscles.
    """

    def __init__(self, seed: int):
        self._coarse = Texture(seed, 14.0)
        self._fine = Texture(seed + 1, 4.0)

    def coarse_texture(self, points: Points) -> np.ndarray:
        """Values (n,) that shape the fascia and the fat, for the two methods below; slow, so
        computed once.
        """
        return self._coarse.at(points)

    def paint(self, canvas: Canvas, points: Points, coarse: np.ndarray) -> None:
        """Skin, fat and muscles first, then the structures in them."""
        skin = self.skin_distance(points.x, points.y, points.z)
        self._paint_skin(canvas, points, skin)
        self._paint_fascia(canvas, points, coarse, skin)
        self._paint_muscles(canvas, points, coarse, skin)
        self._paint_throat(canvas, points)
        self._paint_vessels(canvas, points)
        self._paint_head(canvas, points)

    def roughness(self, points: Points, coarse: np.ndarray) -> np.ndarray:
        """A factor (n,) about 1: no tissue is evenly bright, the cord and CSF least uneven."""
        near = np.exp(-((points.right / 9) ** 2 + (points.front / 8) ** 2))
        return 1 + (1 - 0.8 * near) * (0.10 * self._fine.at(points) + 0.08 * coarse)

    def skin_distance(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """About the signed distance (mm, negative inside) of world positions to the skin."""
        half, front, back = (
            np.interp(z, _HEIGHTS_MM, _SKIN[key]).astype(np.float32)
            for key in ("half", "front", "back")
        )
        middle, deep = (front + back) / 2, (front - back) / 2
        u, v = np.abs(x) / half, np.abs(y - middle) / deep
        return ((u**2.4 + v**2.4) ** np.float32(1 / 2.4) - 1) * np.minimum(half, deep)

    def _paint_skin(self, canvas: Canvas, points: Points, skin: np.ndarray) -> None:
        thickness = 7.0 - 2.0 * np.tanh((points.y + 25) / 12)  # more fat at the nape
        canvas.paint("skin", skin)
        canvas.paint("fat", skin + 1.8)
        canvas.paint("muscle", skin + 1.8 + thickness)

    def _paint_fascia(
        self, canvas: Canvas, points: Points, coarse: np.ndarray, skin: np.ndarray
    ) -> None:
        """Thin sheets of fat between the layers of the muscles of the nape, and between left and
        right.
        """
        inside = skin < -8
        depth = np.hypot(points.right, points.front + 6) + 2.5 * coarse
        around = np.arctan2(np.abs(points.right), -(points.front + 12)) + 0.12 * coarse
        layer = np.abs((depth / 11) % 1 - 0.5) * 11 - 0.35
        sector = np.abs((around / 0.62) % 1 - 0.5) * 0.62 * np.maximum(depth, 1) - 0.35
        for sheet in (layer, sector):
            canvas.blend("fat", np.clip(0.5 - sheet, 0, 1) * inside * np.float32(0.55))
        nuchal = np.maximum(np.abs(points.right) - 0.7, points.front + 10)
        canvas.blend("ligament", np.clip(0.5 - nuchal, 0, 1) * inside * np.float32(0.7))

    def _paint_muscles(
        self, canvas: Canvas, points: Points, coarse: np.ndarray, skin: np.ndarray
    ) -> None:
        """In front of the spine: fat with single muscles in it."""
        ahead = np.clip((points.front - 4 + 4 * coarse) / 4, 0, 1) * (skin < -9)
        canvas.blend("fat", ahead * np.clip(0.45 + 0.5 * coarse, 0, 0.85).astype(np.float32))
        side = np.abs(points.right)
        turn = np.clip(
            (points.z + 60) / 120, 0, 1
        )  # the sternomastoid runs from the breastbone to behind the ear
        canvas.paint(
            "muscle", ellipse(side - 30 - 12 * turn, points.front - 34 + 34 * turn, 13, 6.5)
        )
        canvas.paint("muscle", ellipse(side - 9, points.front - 29, 7, 3.2))  # longus colli
        canvas.paint("muscle", ellipse(side - 27, points.front - 8, 7, 10))  # scalenes
        canvas.paint("muscle", ellipse(side - 25, points.front + 10, 6, 9))  # levator scapulae

    def _paint_throat(self, canvas: Canvas, points: Points) -> None:
        front = points.front
        level = points.z
        wide = np.interp(level, [-130, -20, 5, 30, 60, 75], [8.5, 8.5, 10, 13, 13, 11]).astype(
            np.float32
        )
        deep = np.interp(level, [-130, -20, 5, 30, 60, 75], [8.0, 8.5, 7, 5.5, 6, 7]).astype(
            np.float32
        )
        centre = np.interp(level, [-130, -40, 0, 75], [47, 46, 42, 40]).astype(np.float32)
        canvas.paint(
            "muscle", ellipse(points.right, front - 33.5, 9, 3.5)
        )  # oesophagus, pharynx wall
        canvas.paint("mucosa", ellipse(points.right, front - 33.5, 4, 1.0))
        canvas.paint(
            "cartilage",
            np.maximum(
                ellipse(points.right, front - centre - 2, wide + 6, deep + 6),
                np.abs(level + 22) - 22,
            ),
        )
        canvas.paint("mucosa", ellipse(points.right, front - centre, wide + 1.8, deep + 1.8))
        canvas.paint("air", ellipse(points.right, front - centre, wide, deep))
        thyroid = ellipsoid(np.abs(points.right) - 17, front - 45, level + 52, 8, 9, 20)
        canvas.paint("brain", thyroid)

    def _paint_vessels(self, canvas: Canvas, points: Points) -> None:
        side = np.abs(points.right)
        lean = 0.05 * (points.z + 20)
        canvas.paint(
            "vein",
            ellipse(side - 30 - lean, points.front - 27, np.where(points.right > 0, 6.5, 5.0), 4.5),
        )
        for out, front, half in ((23.0, 31.0, 3.4), (35.0, -2.0, 1.6), (29.0, -18.0, 1.2)):
            vessel = ellipse(side - out - lean, points.front - front, half, half)
            canvas.paint("fat", vessel - 0.8, 0.6)
            canvas.paint("artery", vessel)

    def _paint_head(self, canvas: Canvas, points: Points) -> None:
        """Tongue and jaw in front; above C1 the skull's base and the cerebellum behind the
        brainstem.
        """
        x, y, z = points.x, points.y, points.z
        jaw = np.maximum(
            np.abs(ellipse(x, y - 48, 40, 46)) - 5, np.maximum(np.abs(z - 42) - 11, 40 - y)
        )
        canvas.paint("muscle", ellipsoid(x, y - 74, z - 52, 22, 24, 22))
        canvas.paint("fat", ellipsoid(x, y - 80, z - 26, 16, 14, 5), 0.8)
        canvas.paint("cortex", jaw)
        canvas.paint("marrow", jaw + 2.0)
        bowl = ellipsoid(x, points.front + 24, z - 104, 52, 36, 34)
        low = 66 - z
        canvas.paint("cortex", np.maximum(bowl - 5, low))
        canvas.paint("marrow", np.maximum(bowl - 3.6, low + 1.2), 0.8)
        canvas.paint("cortex", np.maximum(bowl - 1.2, low))
        canvas.paint("csf", np.maximum(bowl, low))
        halves = ellipsoid(np.abs(x) - 19, points.front + 27, z - 101, 21, 24, 28)
        folds = 0.9 * np.sin(2.1 * np.hypot(points.front + 8, (z - 96) * 1.2))
        canvas.paint("brain", halves + 1.0 + folds * 0.8)
        canvas.paint("white", halves + 10)
