"""What is said of a finished mask."""

from __future__ import annotations

import numpy as np

from ..volume import Box, Volume
from ..volume.orientation import slice_axis
from .soft_mask import SoftMask

NOTHING_FOUND = (
    "No spinal cord was found in this image, so the mask is empty. "
    "If a cord is there, draw a box around it and run again with that box."
)


def answer(mask: Volume, box: Box | None, notes: tuple[str, ...] = ()) -> SoftMask:
    """The mask with its sentence: how much was found, or that nothing was.

    Args:
        mask: soft values on the image's own grid, float32.
        box: what the network looked at.
        notes: what a reader should know beside it.
    """
    if not mask.data.any():
        return SoftMask(mask, None, NOTHING_FOUND, notes)
    axis = slice_axis(mask.affine)
    filled = np.flatnonzero(mask.data.any(axis=tuple({0, 1, 2} - {axis})))
    length = (filled[-1] - filled[0] + 1) * mask.spacing[axis]
    volume = float(mask.data.sum(dtype=float) * mask.grid.voxel_volume / 1000)
    return SoftMask(mask, box, f"Spinal cord found: {volume:.1f} mL over {length:.0f} mm.", notes)
