"""The scans: how bright each tissue is, and on what grid it is imaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..volume import Grid


@dataclass(frozen=True)
class Contrast:
    """One way to image the phantom.

    Attributes:
        name: as the field writes it.
        signal: brightness of each tissue, 0 to 1000 (arbitrary units).
        spacing_mm: voxel size to the right, to the front and upwards, before ``letters`` reorders
            the axes.
        size_mm: field of view along the same axes.
        centre_mm: its middle, world mm RAS+.
        letters: stored orientation, nibabel letters (where i, j, k point to).
        oblique_degrees: rotation of the slices about the right-left axis (front up).
        noise: standard deviation of the noise in each channel (Rician), same units as ``signal``.
        bias: strength of the smooth shading, 0 for none.
    """

    name: str
    signal: dict[str, float]
    spacing_mm: tuple[float, float, float]
    size_mm: tuple[float, float, float]
    centre_mm: tuple[float, float, float]
    letters: str
    oblique_degrees: float
    noise: float
    bias: float

    def grid(self) -> Grid:
        """The voxel grid with axes to the right, to the front and upwards (RAS), before
        ``letters``.
        """
        angle = np.deg2rad(self.oblique_degrees)
        sine, cosine = np.sin(angle), np.cos(angle)
        axes = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]]) * self.spacing_mm
        shape = np.round(np.array(self.size_mm) / self.spacing_mm).astype(int)
        affine = np.eye(4)
        affine[:3, :3] = axes
        affine[:3, 3] = np.array(self.centre_mm) - axes @ ((shape - 1) / 2)
        return Grid(tuple(shape), affine)


_TISSUES = (
    "white grey csf dura ligament marrow cortex annulus nucleus muscle fat skin air artery vein"
    " mucosa brain nerve cartilage"
).split()


def _signal(values: str) -> dict[str, float]:
    """Brightness of the tissues, in their order."""
    return dict(zip(_TISSUES, map(float, values.split())))


CONTRASTS: dict[str, Contrast] = {
    contrast.name: contrast
    for contrast in (
        Contrast(
            "T1w",
            _signal("520 455 150 170 130 470 80 260 285 360 900 420 0 190 250 400 480 400 200"),
            (0.8, 0.8, 0.8),
            (90, 180, 200),
            (0, 8, -20),
            "LAS",
            0.0,
            16,
            0.35,
        ),
        Contrast(
            "T2w",
            _signal("330 395 950 120 80 370 50 130 430 180 640 230 0 30 160 520 420 360 150"),
            (1.0, 1.0, 1.0),
            (64, 180, 200),
            (0, 8, -20),
            "PSR",
            0.0,
            14,
            0.3,
        ),
        Contrast(
            "T2starw",
            _signal("480 620 840 260 120 150 50 330 560 400 330 380 0 880 700 430 560 520 420"),
            (0.5, 0.5, 5.0),
            (128, 128, 75),
            (0, -2, 8),
            "RAS",
            0.0,
            24,
            0.4,
        ),
        Contrast(
            "MTon",
            _signal("310 375 560 200 120 190 60 270 380 210 760 420 0 900 780 380 360 330 240"),
            (0.9, 0.9, 5.0),
            (180, 198, 110),
            (0, 8, -4),
            "LAS",
            0.0,
            15,
            0.45,
        ),
        Contrast(
            "DWI",
            _signal("700 620 140 90 50 90 30 110 190 120 70 90 0 40 80 170 560 330 90"),
            (0.9, 0.9, 5.0),
            (90, 90, 75),
            (0, 4, 6),
            "LPS",
            11.0,
            22,
            0.25,
        ),
    )
}
