"""The pieces of a mask: the cord is one, whatever else there is was not cord."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ...errors import InputError

# Voxels that share a corner belong together: thick slices of a bent cord often touch no other way.
_TOUCHING = np.ones((3, 3, 3), bool)


def count_components(mask: np.ndarray) -> int:
    """Number of pieces of a boolean array (i, j, k); voxels that share a face, an edge or a corner
    are of one piece.
    """
    return int(ndimage.label(mask, _TOUCHING)[1])


def count_false_positives(mask: np.ndarray, reference: np.ndarray | None = None) -> int:
    """Number of pieces that are not cord.

    Args:
        mask: boolean (i, j, k).
        reference: boolean, of the same shape: a piece that has no voxel in common with it is not
            cord.  Without a reference the largest piece passes for the cord, and all others do not;
            that is fair only of a whole field of view.

    Raises:
        InputError: their shapes differ.
    """
    labels, count = ndimage.label(mask, _TOUCHING)
    if reference is None:
        return max(count - 1, 0)
    if mask.shape != reference.shape:
        raise InputError(
            f"The mask has the shape {mask.shape} and the reference {reference.shape}: their pieces"
            " cannot be compared."
        )
    hit = np.unique(labels[np.asarray(reference, bool)])
    return count - int(np.count_nonzero(hit))
