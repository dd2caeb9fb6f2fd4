"""The result of a segmentation: the mask and a sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..volume import Box, Volume
from ..volume.orientation import slice_axis
from .located_cord import LocatedCord
from .mask_ends import abrupt_ends, interruptions


@dataclass(frozen=True, eq=False)
class SoftMask:
    """A soft mask, the box that was segmented, and sentences on both.

    Attributes:
        volume: float32 values in [0, 1], on the grid of the image.
        box: the region that was segmented; None where nothing was found.
        message: one sentence on the outcome.
        notes: further sentences for the reader.
        device: that the network ran on, "cpu" or "cuda"; "" where that is not known.
        engine: that ran it, name and version; "" likewise.
        located: what the locator found; None where it was not asked, or found nothing.
    """

    volume: Volume
    box: Box | None
    message: str
    notes: tuple[str, ...] = ()
    device: str = ""
    engine: str = ""
    located: LocatedCord | None = None

    @property
    def found(self) -> bool:
        """False where the mask is empty."""
        return bool(self.volume.data.max(initial=0) > 0)


NOTHING_FOUND = (
    "No spinal cord was found in this image, so the mask is empty. "
    "If there is a cord, draw a box around it and segment again in that box."
)

# The same where the network saw something.
NOTHING_PLAUSIBLE = (
    "No spinal cord was found in this image, so the mask is empty. What looks most like a cord does"
    " not lie in a spine: what is around it is even, and differs from left to right. "
    "If it is the cord, draw a box around it and segment again in that box."
)

# The same where it saw a piece of something.
NOTHING_WHOLE = (
    "No spinal cord was found in this image, so the mask is empty. What looks most like a cord is"
    " short and begins in the middle of the image, as the lower end of the sac does; a cord begins"
    " at the brain. If it is the cord, draw a box around it and segment again in that box."
)


def segmentation_result(
    mask: Volume, box: Box | None, notes: tuple[str, ...] = (), image: Volume | None = None
) -> SoftMask:
    """The mask with its message: the volume and length that were found, or that nothing was; and
    notes on ends inside the image and on interruptions.

    Args:
        mask: soft values on the image's own grid, float32.
        box: the region that was segmented.
        notes: further sentences for the reader.
        image: that was segmented; None where the user chose the region, which the mask may fill.
    """
    if not mask.data.any():
        return SoftMask(mask, None, NOTHING_FOUND, notes)
    axis = slice_axis(mask.affine)
    filled = np.flatnonzero(mask.data.any(axis=tuple({0, 1, 2} - {axis})))
    length = (filled[-1] - filled[0] + 1) * mask.spacing[axis]
    volume = float(mask.data.sum(dtype=float) * mask.grid.voxel_volume / 1000)
    if image is not None:
        notes += tuple(end.sentence for end in abrupt_ends(mask, image))
        notes += tuple(gap.sentence for gap in interruptions(mask, image))
    return SoftMask(mask, box, f"Spinal cord found: {volume:.1f} mL over {length:.0f} mm.", notes)
