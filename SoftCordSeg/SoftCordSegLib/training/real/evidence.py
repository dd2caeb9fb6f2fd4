"""How well the edges of an image speak for an outline, without knowing what is right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

# Edges are looked for at this scale, mm, or half a voxel where voxels are larger.
_SCALE_MM = 0.55
# The intensities so far around all outlines say what a strong edge is.
_NEAR_MM = 3.0


def edge_support(
    outlines: Sequence[np.ndarray], images: Sequence[np.ndarray], spacing: np.ndarray
) -> np.ndarray:
    """How much brighter, or darker, all images become across each outline.

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
