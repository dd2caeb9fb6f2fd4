"""From raw series to one image a contrast: echoes combined, diffusion-weighted volumes corrected
for motion and averaged.
"""

from .corrected import Average, average
from .diffusion import (
    B0_BELOW,
    Split,
    check_length,
    read_bvals,
    read_directions,
    split_by_bvals,
    split_by_directions,
)
from .echoes import root_mean_square
from .motion import Motion, MotionOptions, estimate_motion
from .series import Series, mean_volume, read_series

__all__ = [
    "B0_BELOW",
    "Average",
    "Motion",
    "MotionOptions",
    "Series",
    "Split",
    "average",
    "check_length",
    "estimate_motion",
    "mean_volume",
    "read_bvals",
    "read_directions",
    "read_series",
    "root_mean_square",
    "split_by_bvals",
    "split_by_directions",
]
