"""What is measured of a mask to judge it: slice by slice along the cord, in milliseconds, without
the network.

Unlike :func:`SoftCordSegLib.morphometry.measure` this is made for any mask, however wrong: several
pieces, holes, a sac in the place of a cord.  Areas differ from those of the tables by 1 or 2 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import ndimage

from ..morphometry import FIRST_DISC, PAM50_SLICES, DiscLabel
from ..segmentation.mask_ends import AbruptEnd, abrupt_ends
from ..volume import Volume, mask_values, reorient
from ..volume.slice_moments import EMPTY, slice_moments
from .image_signs import ImageSigns, image_signs

# The image is looked at so far around the mask, mm.
_AROUND_MM = 16.0
# Pieces are separated and contours taken here.
_LEVEL = 0.3
# The centreline is smoothed over this length before its angle is taken, mm.
_SMOOTH_MM = 8.0
# Discs further than this from the middle of the cord are not of this cord, mm.
_OFF_CORD_MM = 35.0


@dataclass(frozen=True, eq=False)
class MaskProfile:
    """Measures of a mask in its n slices from the lowest to the highest one with cord in it; NaN
    where a slice between is empty.

    Attributes:
        slices: (n,) index along the cord's axis of the array in the file.
        centres_mm: (n, 3) centre of mass, world RAS+, mm.
        area_mm2: (n,) at right angles to the cord.
        rim_mm: (n,) width of the band from 0.25 to 0.75 (0 for a binary mask).
        entropy: (n,) of the values, summed, over the length of the contour: mm of full uncertainty.
        peak: (n,) largest value.
        hole_share: (n,) area of holes over that of the section with them.
        ragged: (n,) 1 less the area over that of the ellipse of equal moments: 0 for an ellipse.
        elongation: (n,) long over short axis of that ellipse.
        thickness_mm: distance of slices.
        pixel_mm: mean edge of a voxel within the slice.
        volume_mm3: of all.
        stray_mm3: of the pieces beside the largest one.
        stray_slice: position in ``slices`` of the largest of them; None where there is none.
        at_side: (n,) True where the mask touches a side of the image.
        at_ends: whether the lowest and the highest slice are the image's own.
        field_mm: heights (S, world) of the image's lowest and highest slice where the cord is.
        ends: where the mask ends abruptly inside the image.
        image: what the image says; None without an image.
        pam50: (n,) PAM50's slice, continuous; None without discs; NaN beyond them.
        levels: (n,) vertebral level, 0 where not known.
    """

    slices: np.ndarray
    centres_mm: np.ndarray
    area_mm2: np.ndarray
    rim_mm: np.ndarray
    entropy: np.ndarray
    peak: np.ndarray
    hole_share: np.ndarray
    ragged: np.ndarray
    elongation: np.ndarray
    thickness_mm: float
    pixel_mm: float
    volume_mm3: float
    stray_mm3: float
    stray_slice: int | None
    at_side: np.ndarray
    at_ends: tuple[bool, bool]
    field_mm: tuple[float, float]
    ends: tuple[AbruptEnd, ...] = ()
    image: ImageSigns | None = None
    pam50: np.ndarray | None = None
    levels: np.ndarray = field(default_factory=lambda: np.zeros(0, int))

    def __len__(self) -> int:
        return len(self.slices)

    @property
    def length_mm(self) -> float:
        """From the lowest to the highest slice."""
        return len(self) * self.thickness_mm

    @property
    def inner(self) -> np.ndarray:
        """(n,) True in slices with an area that are not within 6 mm of an end inside the image,
        where a mask tapers.
        """
        inside = np.isfinite(self.area_mm2)
        rim = max(1, round(6.0 / self.thickness_mm))
        if not self.at_ends[0]:
            inside[:rim] = False
        if not self.at_ends[1]:
            inside[len(inside) - rim :] = False
        return inside if inside.any() else np.isfinite(self.area_mm2)


def mask_profile(
    mask: Volume, image: Volume | None = None, discs: Sequence[DiscLabel] = ()
) -> MaskProfile | None:
    """Measure a mask.

    Args:
        mask: soft or binary, any orientation.
        image: on the same grid; None leaves out what needs it.
        discs: for vertebral levels; may be empty.

    Returns:
        The measures; None for an empty mask.

    Raises:
        InputError: the mask has NaN, several labels, or values that no mask has.
    """
    turned = reorient(mask, "LAS")
    box = _box(turned.data)
    if box is None:
        return None
    spacing = turned.spacing
    around = _wider(box, turned.shape, spacing)
    # A view of the part around the cord; its values are checked, not those of the whole volume.
    near = mask_values(_part(turned, around))
    shown = None if image is None else _part(reorient(image, "LAS"), around)
    inner = tuple(
        slice(b.start - a.start, b.stop - a.start) for a, b in zip(around[:2], box[:2])
    ) + (box[2],)
    values = np.ascontiguousarray(near.data[inner], dtype=np.float32)
    corner = np.array([part.start for part in box], float)

    moments = slice_moments(values, spacing)
    numbers = np.arange(box[2].start, box[2].stop)
    voxels = np.column_stack([moments.centre / spacing[:2] + corner[:2], numbers])
    centres = turned.affine[:3, :3] @ voxels.T
    centres = centres.T + turned.affine[:3, 3]
    upright = _cosines(centres, moments.area, spacing[2])
    area = np.where(moments.area > 0, moments.area, np.nan)
    perimeter = 2 * np.sqrt(np.pi * area)
    pixel = float(spacing[0] * spacing[1])
    stray, stray_slice = _stray(values, float(np.prod(spacing)))
    ragged, elongation = _shape(values, spacing)
    holes = _holes(values) * pixel
    profile = MaskProfile(
        slices=_in_file(mask, numbers),
        centres_mm=centres,
        area_mm2=area * upright,
        rim_mm=_share_between(values, 0.25, 0.75) * pixel / perimeter,
        entropy=_entropy(values) * pixel / perimeter,
        peak=values.max(axis=(0, 1)),
        hole_share=holes / (holes + area),
        ragged=ragged,
        elongation=elongation,
        thickness_mm=float(spacing[2]),
        pixel_mm=float(np.sqrt(pixel)),
        volume_mm3=float(np.nansum(area) * spacing[2]),
        stray_mm3=stray,
        stray_slice=stray_slice,
        at_side=_at_side(values, box, turned.shape),
        at_ends=(box[2].start == 0, box[2].stop == turned.shape[2]),
        field_mm=_field(turned, np.nanmean(voxels[:, :2], axis=0)),
        # The margin keeps the mask off the sides of the part that are no sides of the image.
        ends=abrupt_ends(near, shown),
        image=None if shown is None else image_signs(near, shown, numbers),
    )
    return _with_levels(profile, discs)


def _box(data: np.ndarray) -> tuple[slice, ...] | None:
    """The smallest box with all of a mask; None for an empty one."""
    filled: np.ndarray = ~np.asarray(data <= EMPTY)  # NaN too, which is refused later
    planes: np.ndarray = np.any(filled, axis=2)
    rows = np.flatnonzero(planes.any(axis=1))
    if not len(rows):
        return None
    columns = np.flatnonzero(planes.any(axis=0))
    block = filled[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    slices = np.flatnonzero(block.any(axis=(0, 1)))
    return tuple(slice(int(along[0]), int(along[-1]) + 1) for along in (rows, columns, slices))


def _wider(
    box: tuple[slice, ...], shape: tuple[int, ...], spacing: np.ndarray
) -> tuple[slice, ...]:
    """The box with a margin within the slices, over all slices of the image."""
    wide = []
    for part, size, step in zip(box[:2], shape, spacing):
        margin = int(np.ceil(_AROUND_MM / step))
        wide.append(slice(max(part.start - margin, 0), min(part.stop + margin, size)))
    return (*wide, slice(0, shape[2]))


def _part(volume: Volume, box: tuple[slice, ...]) -> Volume:
    affine = volume.affine.copy()
    affine[:3, 3] = volume.grid.to_world(np.array([part.start for part in box]))
    return Volume(np.asarray(volume.data[box]), affine)


def _field(turned: Volume, middle: np.ndarray) -> tuple[float, float]:
    ends = turned.grid.to_world(np.array([[*middle, 0], [*middle, turned.shape[2] - 1]]))
    low, high = sorted(float(height) for height in ends[:, 2])
    return low, high


def _in_file(mask: Volume, numbers: np.ndarray) -> np.ndarray:
    """Slices of the LAS volume as the file counts them."""
    axis = int(np.argmax([letter in "SI" for letter in mask.letters]))
    return numbers if mask.letters[axis] == "S" else mask.shape[axis] - 1 - numbers


def _cosines(centres: np.ndarray, areas: np.ndarray, thickness: float) -> np.ndarray:
    """(n,) by which a slice's area is larger than that at right angles to the cord."""
    known = np.flatnonzero(areas > 0)
    if len(known) < 3:
        return np.ones(len(areas))
    at = np.arange(len(areas))
    sigma = max(_SMOOTH_MM / thickness, 1.0)
    line = np.column_stack([np.interp(at, known, centres[known, axis]) for axis in range(3)])
    smooth = ndimage.gaussian_filter1d(line, sigma, axis=0, mode="nearest")
    steps = np.gradient(smooth, axis=0)
    length = np.linalg.norm(steps, axis=1)
    # At the ends the smoothing shortens the steps; their direction holds.
    return np.clip(np.abs(steps[:, 2]) / np.maximum(length, 1e-6), 0.5, 1.0)


