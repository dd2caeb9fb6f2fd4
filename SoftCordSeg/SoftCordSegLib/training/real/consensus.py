"""One label from several predictions of the same cord, and where it can be trusted.

Self-training learns from predictions; this keeps what is confident and consistent over contrasts (or over views of one image)
and leaves the rest open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...errors import InputError
from ...volume import Volume
from ...volume.orientation import slice_axis

# Slices whose areas spread by more than this part of their mean over the predictions are left open.
SPREAD = 0.15
# So far around a doubted slice's masks nothing is said, mm.
_DOUBT_MM = 4.0


@dataclass(frozen=True, eq=False)
class Consensus:
    """Attributes: label (mean of the predictions) and weight (0 where they disagree, else 1), and the part of slices kept."""

    label: Volume
    weight: Volume
    kept: float


def consensus(predictions: Sequence[Volume], spread: float = SPREAD) -> Consensus:
    """Average soft masks on one grid, and doubt the slices in which their areas differ.

    Args:
        predictions: soft masks (0 to 1) of one cord, all on the same grid.
        spread: the standard deviation (ddof 0) of a slice's area over its mean up to which the slice is trusted.

    Raises:
        InputError: the grids differ, or there is no prediction.
    """
    if not predictions or any(not p.grid.same_as(predictions[0].grid) for p in predictions):
        raise InputError("A consensus needs predictions on one grid. Give images of one participant on the same grid.")
    first = predictions[0]
    stack = np.stack([p.data for p in predictions])
    mean = stack.mean(axis=0, dtype=np.float32)
    axis = slice_axis(first.affine)
    others = tuple(a + 1 for a in range(3) if a != axis)
    areas = stack.sum(axis=others)
    middle = areas.mean(axis=0)
    doubted = areas.std(axis=0) > spread * np.maximum(middle, 1e-6)
    weight = np.ones(first.shape, np.float32)
    seen = np.moveaxis(stack.max(axis=0) > 0.05, axis, 0)
    spacing = np.delete(first.spacing, axis)
    view = np.moveaxis(weight, axis, 0)
    for index in np.flatnonzero(doubted & (middle > 0)):
        view[index][ndimage.distance_transform_edt(~seen[index], sampling=spacing) <= _DOUBT_MM] = 0
    filled = middle > 0
    kept = float((filled & ~doubted).sum() / max(filled.sum(), 1))
    return Consensus(first.with_data(mean), first.with_data(weight), kept)
