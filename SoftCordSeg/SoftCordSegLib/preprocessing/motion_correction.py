"""Motion correction of a diffusion or functional series.

How the neck moved, slice by slice, and the mean of the series with that motion taken back.

Motion is a shift of each slice of each volume within its plane, measured in a column about the
cord.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import InputError, OptionError
from ..progress import Progress
from ..volume import Grid, Volume, reorient, resample_mask, same_orientation
from ..volume.slice_moments import slice_moments, slices_with_mask
from .series import FRAME, Series
from .slice_alignment import Target, align, best_whole_shift, shifted, spline_coefficients

# How often the mean is made anew from the aligned volumes, and these aligned to it.
_PASSES = 3
# A part of a voxel over which the column's edge fades, so that no voxel enters or leaves at once.
_FADE = 1.0
_NO_CORD = "The mask of the cord is empty, or it lies outside the series."
_GIVE_MASK = "Give the mask of this series."


@dataclass(frozen=True)
class MotionOptions:
    """How motion is measured.

    Attributes:
        width_mm: diameter of the column about the cord in which volumes are compared (the authors:
            30 mm).
        degree: of the polynomial along the cord that shifts follow (SCT: 2); None lets every slice
            move by itself.
        group: number of successive volumes that share their shifts and are averaged before (SCT: 3
            for diffusion); 1 for every volume by itself.
        smooth_mm: standard deviation of a Gaussian in the plane, for the comparison only (SCT: 1).
        largest_mm: a longer shift counts as a failure.
    """

    width_mm: float = 30.0
    degree: int | None = 2
    group: int = 1
    smooth_mm: float = 1.0
    largest_mm: float = 10.0

    def __post_init__(self) -> None:
        if self.width_mm <= 0 or self.largest_mm <= 0 or self.smooth_mm < 0:
            raise OptionError(
                "The width of the column and the largest shift are not lengths above 0 mm.",
                hint="Give lengths in mm.",
            )
        if self.group < 1 or (self.degree is not None and self.degree < 0):
            raise OptionError(
                f"A group of {self.group} volumes or a polynomial of degree {self.degree} is"
                " impossible.",
                hint="A group has at least one volume, a polynomial at least the degree 0.",
            )


@dataclass(frozen=True, eq=False)
class Motion:
    """Where the slices of a series lie, against the mean position over the series.

    Attributes:
        grid: of the series in its frame: i points Left, j Anterior, k Superior (nearly, where it is
            oblique).
        volumes: (n,) numbers of the volumes that were measured.
        shift_mm: (n, k, 2) towards Left and Anterior; its mean over volumes is 0 in each slice.
        measured: (k,) False for slices beyond the cord's ends, which carry their neighbour's shift.
        failed: numbers of the volumes that were not like the others and carry the shift of the
            nearest one that was.
    """

    grid: Grid
    volumes: tuple[int, ...]
    shift_mm: np.ndarray
    measured: np.ndarray
    failed: tuple[int, ...] = ()

    @property
    def shift_voxels(self) -> np.ndarray:
        """(n, k, 2) along the first and second axis of ``grid``."""
        return self.shift_mm / self.grid.spacing[:2]

    @property
    def largest_mm(self) -> float:
        """The longest shift of a measured slice."""
        return float(np.linalg.norm(self.shift_mm[:, self.measured], axis=2).max())

    @property
    def typical_mm(self) -> float:
        """The root mean square length of the shifts of measured slices."""
        return float(np.sqrt((self.shift_mm[:, self.measured] ** 2).sum(axis=2).mean()))


@dataclass(frozen=True, eq=False)
class Average:
    """The average of a series.

    Attributes:
        mean: float32, on the grid and in the orientation of the series.
        deviation: the standard deviation over time (population) of each voxel, float32, on the same
            grid.
    """

    mean: Volume
    deviation: Volume

    def deviation_in(self, cord: Volume) -> float:
        """The mean of ``deviation`` over the cord, weighted by its mask.

        Raises:
            InputError: the mask lies outside.
        """
        mask = cord if cord.grid.same_as(self.mean.grid) else resample_mask(cord, self.mean.grid)
        weights = np.asarray(mask.data, dtype=np.float64)
        if not weights.any():
            raise InputError(_NO_CORD, hint=_GIVE_MASK)
        return float((weights * self.deviation.data).sum() / weights.sum())


def estimate_motion(
    series: Series,
    cord: Volume | None,
    volumes: Sequence[int] | None = None,
    options: MotionOptions = MotionOptions(),
    progress: Progress | None = None,
) -> Motion:
    """Measure the motion of a series about the cord.

    As ``sct_dmri_moco`` does: slices are shifted within their plane, compared within a column about
    the cord, and the shifts follow a low-order polynomial along it.  Unlike there all slices of a
    volume are fitted at once by least squares with a gain and an offset a slice (not slice by slice
    by mutual information), and the target is the mean of all aligned volumes, made anew twice (not
    the first group and up to ten more), so that no volume's position is preferred.

    Args:
        series: any orientation and obliquity; slices are those across its most nearly vertical
            axis.
        cord: mask or centreline of the cord, on any grid; None to compare whole slices.
        volumes: numbers of those to be measured; all where None.
        options: see :class:`MotionOptions`.
        progress: reports; checked for cancellation at every volume.

    Raises:
        InputError: fewer than two volumes, the mask lies outside the series, nothing to compare.
        Cancelled: the user stopped the work.
    """
    chosen = tuple(range(len(series))) if volumes is None else tuple(volumes)
    if len(chosen) < 2:
        raise InputError(
            f"Motion is measured among at least two volumes; there is {len(chosen)}.",
            hint="Give the whole series.",
        )
    progress = progress or Progress()
    grid = series.framed(0).grid
    column = whole_slices(grid) if cord is None else column_about(cord, grid, options.width_mm)
    part, weights = _part(column, grid, options)
    basis = _basis(column.measured, options.degree)
    groups = [chosen[at : at + options.group] for at in range(0, len(chosen), options.group)]
    stack = [_compared(series, group, part, grid, options.smooth_mm) for group in groups]
    target = Target.of(_mean(stack), weights)
    if not (target.gradients * weights).any():
        raise InputError(
            "The series has the same brightness everywhere about the cord, so its motion cannot be"
            " measured.",
            hint="Look at the series, or average it without correcting motion.",
        )
    shifts, failed = _align_all(stack, target, basis, grid, options, progress)
    of_group = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    bad = tuple(number for group, number in zip(of_group, chosen) if group in failed)
    return Motion(grid, chosen, shifts[of_group] * grid.spacing[:2], column.measured, bad)


def average(
    series: Series, motion: Motion | None = None, volumes: Sequence[int] | None = None
) -> Average:
    """The mean over time, each slice first shifted back (cubic spline, as the authors' ``-x
    spline``) where a motion is given.

    Args:
        series: any orientation.
        motion: of this series; its volumes are averaged.
        volumes: those to be averaged where no motion is given; all where None.

    Raises:
        InputError: no volume, or a motion of another grid.
    """
    chosen = (
        tuple(range(len(series)) if volumes is None else volumes)
        if motion is None
        else motion.volumes
    )
    if not chosen:
        raise InputError("There is no volume to average.", hint="Give at least one.")
    frame = series.framed(0)
    if motion is not None and not motion.grid.same_as(frame.grid):
        raise InputError(
            "The motion was measured on another grid than that of the series.",
            hint="Measure it anew.",
        )
    mean, squares = np.zeros(frame.shape), np.zeros(frame.shape)
    for count, number in enumerate(chosen, start=1):
        values = np.asarray(series.framed(number).data, dtype=np.float64)
        if motion is not None:
            lowest = values.min()
            values = shifted(spline_coefficients(values), motion.shift_voxels[count - 1])
            if lowest >= 0:  # splines swing below 0 beside bright edges; magnitudes cannot be
                np.maximum(values, 0, out=values)
        # Welford's way: sums of squares of bright images would lose small deviations.
        difference = values - mean
        mean += difference / count
        squares += difference * (values - mean)
    deviation = np.sqrt(squares / len(chosen))
    first = series.volume(0)
    results = [
        same_orientation(Volume(data.astype(np.float32), frame.affine), first)
        for data in (mean, deviation)
    ]
    # The affine of the file itself, not one that went to and fro.
    return Average(*(Volume(np.ascontiguousarray(one.data), series.affine) for one in results))


@dataclass(frozen=True, eq=False)
class Column:
    """Weights on the grid of a series in its frame.

    Attributes:
        weights: (i, j, k) 0 to 1; 0 in all slices that are not ``measured``.
        measured: (k,) True for the slices in which motion can be measured.
    """

    weights: np.ndarray
    measured: np.ndarray


def column_about(cord: Volume, grid: Grid, width_mm: float) -> Column:
    """A round column about the middle of the cord in each slice, as the authors' ``sct_create_mask
    -size 30mm`` makes it.

    Slices between the cord's ends that hold no mask have the column where their neighbours' would
    be; those beyond its ends have none.

    Args:
        cord: mask of the cord or a centreline, above 0, on any grid.
        grid: of the series, in its frame (third axis along the cord).
        width_mm: the column's diameter.

    Raises:
        InputError: the mask does not reach the grid.
    """
    framed = reorient(cord, FRAME)
    mask = np.asarray(
        framed.data if framed.grid.same_as(grid) else resample_mask(cord, grid).data,
        dtype=np.float32,
    )
    slices = slices_with_mask(Volume(mask, grid.affine))
    if len(slices) == 0:
        raise InputError(_NO_CORD, hint=_GIVE_MASK)
    measured = np.zeros(grid.shape[2], bool)
    measured[slices[0] : slices[-1] + 1] = True
    inside = np.flatnonzero(measured)
    centre = slice_moments(mask[:, :, slices], grid.spacing).centre
    centre = np.stack([np.interp(inside, slices, column) for column in centre.T], axis=1)
    u, v = (np.arange(n)[:, None] * size for n, size in zip(grid.shape[:2], grid.spacing))
    distance = np.hypot((u - centre[:, 0])[:, None, :], (v - centre[:, 1])[None, :, :])
    weights = np.zeros(grid.shape, np.float32)
    weights[:, :, inside] = np.clip(
        (width_mm / 2 - distance) / (_FADE * grid.spacing[:2].mean()) + 0.5, 0, 1
    )
    return Column(weights, measured)


def whole_slices(grid: Grid) -> Column:
    """Whole slices, where the cord is not known."""
    return Column(np.ones(grid.shape, np.float32), np.ones(grid.shape[2], bool))


def _part(
    column: Column, grid: Grid, options: MotionOptions
) -> tuple[tuple[slice, slice], np.ndarray]:
    """The rectangle of each slice that the column, shifted as far as may be, can reach; and the
    column's weights in it.
    """
    reach = (options.largest_mm + 4 * options.smooth_mm) / grid.spacing[:2]
    part = []
    for axis in (0, 1):
        used = np.flatnonzero(column.weights.any(axis=(1 - axis, 2)))
        if len(used) == 0:
            raise InputError(
                "The column about the cord is narrower than a voxel.", hint="Give a wider column."
            )
        margin = int(np.ceil(reach[axis]))
        part.append(slice(max(used[0] - margin, 0), min(used[-1] + margin + 1, grid.shape[axis])))
    along_i, along_j = part
    return (along_i, along_j), column.weights[along_i, along_j].astype(np.float64)


def _compared(
    series: Series, group: Sequence[int], part: tuple[slice, slice], grid: Grid, smooth_mm: float
) -> np.ndarray:
    """(i, j, k) float32, what is compared of a group: its mean in the rectangle, smoothed in the
    plane.
    """
    values = np.mean(
        [np.asarray(series.framed(number).data[part], dtype=np.float64) for number in group], axis=0
    )
    if smooth_mm > 0:
        values = ndimage.gaussian_filter(
            values, [*(smooth_mm / grid.spacing[:2]), 0], mode="nearest"
        )
    return values.astype(np.float32)


def _basis(measured: np.ndarray, degree: int | None) -> np.ndarray:
    """(k, m) polynomials along the cord, or one column a slice; slices beyond the ends repeat the
    last row.
    """
    inside = np.flatnonzero(measured)
    if degree is None:
        rows: np.ndarray = np.eye(len(inside))
    else:
        along = np.linspace(-1, 1, len(inside)) if len(inside) > 1 else np.zeros(1)
        rows = np.polynomial.legendre.legvander(along, min(degree, len(inside) - 1))
    return rows[np.clip(np.arange(len(measured)), inside[0], inside[-1]) - inside[0]]


def _align_all(
    stack: Sequence[np.ndarray],
    target: Target,
    basis: np.ndarray,
    grid: Grid,
    options: MotionOptions,
    progress: Progress,
) -> tuple[np.ndarray, list[int]]:
    """(n, k, 2) shifts in voxels, their mean over volumes 0 in each slice; and the indices in
    the stack of those that failed.
    """
    limit = options.largest_mm / grid.spacing[:2]
    coefficients = [spline_coefficients(one) for one in stack]
    found: list[np.ndarray | None] = [None] * len(stack)
    shifts, failed = np.zeros((len(stack), len(basis), 2)), []
    for turn in range(_PASSES):
        for number, one in enumerate(coefficients):
            progress.check_cancelled()
            progress.report(
                (turn + number / len(stack)) / _PASSES,
                f"Measuring motion, pass {turn + 1} of {_PASSES}",
            )
            start = found[number]
            if start is None:
                start = _constant(basis, best_whole_shift(stack[number], target, int(limit.max())))
            result = align(one, target, basis, start)
            far = result is not None and (np.abs(basis @ result) > limit).any()
            found[number] = None if far else result
        failed = [number for number, one in enumerate(found) if one is None]
        if len(failed) == len(found):
            raise InputError(
                "No volume is like the others about the cord, so the motion cannot be measured.",
                hint="Look at the series, or average it without correcting motion.",
            )
        shifts = np.stack(
            [
                basis @ found[_nearest_good(number, failed, len(found))]
                for number in range(len(found))
            ]
        )
        shifts -= shifts.mean(axis=0)
        # Positions are only known against each other, so all are moved together to keep the mean
        # position where it was.
        coordinates = np.linalg.lstsq(
            basis, shifts.transpose(1, 0, 2).reshape(len(basis), -1), rcond=None
        )[0]
        moved = coordinates.reshape(basis.shape[1], len(stack), 2)
        found = [None if number in failed else moved[:, number] for number in range(len(found))]
        if turn < _PASSES - 1:
            good = [
                shifted(one, shifts[n]) for n, one in enumerate(coefficients) if n not in failed
            ]
            target = Target.of(_mean(good), target.weights)
    return shifts, failed


def _mean(volumes: Sequence[np.ndarray]) -> np.ndarray:
    return np.asarray(np.mean(volumes, axis=0, dtype=np.float64))


def _constant(basis: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(m, 2) coordinates of one shift for all slices."""
    return np.linalg.lstsq(basis, np.broadcast_to(shift, (len(basis), 2)), rcond=None)[0]


def _nearest_good(number: int, failed: Sequence[int], count: int) -> int:
    """``number`` itself, or of one that failed the nearest that did not (as SCT takes it)."""
    return min((n for n in range(count) if n not in failed), key=lambda n: abs(n - number))
