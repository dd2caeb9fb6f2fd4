"""The threshold among float32 numbers, where rounding must never decide on which side a corrected
voxel lies.
"""

from __future__ import annotations

import numpy as np


def at_least(p: np.ndarray, threshold: float) -> np.ndarray:
    """``p >= threshold`` with the threshold rounded to float32: what NumPy does for float32 arrays
    and Python floats.
    """
    return p >= checked(threshold)


def sides(threshold: float) -> tuple[np.float32, np.float32]:
    """The largest float32 below the threshold and the smallest one not below it.

    Below and not below hold for the threshold as it is and for its nearest float32, which may lie
    on either side of it.
    """
    nearest = checked(threshold)
    not_below = nearest if float(nearest) >= threshold else np.nextafter(nearest, np.float32(1))
    return np.nextafter(nearest, np.float32(0)), not_below


def checked(threshold: float) -> np.float32:
    """The threshold as float32.

    Raises:
        ValueError: not above 0 (as float32) and at most 1.
    """
    nearest = np.float32(threshold)
    # Written so that NaN, for which every comparison is false, is refused too.
    if not (nearest > 0 and threshold <= 1):
        raise ValueError(f"The threshold must be above 0 and at most 1; it is {threshold:g}.")
    return nearest
