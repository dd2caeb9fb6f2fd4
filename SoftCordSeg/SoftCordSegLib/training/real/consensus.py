"""One label from several predictions of the same cord, and where it can be trusted.

Self-training learns from predictions: this keeps what is consistent over contrasts (and over views of one image), slice by
slice, and leaves the rest open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...errors import InputError
from ...volume import Volume
from ...volume.orientation import slice_axis

# A prediction agrees in a slice if its area is that near to the median of all, as a part of it, or in mm².
TOLERANCE = 0.15
_LEAST_TOLERANCE_MM2 = 3.0
# That part of the predictions must agree, or the slice is left open.
MAJORITY = 0.6
# So far around the outlines of a slice that is left open nothing is said, mm.
_DOUBT_MM = 4.0


@dataclass(frozen=True, eq=False)
class Consensus:
    """What several predictions say together.

    Attributes:
        label: mean of the predictions that agree, float32 in [0, 1].
        weight: 1 where the label is trusted, 0 where not, float32.
        trusted: the part of the slices with any cord that is trusted, 0 to 1.
    """

    label: Volume
    weight: Volume
    trusted: float


def consensus(predictions: Sequence[Volume], tolerance: float = TOLERANCE, majority: float = MAJORITY) -> Consensus:
    """Average what agrees; doubt slices in which too few agree.

    Args:
        predictions: soft masks (0 to 1) of one cord, all on the same grid.
        tolerance, majority: see :data:`TOLERANCE`, :data:`MAJORITY`.

    Raises:
        InputError: the grids differ, or there is no prediction.
    """
    if not predictions or any(not p.grid.same_as(predictions[0].grid) for p in predictions):
        raise InputError("A consensus needs predictions on one grid. Give images of one participant on the same grid.")
    first = predictions[0]
    axis = slice_axis(first.affine)
    spacing = np.delete(first.spacing, axis)
    stack = np.stack([np.moveaxis(p.data, axis, 0) for p in predictions]).astype(np.float32)
    areas = stack.sum(axis=(2, 3)) * spacing.prod()
    middle = np.median(areas, axis=0)
    agrees = np.abs(areas - middle) <= np.maximum(tolerance * middle, _LEAST_TOLERANCE_MM2)
    trusted = agrees.mean(axis=0) >= majority
    label = np.zeros(stack.shape[1:], np.float32)
    weight = np.ones(stack.shape[1:], np.float32)
    for index in np.flatnonzero(areas.any(axis=0)):
        chosen = agrees[:, index] if trusted[index] else np.ones(len(stack), bool)
        label[index] = stack[chosen, index].mean(axis=0)
        if not trusted[index]:
            seen = stack[:, index].max(axis=0) > 0.05
            weight[index][ndimage.distance_transform_edt(~seen, sampling=spacing) <= _DOUBT_MM] = 0
    filled = areas.any(axis=0)
    part = float((filled & trusted).sum() / max(filled.sum(), 1))
    label, weight = (first.with_data(np.ascontiguousarray(np.moveaxis(x, 0, axis))) for x in (label, weight))
    return Consensus(label, weight, part)
