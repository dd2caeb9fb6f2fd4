"""Whether what was found could be a spinal cord, judged by what lies around it.

A network that looks for a tube of a cord's calibre finds one in any tube: a vessel, a bowel, a
drain.  But a cord lies in the middle of a spine.  Within 25 mm of it are bone, discs, ligaments,
nerve roots, fat and muscles, which differ from each other about as much as the cord differs from
its rim, and which are the same on the left as on the right.  Around another tube there is mostly
one tissue, and the two sides differ.

Both have to speak against a cord before it is ruled out, as a cord that is lost without need is
worse than a tube that is called one; where it is less clear, a note says so.  Nor is it ruled out
where noise is most of what differs around it: noise is not alike on both sides of anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..volume import Volume

# What is compared lies between these distances from the middle of the cord, mm; the mirror may
# stand so far from there, as the cord may in its canal, and be turned by so many degrees, as a
# participant may lie.
_RING_MM = (9, 25)
_SHIFT_MM = 2
_TURNS = (-24.0, -12.0, 12.0, 24.0)
# So many slices are looked at, and so large a part of the ring is needed for a comparison.
_SLICES, _LEAST_RING = 12, 0.6
# Noise of single voxels is smoothed away, mm; what is left of it is not alike in slices so far
# apart, mm, nor in slices of which one lies between them.
_SMOOTH_MM, _APART_MM = 2.0, 4.0
# Both below these: no cord; and below the higher ones, or symmetry far below: doubtful.  Of 24
# training images and 10 phantoms none is doubtful; nor is any of 52 versions of them (noisy,
# inverted, shaded, blurred, bent, turned by 20 degrees) but one that is mostly noise.  Of 29 tubes
# in made-up bodies 20 are no cord and 7 doubtful.  Neither calibre nor certainty of the network
# tells the two apart.
_NO_CORD, _DOUBTFUL = (0.56, 0.31), (0.7, 0.35)
_ONE_SIDED = 0.3
# Less structure than this is noise, or shades of a coil: up to 0.72 about cords in synthetic lumbar
# images, 0.37 in the diffusion-weighted phantom with noise in which the cord is still plain, 0.73
# with dark bands; 0.90 and more around the tubes.
_STRUCTURE = 0.8
# Less variety than this is no body: a drawing, or an image that was masked.
_NO_BODY = 0.01
# Soft values of the cord's core, and beyond its rim, mm wide.
_CORE, _BESIDE, _RIM_MM = 0.7, 0.05, 4


@dataclass(frozen=True)
class Surroundings:
    """What lies around a mask.

    Attributes:
        symmetry: correlation of the left and the right side, without the slope of intensities
            across the slice and without rings about the cord; median over slices, [-1, 1]; of a
            mask that is doubtful otherwise, for the best turn of the mirror.
        variety: standard deviation of the intensities around over the contrast of the cord with its
            rim; median over slices, [0, inf).
        structure: correlation of the intensities around with those of a slice farther along the
            cord: the part of their variety that is not noise; median over slices, [-1, 1]; 0 where
            no such slice is seen; looked at in a mask that is doubtful otherwise, else 1.
    """

    symmetry: float
    variety: float
    structure: float = 1.0

    @property
    def rule_out_cord(self) -> bool:
        """Whether nothing there looks like a spine."""
        return self._are_below(_NO_CORD) and self.structure >= _STRUCTURE

    @property
    def notes(self) -> tuple[str, ...]:
        """For the reader of a mask, where what is around it hardly looks like a spine."""
        if not (self._are_below(_DOUBTFUL) or self._are_below((_ONE_SIDED, np.inf))):
            return ()
        return (
            "The mask may not be a spinal cord: what is around it does not look like a spine, with"
            " bone and muscles alike on both sides. Check it.",
        )

    def _are_below(self, limits: tuple[float, float]) -> bool:
        return self.symmetry < limits[0] and _NO_BODY <= self.variety < limits[1]


def surroundings(image: Volume, soft: Volume) -> Surroundings | None:
    """Describe what lies around a mask.

    Args:
        image: axes to the Left, Anterior, Superior.
        soft: values in [0, 1] with the same axes, voxels of about 1 mm.

    Returns:
        None where too little of it is in the image, as in a scan cropped to the cord, or holds no
        image.
    """
    certain = np.flatnonzero((soft.data >= _CORE).any(axis=(0, 1)))
    count = min(_SLICES, len(certain))
    chosen = certain[np.linspace(0, len(certain) - 1, count).astype(int)] if count else certain
    middles = [
        np.array([*ndimage.center_of_mass(soft.data[:, :, z]), z], dtype=float) for z in chosen
    ]
    patches = [_patch(image, soft, middle) for middle in middles]
    varieties = [_variety(patch, soft, middle) for patch, middle in zip(patches, middles)]
    symmetry, variety = _usual([_symmetry(patch) for patch in patches]), _usual(varieties)
    if symmetry is None or variety is None:
        return None
    found = Surroundings(symmetry, variety)
    if not found.notes:
        return found
    for turn in _TURNS:
        turned = [_symmetry(_patch(image, soft, middle, turn)) for middle in middles]
        symmetry = max(symmetry, _usual(turned) or -1.0)
    apart = np.array([0.0, 0.0, max(_APART_MM, 2 * image.spacing[2]) / soft.spacing[2]])
    structure = _usual(
        [
            _structure(patch, _patch(image, soft, middle + way * apart))
            for patch, middle in zip(patches, middles)
            for way in (-1, 1)
        ]
    )
    return Surroundings(symmetry, variety, 0.0 if structure is None else structure)


def _usual(values: list[float | None]) -> float | None:
    """The median; None of few slices, which prove nothing."""
    known = [value for value in values if value is not None]
    return float(np.median(known)) if len(known) >= _SLICES / 2 else None


def _axes() -> tuple[np.ndarray, np.ndarray]:
    """(n, 1) and (1, m) mm from the middle of a patch, to the Left and Anterior."""
    reach = _RING_MM[1]
    left = np.arange(-reach - _SHIFT_MM, reach + _SHIFT_MM + 1.0)
    return left[:, None], np.arange(-reach, reach + 1.0)[None]


def _patch(image: Volume, soft: Volume, middle: np.ndarray, turn: float = 0.0) -> np.ndarray:
    """The image about the cord in a slice, smoothed, one sample a millimetre, turned by degrees;
    NaN beside it.
    """
    left, front = _axes()
    cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    points = np.empty((left.size, front.size, 3))
    points[..., 0] = middle[0] + (cos * left - sin * front) / soft.spacing[0]
    points[..., 1] = middle[1] + (sin * left + cos * front) / soft.spacing[1]
    points[..., 2] = middle[2]
    voxels = image.grid.to_voxel(soft.grid.to_world(points))
    within = ((voxels >= -0.5) & (voxels <= np.array(image.shape) - 0.5)).all(axis=-1)
    low = np.clip(np.floor(voxels.min(axis=(0, 1))).astype(int), 0, np.array(image.shape) - 1)
    high = np.clip(np.ceil(voxels.max(axis=(0, 1))).astype(int) + 1, low + 1, image.shape)
    part = image.data[tuple(slice(a, b) for a, b in zip(low, high))].astype(np.float32)
    values = ndimage.map_coordinates(
        part, np.moveaxis(voxels - low, -1, 0), order=1, mode="nearest"
    )
    return np.where(within, ndimage.gaussian_filter(values, _SMOOTH_MM), np.nan)


def _symmetry(patch: np.ndarray) -> float | None:
    """The largest correlation of a patch with its mirror image, over places of the mirror; None
    where too little is seen.
    """
    left, _ = _axes()
    width = len(left) - 2 * _SHIFT_MM
    parts = [patch[shift : shift + width] for shift in range(2 * _SHIFT_MM + 1)]
    found = [one for part in parts if (one := _likeness(part, part, mirrored=True)) is not None]
    return max(found) if found else None


def _structure(patch: np.ndarray, beyond: np.ndarray) -> float | None:
    """Correlation of a patch with that of a slice farther along the cord: what of its variety is
    anatomy, and not noise; None where too little is seen.
    """
    inner = slice(_SHIFT_MM, -_SHIFT_MM)
    return _likeness(patch[inner], beyond[inner], mirrored=False)


def _likeness(part: np.ndarray, other: np.ndarray, mirrored: bool) -> float | None:
    """Correlation of two patches about the cord, without the slope of intensities, which is alike
    on both sides, and without rings, which are about anything; None where too little is seen.
    """
    left, front = _axes()
    left = left[_SHIFT_MM:-_SHIFT_MM]
    radius = np.hypot(left, front)
    ring = (radius >= _RING_MM[0]) & (radius <= _RING_MM[1])
    seen = ring & np.isfinite(part) & np.isfinite(other)
    if mirrored:
        seen &= seen[::-1]
    if seen.sum() < _LEAST_RING * ring.sum():
        return None
    flat = _flattened(part, seen, radius)
    here, there = flat[seen], (flat[::-1] if mirrored else _flattened(other, seen, radius))[seen]
    if min(here.std(), there.std()) <= 1e-4 * abs(float(part[seen].mean())):
        return None
    return float(np.corrcoef(here, there)[0, 1])


def _flattened(part: np.ndarray, seen: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """A patch without its slope and its rings."""
    left, front = _axes()
    terms = np.stack(np.broadcast_arrays(1.0, left[_SHIFT_MM:-_SHIFT_MM], front), axis=-1)
    slope = np.linalg.lstsq(terms[seen], part[seen], rcond=None)[0]
    flat = part - terms @ slope
    rings = np.rint(radius[seen]).astype(int)
    means = np.bincount(rings, flat[seen]) / np.maximum(np.bincount(rings), 1)
    flat[seen] -= means[rings]
    return flat


def _variety(patch: np.ndarray, soft: Volume, middle: np.ndarray) -> float | None:
    """Standard deviation in the ring over the contrast of the cord and its rim; None where one of
    them is not seen.
    """
    left, front = _axes()
    points = np.broadcast_arrays(
        middle[0] + left / soft.spacing[0], middle[1] + front / soft.spacing[1]
    )
    cord = ndimage.map_coordinates(soft.data[:, :, int(middle[2])], points, order=1)
    radius, seen = np.hypot(left, front), np.isfinite(patch)
    core, beside = cord >= _CORE, cord <= _BESIDE
    rim = beside & seen & ndimage.binary_dilation(~beside, iterations=_RIM_MM)
    core, ring = core & seen, seen & (radius >= _RING_MM[0]) & (radius <= _RING_MM[1])
    if not core.any() or not rim.any() or not ring.any():
        return None
    contrast = abs(float(patch[core].mean()) - float(patch[rim].mean()))
    spread = float(patch[ring].std())
    return spread / contrast if contrast > 1e-6 * spread else np.inf
