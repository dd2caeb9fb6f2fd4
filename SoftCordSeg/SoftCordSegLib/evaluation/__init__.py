"""Floor 3: how good masks are: metrics, CSA over contrasts, statistics, tables and figures.

Importing this package imports neither pandas, statsmodels, matplotlib nor torch.
"""

from .areas import REFERENCE, SliceArea
from .cases import Case, read_cases
from .components import count_components, count_false_positives
from .evaluate import Evaluation, Options, evaluate
from .grids import on_grid
from .methods import BundleMethod, FolderMethod, Method, Prediction
from .metrics import dice, relative_volume_error, soft_dice, volume_ratio
from .score import ImageScore, score
from .spread import GridSpread, grid_spreads
from .surface import average_surface_distance

__all__ = [
    "REFERENCE",
    "BundleMethod",
    "Case",
    "Evaluation",
    "FolderMethod",
    "GridSpread",
    "ImageScore",
    "Method",
    "Options",
    "Prediction",
    "SliceArea",
    "average_surface_distance",
    "count_components",
    "count_false_positives",
    "dice",
    "evaluate",
    "grid_spreads",
    "on_grid",
    "read_cases",
    "relative_volume_error",
    "score",
    "soft_dice",
    "volume_ratio",
]
