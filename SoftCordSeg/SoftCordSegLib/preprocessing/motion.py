"""How the neck moved during a series: a shift of each slice of each volume, within its plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..progress import Progress
from ..volume import Grid, Volume
from .alignment import Target, align, best_whole_shift, shifted, spline_coefficients
from .region import Column, column_about, whole_slices
from .series import Series

# How often the mean is made anew from the aligned volumes, and these aligned to it.
_PASSES = 3


@dataclass(frozen=True)
class MotionOptions:
    """How motion is measured.

    Attributes:
        width_mm: diameter of the column about the cord in which volumes are compared (the authors:
            30 mm).
        degree: of the polynomial along the cord that shifts follow (SCT: 2); None lets every slice
            move by itself.
        group: so many successive volumes share their shifts and are averaged before (SCT: 3 for
            diffusion); 1 for every volume by itself.
        smooth_mm: standard deviation of a Gaussian in the plane, for the comparison only (SCT: 1).
        largest_mm: a shift beyond this is taken for an error.
    """

    width_mm: float = 30.0
    degree: int | None = 2
    group: int = 1
    smooth_mm: float = 1.0
    largest_mm: float = 10.0

    def __post_init__(self):
        if self.width_mm <= 0 or self.largest_mm <= 0 or self.smooth_mm < 0:
            raise InputError(
                "The width of the column and the largest shift are lengths above 0 mm."
            )
        if self.group < 1 or (self.degree is not None and self.degree < 0):
            raise InputError(
                "A group has at least one volume, and a polynomial at least the degree 0."
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
        progress: reports, and is asked at every volume whether to stop.

    Raises:
        InputError: fewer than two volumes, the mask lies outside the series, nothing to compare.
        Cancelled: the user stopped the work.
    """
    chosen = tuple(range(len(series))) if volumes is None else tuple(volumes)
    if len(chosen) < 2:
        raise InputError(
            f"There is motion only among two or more volumes, and here is {len(chosen)}. Give the"
            " whole series."
        )
    progress = progress or Progress()
    grid = series.framed(0).grid
    column = whole_slices(grid) if cord is None else column_about(cord, grid, options.width_mm)
    part, weights = _part(column, grid, options)
    basis = _basis(column.measured, options.degree)
    groups = [chosen[at : at + options.group] for at in range(0, len(chosen), options.group)]
    stack = [_compared(series, group, part, grid, options.smooth_mm) for group in groups]
    target = Target.of(np.mean(stack, axis=0, dtype=np.float64), weights)
    if not (target.gradients * weights).any():
        raise InputError(
            "The series is of one brightness about the cord, so its motion cannot be measured."
        )
    shifts, failed = _align_all(stack, target, basis, grid, options, progress)
    of_group = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    bad = tuple(number for group, number in zip(of_group, chosen) if group in failed)
    return Motion(grid, chosen, shifts[of_group] * grid.spacing[:2], column.measured, bad)


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
            raise InputError("The cord lies outside the series. Give the mask of this series.")
        margin = int(np.ceil(reach[axis]))
        part.append(slice(max(used[0] - margin, 0), min(used[-1] + margin + 1, grid.shape[axis])))
    return tuple(part), column.weights[tuple(part)].astype(np.float64)


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
        rows = np.eye(len(inside))
    else:
        places = np.linspace(-1, 1, len(inside)) if len(inside) > 1 else np.zeros(1)
        rows = np.polynomial.legendre.legvander(places, min(degree, len(inside) - 1))
    return rows[np.clip(np.arange(len(measured)), inside[0], inside[-1]) - inside[0]]


def _align_all(
    stack: Sequence[np.ndarray],
    target: Target,
    basis: np.ndarray,
    grid: Grid,
    options: MotionOptions,
    progress: Progress,
) -> tuple[np.ndarray, list[int]]:
    """(n, k, 2) shifts in voxels, their mean over volumes 0 in each slice; and the places in the
    stack of those that failed.
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
                "No volume is like the others about the cord, so the motion cannot be measured."
                " Look at the series."
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
            target = Target.of(np.mean(good, axis=0, dtype=np.float64), target.weights)
    return shifts, failed


def _constant(basis: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(m, 2) coordinates of one shift for all slices."""
    return np.linalg.lstsq(basis, np.broadcast_to(shift, (len(basis), 2)), rcond=None)[0]


def _nearest_good(number: int, failed: Sequence[int], count: int) -> int:
    """``number`` itself, or of one that failed the nearest that did not (as SCT takes it)."""
    return min((n for n in range(count) if n not in failed), key=lambda n: abs(n - number))
