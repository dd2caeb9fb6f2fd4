"""Floor 2: from raw series to one image a contrast: echoes combined, diffusion-weighted and
functional volumes corrected for motion and averaged.
"""

from .b_values import (
    B0_BELOW,
    Weighting,
    find_weighting,
    read_bvals,
    read_directions,
    split_by_bvals,
    split_by_directions,
)
from .echoes import root_mean_square
from .motion_correction import Average, Motion, MotionOptions, average, estimate_motion
from .series import Series, mean_volume, read_series

__all__ = [
    "B0_BELOW",
    "Average",
    "Motion",
    "MotionOptions",
    "Series",
    "Weighting",
    "average",
    "estimate_motion",
    "find_weighting",
    "mean_volume",
    "read_bvals",
    "read_directions",
    "read_series",
    "root_mean_square",
    "split_by_bvals",
    "split_by_directions",
]
