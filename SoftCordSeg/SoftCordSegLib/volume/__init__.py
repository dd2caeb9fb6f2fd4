"""Floor 1: a volume is an array and an affine; orientation, resampling, box, intensity scaling and
NIfTI.
"""

from .box import Box
from .grid import Grid
from .mask_values import check_is_cord, is_scaled_image, label_of, mask_values
from .nifti import check_is_file, read_grid, read_nifti, time_points, write_nifti
from .orientation import reorient, same_orientation
from .resampling import resample, resample_mask
from .volume import Volume

__all__ = [
    "Box",
    "Grid",
    "Volume",
    "check_is_cord",
    "check_is_file",
    "is_scaled_image",
    "label_of",
    "mask_values",
    "read_grid",
    "read_nifti",
    "reorient",
    "resample",
    "resample_mask",
    "same_orientation",
    "time_points",
    "write_nifti",
]
