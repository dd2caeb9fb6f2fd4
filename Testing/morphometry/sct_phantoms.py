"""The phantoms of SCT's own shape tests, built from their description, with what SCT expects and
what SCT gives on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage
from skimage.transform import rotate

from SoftCordSegLib.volume import Volume, reorient

_PADDING = 15
_ROTATION = {
    "resize": False,
    "order": 1,
    "mode": "constant",
    "cval": 0,
    "clip": False,
    "preserve_range": False,
}


@dataclass(frozen=True)
class SctPhantom:
    """One phantom: its making, SCT's expectation (3 %, 0.5°) and SCT's own result (0.5 %)."""

    name: str
    shape: str = "rectangle"
    size: tuple = (32, 32, 5)
    spacing: tuple = (1, 1, 1)
    radii: tuple = (5.0, 3.0)
    turns: dict = field(default_factory=dict)
    zero: tuple = ()
    dtype: type = np.float32
    letters: str = "RAS"
    corrected: bool = False
    expected: dict = field(default_factory=dict)
    sct: dict = field(default_factory=dict)

    def volume(self) -> Volume:
        """The mask; ``letters`` are nibabel's (SCT's LPI is RAS here)."""
        size = [int(n * p) for n, p in zip(self.size, self.spacing)]
        x, y = np.mgrid[: size[0], : size[1]]
        x, y = x - round(size[0] / 2), y - round(size[1] / 2)
        a, b = self.radii
        if self.shape == "rectangle":
            section = (abs(x) <= a) & (abs(y) <= b)
        else:
            section = (x / (a + 0.5)) ** 2 + (y / (b + 0.5)) ** 2 <= 1
        data = np.pad(
            np.repeat(section[:, :, None].astype(float), size[2], axis=2), _PADDING, "reflect"
        )
        for axis, swap in (("IS", None), ("RL", (0, 2)), ("AP", (1, 2))):
            angle = self.turns.get(axis, 0)
            data = rotate(data if swap is None else data.swapaxes(*swap), angle, **_ROTATION)
            data = data if swap is None else data.swapaxes(*swap)
        data = data[tuple(slice(_PADDING, _PADDING + n) for n in size)].astype(np.float32)
        data[:, :, list(self.zero)] = 0
        data = _resampled(data, self.spacing)
        return reorient(
            Volume(data.astype(self.dtype), np.diag([*self.spacing, 1.0])), self.letters
        )


def _resampled(data: np.ndarray, spacing: tuple) -> np.ndarray:
    """Linear, first voxels' centres in one place."""
    shape = [round(n / p) for n, p in zip(data.shape, spacing)]
    step = [n / m for n, m in zip(data.shape, shape)]
    return ndimage.affine_transform(data, step, 0.0, output_shape=shape, order=1, mode="nearest")


_ELLIPSE = {"shape": "ellipse", "radii": (13.0, 5.0)}

PHANTOMS = [
    SctPhantom(
        "rectangle",
        expected={
            "area": 77,
            "diameter_AP": 7,
            "diameter_RL": 12.702,
            "eccentricity": 0.7714,
            "length": 5,
        },
        sct={"area": 77.0, "diameter_AP": 7.0, "diameter_RL": 12.64, "eccentricity": 0.7713},
    ),
    SctPhantom(
        "anisotropic",
        size=(64, 32, 5),
        spacing=(0.5, 1, 5),
        expected={
            "area": 77,
            "diameter_AP": 7,
            "diameter_RL": 12.702,
            "eccentricity": 0.7714,
            "length": 25,
        },
        sct={"area": 77.0, "diameter_RL": 12.543, "eccentricity": 0.7666},
    ),
    SctPhantom(
        "turned about I-S",
        spacing=(1, 1, 5),
        turns={"IS": 15},
        expected={"area": 77, "orientation": -15},
        sct={"area": 77.011, "orientation": -15.30, "diameter_RL": 12.554, "solidity": 0.966},
    ),
    SctPhantom(
        "ellipse",
        **_ELLIPSE,
        size=(64, 64, 5),
        expected={"area": 237, "diameter_AP": 11, "diameter_RL": 27, "eccentricity": 0.9132},
        sct={
            "area": 237.0,
            "diameter_AP": 11,
            "diameter_RL": 27.094,
            "eccentricity": 0.9115,
            "solidity": 0.9626,
        },
    ),
    SctPhantom(
        "int16, another orientation",
        size=(64, 320, 5),
        radii=(13.0, 5.0),
        dtype=np.int16,
        letters="LAS",
        expected={"area": 297, "diameter_RL": 31.177},
        sct={"area": 297.0, "diameter_RL": 31.136},
    ),
    SctPhantom(
        "tilted about R-L",
        **_ELLIPSE,
        size=(64, 64, 20),
        turns={"RL": -30},
        corrected=True,
        expected={"area": 237, "angle_RL": -30, "length": 23.094},
        sct={
            "area": 237.69,
            "angle_RL": -29.92,
            "diameter_AP": 11.037,
            "diameter_RL": 27.02,
            "length": 23.077,
        },
    ),
    SctPhantom(
        "tilted about A-P",
        **_ELLIPSE,
        size=(64, 64, 20),
        turns={"AP": 20},
        corrected=True,
        expected={"area": 237, "angle_AP": 20, "length": 21.284},
        sct={"area": 236.85, "angle_AP": 20.05, "length": 21.290},
    ),
    SctPhantom(
        "tilted about both",
        **_ELLIPSE,
        size=(64, 64, 50),
        turns={"RL": -10, "AP": 15},
        corrected=True,
        expected={"area": 237, "angle_RL": -10.345, "angle_AP": 15, "length": 52.562},
        sct={
            "area": 236.63,
            "angle_RL": -10.403,
            "angle_AP": 15.06,
            "diameter_AP": 10.97,
            "length": 52.645,
        },
    ),
    SctPhantom(
        "tilted steeply",
        **_ELLIPSE,
        size=(64, 64, 50),
        turns={"RL": -10, "AP": 30},
        corrected=True,
        expected={"area": 237, "angle_RL": -11.508, "angle_AP": 30, "length": 58.626},
        sct={
            "area": 235.49,
            "angle_RL": -11.513,
            "angle_AP": 30.09,
            "diameter_AP": 10.888,
            "length": 58.975,
        },
    ),
    SctPhantom(
        "large ellipse",
        shape="ellipse",
        size=(128, 128, 5),
        radii=(50.0, 30.0),
        expected={"area": 4908, "diameter_AP": 61, "diameter_RL": 101, "eccentricity": 0.797},
        sct={"area": 4841.0, "diameter_AP": 61, "diameter_RL": 100.906, "eccentricity": 0.7959},
    ),
    SctPhantom(
        "one empty slice", zero=(2,), expected={"area": 77, "length": 4}, sct={"area": 77.0}
    ),
]
