"""The cord and its canal: sizes along the centreline, known by formula."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .centreline import Centreline

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
# The cord's edge as images show it lies that far outside the cord as masks have it: pia, and
# vessels on it.  In the PAM50 template the mask lies 0.2 to 0.5 mm inside the half-way point
# between cord and CSF of its own T2w image.
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

    centreline: Centreline = field(default_factory=Centreline)
    calibre: float = 1.0

    def area_mm2(self, t: np.ndarray) -> np.ndarray:
        """Cross-sectional area at right angles to the cord at height t (mm), mm²."""
        t = np.asarray(t)
        chest = 56 + 16 * _rise(t, -62, 26)
        enlargement = 13 * np.exp(-0.5 * ((t + 6) / 19) ** 2)
        brainstem = 26 * _rise(t, 78, 14)
        return self.calibre * (chest + enlargement + brainstem)

    def axes_ratio(self, t: np.ndarray) -> np.ndarray:
        """Front-to-back over right-to-left diameter at height t (mm), 0 to 1: flattest at the
        enlargement.
        """
        t = np.asarray(t)
        return 0.78 - 0.14 * np.exp(-0.5 * ((t + 4) / 26) ** 2) + 0.08 * _rise(t, 72, 20)

    def semi_axes_mm(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Half the right-to-left and half the front-to-back diameter at height t (mm), mm."""
        area, ratio = self.area_mm2(t), self.axes_ratio(t)
        right = np.sqrt(area / (np.pi * ratio))
        return right, right * ratio

    def canal_semi_axes_mm(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same of the CSF space, which is wide at C1 and narrow in the chest."""
        right, front = self.semi_axes_mm(t)
        top = _rise(t, 42, 16)
        return right + 3.3 + 1.6 * top, front + 2.6 + 1.8 * top

    def disc_tip(self, value: int) -> np.ndarray:
        """World position (3,), mm RAS+, of the posterior tip of the disc of this SCT value."""
        t = DISC_HEIGHTS_MM[value]
        front = self.canal_semi_axes_mm(t)[1] + WALL_MM
        return self.centreline.position(t) + self.centreline.frame(t)[:, 1] * front


def _rise(t: np.ndarray, middle: float, width: float) -> np.ndarray:
    """A smooth step from 0 (far below ``middle``) to 1 (far above it)."""
    return 0.5 + 0.5 * np.tanh((t - middle) / width)
