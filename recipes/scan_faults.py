"""What scanners do to an image, each fault from none to gross: for judging how robust a model is.

Volumes are RAS (axes to the right, to the front and upwards) with intensities of at least 0; a
fault takes an image and the true mask on its grid (0 to 1), and gives both as the faulty scan has
them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from SoftCordSegLib.volume import Volume

Scan = tuple[Volume, Volume]


@dataclass(frozen=True)
class Fault:
    """One fault, and how strong it is tried.

    Attributes:
        name: what it is.
        strengths: the first one is no fault.
        unit: of the strengths.
        spoil: (image, truth, strength, random numbers) -> faulty image and its truth.
    """

    name: str
    strengths: tuple[float, ...]
    unit: str
    spoil: Callable[[Volume, Volume, float, np.random.Generator], Scan]


def noise(image: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Rician noise with a standard deviation of ``share`` of the brightest tissue."""
    level = share * np.percentile(image, 99)
    one, other = rng.standard_normal((2, *image.shape)) * level
    return np.hypot(image + one, other)


def motion(image: np.ndarray, voxels: float, rng: np.random.Generator) -> np.ndarray:
    """Ghosts of motion along the phase encoding: every line of k-space a little moved."""
    spectrum = np.fft.fft(image, axis=1)
    frequency = np.fft.fftfreq(image.shape[1])
    moves = rng.normal(0, voxels, image.shape[1]).cumsum() * 0.3
    ramp = np.exp(-2j * np.pi * frequency * moves)
    return np.abs(np.fft.ifft(spectrum * ramp[None, :, None], axis=1))


def fading(image: np.ndarray, ratio: float, rng: np.random.Generator) -> np.ndarray:
    """A coil whose signal falls off along the spine, ``ratio`` times from end to end."""
    fall = np.linspace(0, -np.log(ratio), image.shape[2])
    return image * np.exp(fall if rng.random() < 0.5 else fall[::-1])


def blur(image: np.ndarray, voxels: float) -> np.ndarray:
    """Too few lines of k-space."""
    return ndimage.gaussian_filter(image, (voxels, voxels, 0.3 * voxels))


