"""Floor 3: how good masks are: scores of an image, CSA over contrasts, statistics and tables.

What makes frames of many images is imported from its own module (``csa_frames``, ``paired_tests``,
``paper_tables``, ``evaluation_summary``): importing this package imports neither pandas,
statsmodels nor torch.
"""

from .case_table import Case, read_cases
from .evaluate_methods import Evaluation, FailedImage, ScoreOptions, evaluate
from .image_scores import ImageScore, on_grid, score
from .mask_metrics import (
    average_surface_distance,
    count_components,
    count_false_positives,
    dice,
    relative_volume_error,
    soft_dice,
    volume_ratio,
)
from .methods import BundleMethod, FolderMethod, Method, Prediction, read_image
from .resolutions import ResolutionArea, at_resolution, compare_resolutions
from .slice_areas import REFERENCE, SOFT, CordRange, SliceArea, usual_range

__all__ = [
    "REFERENCE",
    "SOFT",
    "BundleMethod",
    "Case",
    "CordRange",
    "Evaluation",
    "FailedImage",
    "FolderMethod",
    "ImageScore",
    "Method",
    "Prediction",
    "ResolutionArea",
    "ScoreOptions",
    "SliceArea",
    "at_resolution",
    "average_surface_distance",
    "compare_resolutions",
    "count_components",
    "count_false_positives",
    "dice",
    "evaluate",
    "on_grid",
    "read_cases",
    "read_image",
    "relative_volume_error",
    "score",
    "soft_dice",
    "usual_range",
    "volume_ratio",
]
