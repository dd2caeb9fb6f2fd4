"""Quadrants and symmetry of the cord's section, about the axis of symmetry that the image shows;
SCT's measures with an image.

The axis is found after Sun, "Symmetry detection using gradient information", Pattern Recognition
Letters 16 (1995), with SCT's settings: a histogram of gradient directions around the cord, mirrored
onto itself.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..progress import Progress
from ..volume import Volume, reorient
from .area import FINE_MM, refine
from .centreline import slice_centres
from .cord_shape import IMAGE_MEASURES, CordShape
from .section_shape import INSIDE, turned
from .slice_stack import axial, extract_slices
from .upright import shrink_factors, upright

_SIGMA_MM = 10.0
# Weights beyond this many sigma do not matter.
_REACH = 4.0
_BINS = 359
_MEDIAN = 5
_LARGEST_DEG = 40.0
_SOBEL = np.array([[1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -2.0, -1.0]]) / 4.0


def symmetry_angle(section: np.ndarray, centre: np.ndarray, spacing: np.ndarray) -> float:
    """Rotation of the axis of symmetry from the A-P axis.

    Args:
        section: (rows R-L, columns P-A) image slice.
        centre: (row, column) of the cord's middle.
        spacing: (2,) mm.

    Returns:
        Radians, at most 40° to either side; the sign is that of SCT's rotation.
    """
    reach = np.ceil(_REACH * _SIGMA_MM / spacing).astype(int)
    low = np.maximum(np.floor(centre).astype(int) - reach, 0)
    high = np.minimum(np.ceil(centre).astype(int) + reach + 1, section.shape)
    part = np.asarray(section[low[0] : high[0], low[1] : high[1]], dtype=float)
    by_column = ndimage.convolve(part, _SOBEL.T) / spacing[1]
    by_row = ndimage.convolve(part, _SOBEL) / spacing[0]
    row = (np.arange(part.shape[0]) + low[0] - centre[0]) * spacing[0] / _SIGMA_MM
    column = (np.arange(part.shape[1]) + low[1] - centre[1]) * spacing[1] / _SIGMA_MM
    weight = np.exp(-0.5 * (row[:, None] ** 2 + column[None, :] ** 2)) * np.hypot(by_row, by_column)
    edge = np.pi * _BINS / (_BINS + 1)
    histogram, _ = np.histogram(
        np.arctan2(by_row, by_column), bins=_BINS, range=(-edge, edge), weights=weight
    )
    from scipy import signal  # takes half a second, and few measure symmetry

    smooth = signal.medfilt(np.tile(histogram, 3), _MEDIAN)[_BINS : 2 * _BINS]
    # Mirroring about a direction a maps direction d to 2a - d: the overlap with itself is a
    # circular convolution at 2a.
    overlap = np.convolve(smooth, np.tile(smooth, 3), mode="same")[_BINS : 2 * _BINS]
    directions = np.linspace(-1.0, 1.0, _BINS) * np.pi * (_BINS - 1) / (_BINS + 1)
    searched = np.abs(directions) <= np.radians(2 * _LARGEST_DEG)
    return float(directions[searched][np.argmax(overlap[searched])] / 2)


def smoothed_along(angles: np.ndarray, slices: float = 5.0) -> np.ndarray:
    """Angles smoothed over neighbouring slices (Gaussian, sigma in slices), as SCT does."""
    return ndimage.gaussian_filter1d(angles, slices) if len(angles) else angles


def add_image_measures(
    shape: CordShape, mask: Volume, image: Volume, *, progress: Progress | None = None
) -> CordShape:
    """``shape`` with quadrant areas and symmetry.

    Args:
        shape: of :func:`~.measure.measure`.
        mask: the mask that was measured.
        image: the anatomical image on the mask's grid.
        progress: receives progress; checked for cancellation at every slice.

    Returns:
        The same with ``IMAGE_MEASURES`` and "angle_hog" (degrees), NaN where a slice has no cord.

    Raises:
        InputError: the image has another grid than the mask; slices too tilted to compare.
        Cancelled: the user stopped the work.
    """
    progress = progress or Progress()
    volume, tilted = axial(mask, shape.options.threshold)
    picture = reorient(image, "LAS")
    if tilted or not picture.grid.same_as(volume.grid, tolerance_mm=1e-2):
        raise InputError(
            "The image has another grid than the mask.",
            hint="Resample one of them to the other's grid first.",
        )
    stack = extract_slices(volume, shape.options.threshold)
    shrink = _shrink(shape)
    slices = upright(stack, shrink, rescale=shape.options.rescaling == "sct")
    centres = slice_centres(stack)
    spacing = stack.grid.spacing
    measurable = np.flatnonzero(slices.measurable)
    turns = np.empty(len(measurable))
    for number, index in enumerate(measurable):
        progress.check_cancelled()
        section = np.asarray(picture.data[:, :, stack.slices[index]], dtype=float)
        # The image is shrunk as the mask is, which is the same as a smaller spacing.
        factor = np.ones(2) if shrink is None else shrink[index]
        turns[number] = symmetry_angle(section, centres[index], spacing[:2] * factor)
    turns = smoothed_along(turns)
    columns = {name: np.full(len(shape), np.nan) for name in (*IMAGE_MEASURES, "angle_hog")}
    for number, index in enumerate(measurable):
        progress.check_cancelled()
        progress.report(number / len(measurable), "Measuring symmetry")
        for name, value in section_symmetry(
            refine(slices.crop(index), spacing), turns[number]
        ).items():
            columns[name][index] = value
        columns["angle_hog"][index] = -math.degrees(turns[number])
    return shape.with_columns(columns)


def _shrink(shape: CordShape) -> np.ndarray | None:
    """(n, 2) factors along rows and columns by which the slices were shrunk when they were
    measured.
    """
    if not shape.options.angle_correction:
        return None
    angles = np.radians(np.column_stack([shape.columns["angle_AP"], shape.columns["angle_RL"]]))
    return shrink_factors(np.nan_to_num(angles), shape.options.tilt)


def section_symmetry(fine: np.ndarray, turn: float) -> dict[str, float]:
    """Quadrants and symmetry of one refined slice (rows from right to left, columns from posterior
    to anterior).

    Args:
        fine: soft values on pixels of 0.1 mm.
        turn: rotation of the axis of symmetry, radians.

    Returns:
        Areas in mm², Dice without unit, Hausdorff distances in mm, by name; nothing where no pixel
        is above 0.5.
    """
    inside = np.argwhere(fine > INSIDE)
    if len(inside) == 0:
        return {}
    centre = inside.mean(axis=0)
    straight = turned(fine, (centre[0], centre[1]), -turn)
    left, anterior = np.arange(fine.shape[0]) >= centre[0], np.arange(fine.shape[1]) >= centre[1]
    pixel = FINE_MM**2
    by_side = {"right": straight[~left], "left": straight[left]}
    measures = {}
    for side, half in by_side.items():
        measures[f"area_quadrant_anterior_{side}"] = float(half[:, anterior].sum()) * pixel
        measures[f"area_quadrant_posterior_{side}"] = float(half[:, ~anterior].sum()) * pixel
    for axis, values, middle in (("RL", straight, centre[0]), ("AP", straight.T, centre[1])):
        dice, difference, hausdorff = _mirror(values, round(float(middle)))
        measures[f"symmetry_dice_{axis}"] = dice
        measures[f"symmetry_difference_{axis}"] = difference
        measures[f"symmetry_hausdorff_{axis}"] = hausdorff
    return measures


def _mirror(values: np.ndarray, middle: int) -> tuple[float, float, float]:
    """Compare the rows from ``middle`` on with the mirrored rows before it: Dice, difference (mm²),
    Hausdorff distance (mm).
    """
    half = values[middle:]
    mirrored = np.zeros_like(half)
    other = values[middle::-1][: len(half)]
    mirrored[: len(other)] = other
    overlap, total = float((half * mirrored).sum()), float(half.sum() + mirrored.sum())
    dice = 2 * overlap / total if total > 0 else 0.0
    return (
        dice,
        (total - 2 * overlap) * FINE_MM**2,
        _hausdorff(half > INSIDE, mirrored > INSIDE) * FINE_MM,
    )


def _hausdorff(a: np.ndarray, b: np.ndarray) -> float:
    """Largest distance, pixels, from a pixel of one region to the nearest of the other; infinite
    where one is empty.
    """
    if not a.any() or not b.any():
        return 0.0 if a.any() == b.any() else math.inf
    return max(_farthest(a, b), _farthest(b, a))


def _farthest(a: np.ndarray, b: np.ndarray) -> float:
    outside = np.argwhere(a & ~b)
    if len(outside) == 0:
        return 0.0
    # The nearest pixel of a region to one outside it is on the region's border.
    border = np.argwhere(b & ~ndimage.binary_erosion(b))
    from scipy.spatial import cKDTree  # seldom needed, and not quick to import

    return float(cKDTree(border).query(outside)[0].max())
