"""Floor 3: how good masks are: metrics, CSA over contrasts, statistics, tables and figures.

Importing this package imports neither pandas, statsmodels, matplotlib nor torch.
"""

from .areas.csa import ImageArea, ParticipantSpread
from .areas.drift import ReleaseDifference, ReleaseDrift
from .areas.grid_spread import GridSpread, grid_spreads
from .areas.place import Place, usual_place
from .areas.slices import REFERENCE, SliceArea
from .cases import Case, read_cases
from .evaluate import Evaluation, Options, evaluate
from .masks.components import count_components, count_false_positives
from .masks.grids import on_grid
from .masks.overlap import dice, relative_volume_error, soft_dice, volume_ratio
from .masks.score import ImageScore, score
from .masks.surface import average_surface_distance
from .methods import BundleMethod, FolderMethod, Method, Prediction
from .resolutions import ResolutionArea, at_resolution, compare_resolutions
from .statistics.paired import regression, repeated_measures_anova, wilcoxon_pairs
from .summary import Summary, summarise
from .tables.table import PaperTable

__all__ = [
    "REFERENCE",
    "BundleMethod",
    "Case",
    "Evaluation",
    "FolderMethod",
    "GridSpread",
    "ImageArea",
    "ImageScore",
    "Method",
    "Options",
    "PaperTable",
    "ParticipantSpread",
    "Place",
    "Prediction",
    "ReleaseDifference",
    "ReleaseDrift",
    "SliceArea",
    "ResolutionArea",
    "Summary",
    "at_resolution",
    "average_surface_distance",
    "compare_resolutions",
    "count_components",
    "count_false_positives",
    "dice",
    "evaluate",
    "grid_spreads",
    "on_grid",
    "read_cases",
    "regression",
    "relative_volume_error",
    "repeated_measures_anova",
    "score",
    "soft_dice",
    "summarise",
    "usual_place",
    "volume_ratio",
    "wilcoxon_pairs",
]
