"""One label from several predictions of the same cord, and where it can be trusted.

Self-training learns from predictions: this keeps, slice by slice, what the edges of all contrasts
support and most predictions agree with, and leaves the rest open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.volume import Volume
from SoftCordSegLib.volume.orientation import slice_axis

# Edges are looked for at this scale, mm, or half a voxel where voxels are larger.
_SCALE_MM = 0.55
# The intensities so far around all outlines say what a strong edge is.
_NEAR_MM = 3.0
# A prediction whose edges are that much weaker than the best one's (standard deviations per mm)
# counts a third as much.
_LESS_SUPPORT = 0.03
# A prediction agrees in a slice if its area is that near to the label's, as a part of it, or in
# mm².
TOLERANCE = 0.15
_LEAST_TOLERANCE_MM2 = 3.0
# Predictions of that part of all weight must agree, or the slice is left open.
MAJORITY = 0.6
# So far around the outlines of a slice that is left open nothing is said, mm.
_DOUBT_MM = 4.0


@dataclass(frozen=True, eq=False)
class Consensus:
    """What several predictions say together.

    Attributes:
        label: weighted mean of the predictions, float32 in [0, 1].
        weight: 1 where the label is trusted, 0 where not, float32.
        trusted: the part of the slices with any cord that is trusted, 0 to 1.
    """

    label: Volume
    weight: Volume
    trusted: float


def consensus(
    predictions: Sequence[Volume],
    images: Sequence[Volume],
    tolerance: float = TOLERANCE,
    majority: float = MAJORITY,
) -> Consensus:
    """Average predictions, each slice by what its edges say for each of them; doubt slices in which
    too few agree.

    Contrasts fail in different places: where one shows the cord's border, the label follows the
    prediction made from it.

    Args:
        predictions: soft masks (0 to 1) of one cord, all on the same grid.
        images: the images of that cord, on the same grid; not necessarily one a prediction.
        tolerance, majority: see :data:`TOLERANCE`, :data:`MAJORITY`.

    Raises:
        InputError: the grids differ, or there is no prediction.
    """
    if (
        not predictions
        or not images
        or any(not v.grid.same_as(predictions[0].grid) for v in (*predictions, *images))
    ):
        raise InputError(
            "A consensus needs predictions and images on one grid.",
            hint="Give images of one participant on the same grid.",
        )
    first = predictions[0]
    axis = slice_axis(first.affine)
    spacing = np.delete(first.spacing, axis)
    stack = np.stack([np.moveaxis(p.data, axis, 0) for p in predictions]).astype(np.float32)
    seen = [np.moveaxis(image.data, axis, 0) for image in images]
    label = np.zeros(stack.shape[1:], np.float32)
    weight = np.ones(stack.shape[1:], np.float32)
    filled = np.flatnonzero(stack.any(axis=(0, 2, 3)))
    trusted = 0
    for index in filled:
        outlines = stack[:, index]
        areas = outlines.sum(axis=(1, 2)) * spacing.prod()
        label[index], agreement = _weighed(
            outlines, areas, [image[index] for image in seen], spacing, tolerance
        )
        if agreement >= majority:
            trusted += 1
        else:
            shown = outlines.max(axis=0) > 0.05
            weight[index][ndimage.distance_transform_edt(~shown, sampling=spacing) <= _DOUBT_MM] = 0
    label, weight = (
        first.with_data(np.ascontiguousarray(np.moveaxis(x, 0, axis))) for x in (label, weight)
    )
    return Consensus(label, weight, trusted / max(len(filled), 1))


def _weighed(
    outlines: np.ndarray,
    areas: np.ndarray,
    images: list[np.ndarray],
    spacing: np.ndarray,
    tolerance: float,
) -> tuple[np.ndarray, float]:
    """The label (i, j) of one slice, and the part of the predictions' weight that agrees with it, 0
    to 1.
    """
    empty = areas <= _LEAST_TOLERANCE_MM2
    # Whether there is a cord is put to the vote: an outline of something else may well follow
    # strong edges.
    if empty.mean() >= 0.5:
        return np.zeros_like(outlines[0]), float(empty.mean())
    support = edge_support(outlines, images, spacing)
    say = np.exp((support - support[~empty].max()) / _LESS_SUPPORT) * ~empty
    say /= say.sum()
    label = np.tensordot(say, outlines, axes=1)
    area = float(label.sum() * spacing.prod())
    agrees = np.abs(areas - area) <= max(tolerance * area, _LEAST_TOLERANCE_MM2)
    return label, float(say[agrees].sum())


def edge_support(
    outlines: Sequence[np.ndarray], images: Sequence[np.ndarray], spacing: np.ndarray
) -> np.ndarray:
    """How much brighter, or darker, all images become across each contour.

    The mean over images of the part of the outline's gradient that the image's gradient shares, in
    standard deviations of the image nearby: an outline that leaves the cord's edge, or runs from
    fluid to bone where both differ from the cord to other sides, gets less.  Outlines of one cord
    in images that lie on each other can be compared by it, whatever the contrasts are.

    Args:
        outlines: soft masks (i, j) of one slice, 0 to 1.
        images: intensities (i, j) of the same slice.
        spacing: mm, of both axes.

    Returns:
        One value an outline, in standard deviations per mm; 0 for an empty one.
    """
    reach = (
        ndimage.distance_transform_edt(~(np.max(outlines, axis=0) > 0.05), sampling=spacing)
        <= _NEAR_MM
    )
    slopes = []
    for image in images:
        spread = float(image[reach].std())
        slopes.append(
            _gradient(image, spacing) / spread
            if spread > 0
            else np.zeros((2, *image.shape), np.float32)
        )
    support = []
    for outline in outlines:
        edge = _gradient(outline, spacing)
        length = float(np.hypot(*edge).sum())
        support.append(
            np.mean([abs(float((edge * slope).sum())) for slope in slopes]) / length
            if length > 0
            else 0.0
        )
    return np.array(support)


def _gradient(plane: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """(2, i, j), per mm, smoothed."""
    sigma = np.maximum(_SCALE_MM / spacing, 0.5)
    plane = plane.astype(np.float32)
    return np.stack(
        [
            ndimage.gaussian_filter(plane, sigma, order=order) / step
            for order, step in zip(((1, 0), (0, 1)), spacing)
        ]
    )
