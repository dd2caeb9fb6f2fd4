"""Find the shift and the rotation of each slice from two masks of one cord."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import InputError, OptionError
from ..volume import Grid, Volume, resample_mask
from ..volume.slice_moments import SliceMoments, slice_moments
from .slicewise import SlicewiseRigid

CENTERMASS = "centermass"
CENTERMASSROT = "centermassrot"
# Masks are sampled no finer than this in the plane, mm.
_FINEST_MM = 0.2
_MOST_SAMPLES = 400
# Beyond the middle of the last slice there is only its repetition, which does not follow the cord's
# course: sections are used as far as a twentieth of a slice from it.
_SEEN = 0.95
# The thin tips of a mask say little of where the cord is: sections below this part of the median
# area are not used.
_LEAST_AREA = 0.25


@dataclass(frozen=True)
class RegistrationOptions:
    """How slices are brought onto each other.

    Attributes:
        method: "centermassrot": shift and rotation, as the paper has it; "centermass": shift only,
            as its authors' code.
        elongation: a section's direction is used where the variance along its longer axis is at
            least this many times that along its shorter one; a rounder one has no direction (SCT's
            pca_eigenratio_th).
        largest_angle: degrees; a larger rotation counts as an error (SCT's th_max_angle).
        smooth_mm: standard deviation of a Gaussian along the cord over shifts and rotations; 0, as
            in the paper, for none.
    """

    method: str = CENTERMASSROT
    elongation: float = 1.6
    largest_angle: float = 40.0
    smooth_mm: float = 0.0

    def __post_init__(self) -> None:
        if self.method not in (CENTERMASS, CENTERMASSROT):
            raise OptionError(
                f"There is no registration '{self.method}'.",
                hint=f"Choose {CENTERMASSROT} or {CENTERMASS}.",
            )


PAPER_REGISTRATION = RegistrationOptions()


@dataclass(frozen=True)
class Fit:
    """A registration and how it was measured.

    Attributes:
        transform: from the reference to the contrast.
        used: (n,) True for the reference's slices whose shift was measured; others carry their
            neighbours'.
        turned: (n,) True where the rotation was measured.
    """

    transform: SlicewiseRigid
    used: np.ndarray
    turned: np.ndarray


def register(
    reference: Volume,
    moving: Volume,
    moving_coverage: Volume | None = None,
    options: RegistrationOptions = PAPER_REGISTRATION,
) -> Fit:
    """Shift, and rotation about the cord's middle, for each slice of the reference.

    The contrast's mask is first brought onto the reference's grid by the scanner's coordinates
    (linear interpolation), whatever its orientation, obliquity and slice thickness; then each slice
    of it is laid on the reference's by centre of mass and, where both sections are elongated
    enough, by principal axis.  Slices in which one of the masks is empty or cut take the
    interpolation between their neighbours, or the nearest value beyond the ends; so do rotations of
    nearly round sections.  (SCT turns a slice by one mask's direction where only the other is
    round, and leaves slices without a mask where they are.)

    Args:
        reference: mask, 0 to 1, third axis along the cord.
        moving: mask of the contrast on any grid; padded at its ends (``pad_ends``), so
            that its last sections are not cut where they are seen obliquely.
        moving_coverage: where the contrast was really seen, 0 to 1, on any grid; everywhere in that
            of ``moving`` where None.
        options: see :class:`RegistrationOptions`.

    Raises:
        InputError: no slice of the reference has both masks.
    """
    grid = _sampling_grid(reference, moving)
    fixed = resample_mask(reference, grid)
    floating = resample_mask(moving, grid)
    coverage = (
        moving.with_data(np.ones(moving.shape, np.float32))
        if moving_coverage is None
        else moving_coverage
    )
    seen = resample_mask(coverage, grid).data
    ours, theirs = (
        slice_moments(fixed.data, grid.spacing),
        slice_moments(floating.data, grid.spacing),
    )
    used = _usable(ours, theirs, floating.data, seen)
    if not used.any():
        raise InputError(
            "Its mask and the reference's have no slice in common.",
            hint="Check that both images are of one visit, so that they share the scanner's"
            " coordinates, and that they show the same part of the cord.",
        )
    shift = _carry(theirs.centre - ours.centre, used)
    origin = reference.grid.to_voxel(grid.affine[:3, 3])[:2] * reference.spacing[:2]
    pivot = _carry(ours.centre, used) + origin
    angle, turned = np.zeros(len(used)), np.zeros(len(used), bool)
    if options.method == CENTERMASSROT:
        angle, turned = _angles(ours, theirs, used, options)
    if options.smooth_mm > 0:
        sigma = options.smooth_mm / reference.spacing[2]
        shift = ndimage.gaussian_filter1d(shift, sigma, axis=0, mode="nearest")
        angle = ndimage.gaussian_filter1d(angle, sigma, mode="nearest")
    return Fit(SlicewiseRigid(reference.grid, pivot, shift, angle), used, turned)


def _sampling_grid(reference: Volume, moving: Volume) -> Grid:
    """All slices of the reference, around both masks and beyond its edges where need be; finer in
    the plane than both masks.

    Finer, because a mask that is sampled at points as far apart as its own voxels loses some of its
    edge, and with it the direction of its section.
    """
    corners = []
    for mask in (reference, moving):
        voxels = np.argwhere(np.asarray(mask.data) > 0)
        ends = np.array(
            np.meshgrid(
                *np.stack([voxels.min(axis=0) - 1, voxels.max(axis=0) + 1], axis=1), indexing="ij"
            )
        )
        corners.append(reference.grid.to_voxel(mask.grid.to_world(ends.reshape(3, -1).T)))
    start = np.floor(np.min(corners, axis=(0, 1))).astype(int) - 1
    stop = np.ceil(np.max(corners, axis=(0, 1))).astype(int) + 2
    start[2], stop[2] = 0, reference.shape[2]
    step = max(min(reference.spacing.min(), moving.spacing.min()) / 2, _FINEST_MM)
    # A mask with a stray piece far away must not make the grid grow without bound.
    step = max(step, ((stop - start)[:2] * reference.spacing[:2]).max() / _MOST_SAMPLES)
    return reference.grid.crop(start, stop).with_spacing(
        np.append(np.minimum(step, reference.spacing[:2]), reference.spacing[2])
    )


def _usable(
    ours: SliceMoments, theirs: SliceMoments, floating: np.ndarray, seen: np.ndarray
) -> np.ndarray:
    """(n,) True where both sections are there, the contrast's was really seen, and neither is a
    mere tip.
    """
    there = (ours.area > 0) & (theirs.area > 0)
    if not there.any():
        return there
    part = (floating * seen).sum(axis=(0, 1)) / np.maximum(floating.sum(axis=(0, 1)), 1e-9)
    # Of a single thick slice no reference slice may pass near the middle: then those nearest to it
    # are used.
    good = there & (part >= min(_SEEN, part[there].max() - 1e-6))
    for one in (ours, theirs):
        good &= one.area >= _LEAST_AREA * np.median(one.area[one.area > 0])
    return good if good.any() else there


def _angles(
    ours: SliceMoments, theirs: SliceMoments, used: np.ndarray, options: RegistrationOptions
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) rotations, radians, and where they were measured; 0 everywhere if no section has a
    direction.
    """
    with np.errstate(invalid="ignore"):
        # A principal axis has no head and no tail: angles that differ by half a turn are the same.
        difference = np.angle(np.exp(2j * (theirs.angle - ours.angle))) / 2
        turned = (
            used
            & (ours.elongation >= options.elongation)
            & (theirs.elongation >= options.elongation)
        )
        turned &= np.abs(difference) <= np.radians(options.largest_angle)
    if not turned.any():
        return np.zeros(len(used)), turned
    return _carry(difference, turned), turned


def _carry(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """``values`` (n,) or (n, m) with those that are not known interpolated along the first axis,
    the nearest beyond the ends.
    """
    if values.ndim == 2:
        return np.stack([_carry(column, known) for column in values.T], axis=1)
    numbers = np.arange(len(values))
    return np.interp(numbers, numbers[known], values[known])
