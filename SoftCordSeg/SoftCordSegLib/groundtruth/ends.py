"""The ends of a stack of slices: padded before the registration, trimmed before the average."""

from __future__ import annotations

import numpy as np

from ..volume import Volume
from ..volume.slice_moments import EMPTY, slices_with_mask

# Trimming takes at most this part of a contrast at each end, so that half of it always stays.
MOST_TRIMMED = 4


def pad_ends(mask: Volume) -> Volume:
    """The mask with its first and last slice repeated once more outward.

    Only for the registration: linear interpolation between thick slices fades out towards the last
    of them, and an oblique view of it would be cut.  The authors do the same for this reason
    (pad_seg.py: "to overcome edge effect").

    Args:
        mask: third axis along the cord.

    Returns:
        The mask on a grid of two more slices, one at each end.
    """
    numbers = slices_with_mask(mask)
    first, last = int(numbers[0]), int(numbers[-1])
    grid = mask.grid.crop(np.array([0, 0, -1]), np.array(mask.shape) + [0, 0, 1])
    data = np.zeros(grid.shape, np.float32)
    data[:, :, 1:-1] = mask.data
    data[:, :, first], data[:, :, last + 2] = mask.data[:, :, first], mask.data[:, :, last]
    return Volume(data, grid.affine)


def trim_ends(
    mask: np.ndarray, coverage: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Mask and coverage without the first and last slices of the mask.

    The end slices of a contrast are seen only in part in the reference's space, and badly
    registered, so they would blur the average (the authors' remove_slices_seg.py).  **At most a
    quarter** of the slices that the mask reaches is left out at each end, so that at least half of
    a short stack of thick slices stays, and all of a single slice.

    The authors meant eight slices instead of ten for T2*w and diffusion, but their script never
    gets to know the contrast; here one rule holds for all, and what differs is said by name
    (``GroundTruthOptions.trim_of``).

    Args:
        mask, coverage: (i, j, k) in the reference's space.
        count: slices to leave out at each end.

    Returns:
        Both, 0 in what was left out, and how many slices that was at each end.
    """
    reached = np.flatnonzero((mask > EMPTY).any(axis=(0, 1)))
    if len(reached) == 0:
        return mask, coverage, 0
    first, last = int(reached[0]), int(reached[-1]) + 1
    count = min(count, (last - first) // MOST_TRIMMED)
    if count == 0:
        return mask, coverage, 0
    kept = np.zeros(mask.shape[2], bool)
    kept[first + count : last - count] = True
    return mask * kept, coverage * kept, count
