"""Where motion is measured: a column about the cord."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..volume import Grid, Volume, reorient, resample_mask
from ..volume.slice_moments import slice_moments, slices_with_mask
from .series import FRAME

# A part of a voxel over which the column's edge fades, so that no voxel enters or leaves at once.
_FADE = 1.0


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
        raise InputError(
            "The mask of the cord is empty, or it lies outside the series. Give the mask of this"
            " series."
        )
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
    """Everything, where nothing is known of the cord."""
    return Column(np.ones(grid.shape, np.float32), np.ones(grid.shape[2], bool))
