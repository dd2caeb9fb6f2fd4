"""Voxels that hold no number: outside the body, as resampling leaves them, and holes inside it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def fill_missing(data: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Put numbers where there are none, and say so.

    What is connected to the border of the image lies outside the field of view, and becomes
    background: 0, or the lowest value where that is below 0.  Other voxels were lost inside the
    body, and take the value of their nearest neighbour.

    Args:
        data: (i, j, k) of a floating type, finite somewhere.

    Returns:
        The data, themselves where nothing was missing, and sentences.
    """
    missing = ~np.isfinite(data)
    if not missing.any():
        return data, ()
    background = data.dtype.type(min(0.0, float(data[~missing].min())))
    outside = _connected_to_border(missing)
    inside = missing & ~outside
    filled, notes = np.where(missing, background, data), []
    number = "NaN" if np.isnan(data[missing]).all() else "NaN or infinite"
    if outside.any():
        notes.append(
            f"{int(outside.sum())} of {data.size} voxels are {number}; {background:g} was put in"
            " their place."
        )
    if inside.any():
        nearest = ndimage.distance_transform_edt(
            missing, return_distances=False, return_indices=True
        )
        filled[inside] = data[tuple(axis[inside] for axis in nearest)]
        count = int(inside.sum())
        notes.append(
            f"{count} of {data.size} voxels inside the image are {number}; the value of the nearest"
            " neighbour was put in the place of each."
        )
    return filled, tuple(notes)


def _connected_to_border(missing: np.ndarray) -> np.ndarray:
    pieces, _ = ndimage.label(missing)
    faces = [np.take(pieces, end, axis).ravel() for axis in range(missing.ndim) for end in (0, -1)]
    touching = np.unique(np.concatenate(faces))
    return np.isin(pieces, touching[touching > 0])