def ghost(image: np.ndarray, share: float) -> np.ndarray:
    """The image once more, half a field of view away in phase direction."""
    return np.abs(image + share * np.roll(image, image.shape[1] // 2, axis=1))


def clipped(image: np.ndarray, share: float) -> np.ndarray:
    """The brightest ``share`` of all voxels above the mean are one grey value."""
    tissue = image[image > image.mean()]
    return np.minimum(image, np.percentile(tissue, 100 * (1 - share)))


def inverted(image: np.ndarray, share: float) -> np.ndarray:
    """Towards the negative: 0 as it is, 1 fully inverted, background included."""
    top = np.percentile(image, 99.5)
    return (1 - share) * image + share * np.maximum(top - image, 0)


def dark_bands(image: np.ndarray, spacing: np.ndarray, depth: float) -> np.ndarray:
    """The transmit field at 7 T: rings 60 mm apart in which the share ``depth`` of the signal is
    lost.
    """
    axes = [
        (np.arange(n) - at * n) * step
        for n, at, step in zip(image.shape, (0.35, 0.2, 0.5), spacing)
    ]
    x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
    distance = np.sqrt(x**2 + y**2 + z**2)
    return image * (1 - depth * (0.5 - 0.5 * np.cos(2 * np.pi * distance / 60)))


def no_signal_noise(image: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """As MP2RAGE's UNI image: where there is little signal, noise over the full range of grey."""
    top = np.percentile(image, 99.5)
    if level <= 0:
        return image
    weight = image**2 / (image**2 + (level * top) ** 2)
    return weight * image + (1 - weight) * rng.uniform(0, top, image.shape)


def metal(image: np.ndarray, truth: np.ndarray, spacing: np.ndarray, radius: float) -> np.ndarray:
    """A screw 3 mm behind the cord, at its middle height: no signal within ``radius`` mm, and a
    bright rim.
    """
    if radius <= 0:
        return image
    middle = np.array(ndimage.center_of_mass(truth[:, :, _middle(truth)] >= 0.5))
    behind = np.flatnonzero((truth[:, :, _middle(truth)] >= 0.5).any(axis=0))[0]
    centre = np.array([middle[0], behind - (3 + radius) / spacing[1], _middle(truth)])
    axes = [(np.arange(n) - at) * step for n, at, step in zip(image.shape, centre, spacing)]
    x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
    distance = np.sqrt(x**2 + y**2 + z**2)
    rim = np.percentile(image, 99.5) * np.exp(-(((distance - radius) / 1.5) ** 2))
    return np.where(distance < radius, 0, np.maximum(image, rim))


def averaged_down(volume: Volume, mm: Sequence[float]) -> Volume:
    """In larger voxels, each the mean of whole ones: as near to ``mm`` along the three axes as
    these allow. What is left over at the far ends is cut off.
    """
    factors = [max(1, round(size / float(step))) for size, step in zip(mm, volume.spacing)]
    shape = [n // factor for n, factor in zip(volume.shape, factors)]
    data = np.asarray(volume.data, np.float32)
    data = data[tuple(slice(n * factor) for n, factor in zip(shape, factors))]
    data = data.reshape([size for pair in zip(shape, factors) for size in pair]).mean(
        axis=(1, 3, 5)
    )
    affine = volume.affine @ np.diag([*factors, 1.0])
    affine[:3, 3] = volume.grid.to_world([(factor - 1) / 2 for factor in factors])
    return Volume(np.ascontiguousarray(data, np.float32), affine)


def cropped(image: Volume, truth: Volume, margin: float) -> Scan:
    """What lies within ``margin`` mm of the cord sideways, in front and behind; all slices."""
    where = np.argwhere(np.asarray(truth.data) > 0)[:, :2]
    voxels = np.ceil(margin / image.spacing[:2]).astype(int)
    first = np.maximum(where.min(axis=0) - voxels, 0)
    last = np.minimum(where.max(axis=0) + voxels + 1, image.shape[:2])
    part = (slice(first[0], last[0]), slice(first[1], last[1]))
    affine = image.affine.copy()
    affine[:3, 3] = image.grid.to_world([first[0], first[1], 0])
    return tuple(Volume(np.asarray(one.data[part]), affine) for one in (image, truth))


def bent_forward(image: Volume, truth: Volume, degrees: float) -> Scan:
    """Turned about the left-right axis through the middle of the field, on the same grid."""
    angle = math.radians(degrees)
    turn = np.eye(3)
    turn[1:, 1:] = [
        [math.cos(angle), -math.sin(angle)],
        [math.sin(angle), math.cos(angle)],
    ]
    matrix = np.diag(1 / image.spacing) @ turn @ np.diag(image.spacing)
    middle = (np.array(image.shape) - 1) / 2
    turned = [
        ndimage.affine_transform(
            np.asarray(one.data, np.float32), matrix, middle - matrix @ middle, order=1
        )
        for one in (image, truth)
    ]
    return image.with_data(turned[0]), truth.with_data(turned[1])


def _of_grey(change: Callable[..., np.ndarray], *needs: str):
    """A fault of the grey values alone; ``needs`` names what it takes beyond image and strength."""

    def spoil(image: Volume, truth: Volume, strength: float, rng: np.random.Generator) -> Scan:
        data = np.maximum(np.asarray(image.data, np.float32), 0)
        given = {"truth": np.asarray(truth.data), "spacing": image.spacing, "rng": rng}
        before = [given[name] for name in needs if name != "rng"]
        after = [rng] if "rng" in needs else []
        return image.with_data(
            np.asarray(change(data, *before, strength, *after), np.float32)
        ), truth

    return spoil


def _coarse(image: Volume, truth: Volume, mm: float, rng: np.random.Generator) -> Scan:
    size = (mm, mm, 0.0)
    return averaged_down(image, size), averaged_down(truth, size)


def _thick(image: Volume, truth: Volume, mm: float, rng: np.random.Generator) -> Scan:
    size = (0.0, 0.0, mm)
    return averaged_down(image, size), averaged_down(truth, size)


def _cropped(image: Volume, truth: Volume, margin: float, rng: np.random.Generator) -> Scan:
    return cropped(image, truth, margin)


def _bent(image: Volume, truth: Volume, degrees: float, rng: np.random.Generator) -> Scan:
    return bent_forward(image, truth, degrees) if degrees else (image, truth)


def _middle(truth: np.ndarray) -> int:
    filled = np.flatnonzero((truth >= 0.5).any(axis=(0, 1)))
    return int(filled[len(filled) // 2])


FAULTS = (
    Fault("noise", (0, 0.05, 0.1, 0.2, 0.3), "of the brightest tissue", _of_grey(noise, "rng")),
    Fault("motion", (0, 0.5, 1, 2, 3), "voxels, SD", _of_grey(motion, "rng")),
    Fault("ghost", (0, 0.1, 0.2, 0.3, 0.5), "of the signal", _of_grey(ghost)),
    Fault("fading along the spine", (1, 5, 20, 50, 100), "times", _of_grey(fading, "rng")),
    Fault("blur", (0, 0.5, 1, 1.5, 2.5), "voxels, SD", _of_grey(blur)),
    Fault("voxels in plane", (0, 1, 1.2, 1.5, 2), "mm", _coarse),
    Fault("slices", (0, 2, 4, 6, 8), "mm", _thick),
    Fault("clipping", (0, 0.1, 0.3, 0.5, 0.7), "of the bright half", _of_grey(clipped)),
    Fault("inversion", (0, 1), "", _of_grey(inverted)),
    Fault("field cropped to", (999, 40, 25, 15, 10), "mm around the cord", _cropped),
    Fault("bent forward", (0, 10, 20, 30, 45), "degrees", _bent),
    Fault("metal", (0, 5, 10, 15, 20), "mm, radius", _of_grey(metal, "truth", "spacing")),
    Fault(
        "dark bands (7 T)",
        (0, 0.3, 0.6, 0.8, 0.95),
        "of the signal",
        _of_grey(dark_bands, "spacing"),
    ),
    Fault(
        "noise without signal (UNI)",
        (0, 0.03, 0.06, 0.1, 0.15),
        "of the brightest tissue",
        _of_grey(no_signal_noise, "rng"),
    ),
)
