"""What an image must be to be segmented."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..volume import Volume


def check_image(image: Volume) -> None:
    """Raise a sentence if no cord could be found in ``image`` whatever the network.

    Raises:
        InputError: one slice, NaN or infinite values, or the same value everywhere.
    """
    if min(image.shape) < 2:
        raise InputError(
            f"The image is a single slice ({_text(image.shape)} voxels). Give a stack of at least"
            " two slices."
        )
    data = image.data
    if np.issubdtype(data.dtype, np.floating) and not np.isfinite(data).all():
        raise InputError(
            "The image has voxels that are NaN or infinite. Replace them (for example by 0) and try"
            " again."
        )
    if data.min() == data.max():
        raise InputError(
            f"The image is constant: every voxel is {data.flat[0]}. Check that the right file was"
            " exported."
        )


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(str(n) for n in shape)
