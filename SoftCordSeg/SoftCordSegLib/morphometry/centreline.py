"""The cord's centreline: one smoothing spline through the centres of its slices, as SCT fits it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..volume.grid import Grid
from .level_names import slice_ranges
from .slice_stack import NEAR_ZERO, SliceStack

# SCT's command line smooths by 30 for shape and by 20 where it lays discs on the centreline.
SHAPE_SMOOTHING = 30.0
LEVEL_SMOOTHING = 20.0


@dataclass(frozen=True, eq=False)
class Centreline:
    """The cord's middle in each slice, and its direction.

    Attributes:
        slices: (n,) slice numbers, lowest to highest, without gaps.
        points: (n, 2) voxel indices (R-L, A-P) in the full slice, continuous.
        slopes: (n, 2) change of ``points`` per slice.
        grid: the LAS grid of the indices.
    """

    slices: np.ndarray
    points: np.ndarray
    slopes: np.ndarray
    grid: Grid

    @property
    def points_mm(self) -> np.ndarray:
        """(n, 3) world positions, mm RAS+."""
        return self.grid.to_world(np.column_stack([self.points, self.slices]))

    @property
    def tangents(self) -> np.ndarray:
        """(n, 3) unit vectors along the cord towards its upper end, world RAS+."""
        steps = (
            np.column_stack([self.slopes, np.ones(len(self.slices))]) @ self.grid.affine[:3, :3].T
        )
        return steps / np.linalg.norm(steps, axis=1, keepdims=True)

    @property
    def arc_mm(self) -> np.ndarray:
        """(n,) distance along the centreline from its lowest point, mm."""
        steps = np.linalg.norm(np.diff(self.points_mm, axis=0), axis=1)
        return np.concatenate([[0.0], np.cumsum(steps)])

    def angles(self, slices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Angles between the cord and the normal of each slice.

        Returns:
            (angle_AP, angle_RL), radians: the rotation about the A-P axis (the cord leans to the
            side) and about the R-L axis (it leans forwards or backwards).

        Raises:
            InputError: the centreline does not reach all the slices.
        """
        beyond = np.setdiff1d(slices, self.slices)
        if len(beyond):
            raise InputError(
                f"The centreline does not cover slice(s) {slice_ranges(beyond)} of the mask.",
                hint="Give a longer centreline, or switch the angle correction off.",
            )
        lean = self.slopes[np.asarray(slices) - self.slices[0]] * self.grid.spacing[:2]
        height = self.grid.spacing[2]
        return np.arctan2(lean[:, 0], height), np.arctan2(lean[:, 1], height)


def slice_centres(stack: SliceStack) -> np.ndarray:
    """(n, 2) mean index of the voxels above 0 in each slice; soft values do not weigh in, as in
    SCT. NaN where empty.
    """
    inside = stack.patches > NEAR_ZERO
    with np.errstate(invalid="ignore"):
        rows = inside.sum(axis=2) @ np.arange(inside.shape[1]) / inside.sum(axis=(1, 2))
        columns = inside.sum(axis=1) @ np.arange(inside.shape[2]) / inside.sum(axis=(1, 2))
    return np.column_stack([rows, columns]) + stack.first


def fit_centreline(
    stack: SliceStack, smooth: float = SHAPE_SMOOTHING, centres: np.ndarray | None = None
) -> Centreline:
    """Fit the smoothing spline.

    Args:
        stack: the mask's slices.
        smooth: SCT's smoothing, about the length in mm of a Hanning window that would smooth as
            much; 0 interpolates.
        centres: (n, 2) of :func:`slice_centres`, where already known.

    Raises:
        InputError: the cord is in one slice only, which has no direction.
    """
    centres = slice_centres(stack) if centres is None else centres
    known = np.flatnonzero(np.isfinite(centres[:, 0]))
    if len(known) < 2:
        raise InputError(
            f"The cord is in one slice only (slice {stack.slices[0]}), so its angle is not known.",
            hint="Switch the angle correction off, or give a centreline.",
        )
    fitted = [
        smooth_spline(
            stack.slices[known], centres[known, axis], stack.slices, smooth, stack.grid.spacing[2]
        )
        for axis in (0, 1)
    ]
    points, slopes = (np.column_stack(pair) for pair in zip(*fitted))
    return Centreline(stack.slices, points, slopes, stack.grid)


def smooth_spline(
    x: np.ndarray, y: np.ndarray, at: np.ndarray, smooth: float, spacing: float
) -> tuple[np.ndarray, np.ndarray]:
    """SCT's smoothing spline through (x, y): its value and its slope ``at``.

    The smoothing factor is SCT's empirical s = (len(x) / len(at))² · smooth · spacing / 3, with
    ``spacing`` the slice distance, mm.
    """
    from scipy import interpolate  # a quarter of a second, which segmentation does without

    degree = 3 if len(x) > 3 else 1
    factor = (len(x) / len(at)) ** 2 * smooth * spacing / 3.0
    with warnings.catch_warnings():
        # FITPACK warns when it cannot reach the factor exactly; the result is still its best one,
        # and SCT's.
        warnings.simplefilter("ignore", RuntimeWarning)
        spline = interpolate.splrep(x, y, s=factor, k=degree)
    return interpolate.splev(at, spline), interpolate.splev(at, spline, der=1)