def _share_between(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return ((values >= low) & (values < high)).sum(axis=(0, 1)).astype(float)


def _entropy(values: np.ndarray) -> np.ndarray:
    """(n,) sum of the binary entropy of the values, 1 for a value of 0.5."""
    rim = (values > 0.02) & (values < 0.98)
    soft = values[rim]
    bits = -(soft * np.log2(soft) + (1 - soft) * np.log2(1 - soft))
    return np.bincount(np.nonzero(rim)[2], bits, minlength=values.shape[2])


def _holes(values: np.ndarray) -> np.ndarray:
    """(n,) pixels of the background that the section encloses."""
    background = np.pad(values < _LEVEL, ((1, 1), (1, 1), (0, 0)), constant_values=True)
    planar = np.zeros((3, 3, 3), bool)
    planar[1, :, 1] = planar[:, 1, 1] = True
    labels, count = ndimage.label(background, planar)
    outside = np.zeros(count + 1, bool)
    outside[labels[0, 0]] = True
    outside[0] = True
    enclosed = ~outside[labels]
    return enclosed.sum(axis=(0, 1)).astype(float)


def _shape(values: np.ndarray, spacing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) raggedness and elongation of the section within the contour at 0.5; NaN where there is
    none.

    The area of an ellipse with variances λ₁, λ₂ along its axes is 4π√(λ₁λ₂).
    """
    inside = (values >= 0.5).astype(np.float32)
    moments = slice_moments(inside, spacing)
    u, v = (np.arange(count) * size for count, size in zip(inside.shape[:2], spacing))
    total = np.maximum(inside.sum(axis=(0, 1), dtype=float), 1e-9)
    # The sum of both variances and their ratio give their product; a voxel has one of its own.
    both = float(spacing[0] ** 2 + spacing[1] ** 2) / 12
    for axis, line in ((u, inside.sum(axis=1)), (v, inside.sum(axis=0))):
        mean = axis @ line / total
        both = both + (axis**2) @ line / total - mean**2
    short = both / (1.0 + np.minimum(moments.elongation, 1e3))
    ellipse = 4 * np.pi * short * np.sqrt(np.minimum(moments.elongation, 1e3))
    known = moments.area > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        ragged = np.where(known, 1.0 - moments.area / ellipse, np.nan)
        return ragged, np.where(known, np.sqrt(moments.elongation), np.nan)


def _stray(values: np.ndarray, voxel_mm3: float) -> tuple[float, int | None]:
    """Volume of the pieces beside the largest, and the slice in which most of it lies."""
    labels, count = ndimage.label(values >= _LEVEL, np.ones((3, 3, 3), bool))
    if count < 2:
        return 0.0, None
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    others = (labels > 0) & (labels != int(sizes.argmax()))
    by_slice = (values * others).sum(axis=(0, 1), dtype=float)
    return float(by_slice.sum() * voxel_mm3), int(by_slice.argmax())


def _at_side(values: np.ndarray, box: tuple[slice, ...], shape: tuple[int, ...]) -> np.ndarray:
    """(n,) True where more than a soft rim lies at a side of the image."""
    touching = np.zeros(values.shape[2], bool)
    for axis in (0, 1):
        sides = np.moveaxis(values, axis, 0)
        if box[axis].start == 0:
            touching |= (sides[0] > 0.5).any(axis=0)
        if box[axis].stop == shape[axis]:
            touching |= (sides[-1] > 0.5).any(axis=0)
    return touching


def _with_levels(profile: MaskProfile, discs: Sequence[DiscLabel]) -> MaskProfile:
    """The profile with levels and PAM50's slices, from discs C1/C2 to L1/L2."""
    count = len(profile)
    last = FIRST_DISC + len(PAM50_SLICES) - 1
    known = [disc for disc in discs if FIRST_DISC <= disc.value <= last]
    finite = np.flatnonzero(np.isfinite(profile.area_mm2))
    rows, values = [], []
    for disc in sorted(known, key=lambda disc: -disc.value):
        apart = np.linalg.norm(profile.centres_mm[finite] - np.asarray(disc.position_mm), axis=1)
        nearest = int(apart.argmin())
        off_end = nearest in (0, len(finite) - 1) and apart[nearest] > _OFF_CORD_MM / 1.5
        if apart[nearest] <= _OFF_CORD_MM and not off_end:
            rows.append(float(finite[nearest]))
            values.append(disc.value)
    if len(rows) < 2 or (np.diff(rows) <= 0).any():
        return replace(profile, levels=np.zeros(count, int))
    at = np.arange(count)
    template = np.array([PAM50_SLICES[value - FIRST_DISC] for value in values], float)
    pam50 = np.interp(at, rows, template, left=np.nan, right=np.nan)
    # Disc k lies above vertebra k.
    below = np.searchsorted(rows, at, side="left")
    levels = np.append(values, values[-1] - 1)[below]
    return replace(profile, pam50=pam50, levels=levels.astype(int))
