"""What goes in: one contrast of a subject, and the checks of its mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..volume import Volume
from ..volume.slice_moments import EMPTY

# Rounding of a resampled mask, not another kind of image.
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Contrast:
    """One image of a subject, of which the cord was segmented.

    Attributes:
        name: for example "T1w".
        mask: binary or soft mask of the cord, 0 to 1, on the image's grid, any orientation.
    """

    name: str
    mask: Volume

    def __post_init__(self):
        data = np.asarray(self.mask.data)
        low, high = float(data.min()), float(data.max())
        if high <= EMPTY:
            raise InputError(
                f"The mask of {self.name} is empty: all its voxels are 0. Give a mask of the cord,"
                " or leave it out."
            )
        if not (low >= -_TOLERANCE and high <= 1 + _TOLERANCE):  # nor what is not a number
            raise InputError(
                f"The mask of {self.name} has values from {low:g} to {high:g}. A mask of the cord"
                " goes from 0 to 1; this may be an image, or a segmentation with several labels."
            )


def check_contrasts(contrasts: list[Contrast], reference: str) -> Contrast:
    """The reference among the contrasts.

    Raises:
        InputError: it is not there, or a name is used twice.
    """
    names = [one.name for one in contrasts]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"The contrast {twice[0]} is given twice. Give each contrast a name of its own."
        )
    found = [one for one in contrasts if one.name == reference]
    if not found:
        raise InputError(
            f"There is no mask of the reference contrast {reference}; there are"
            f" {', '.join(names) or 'none'}. Give one, or choose another reference."
        )
    return found[0]
