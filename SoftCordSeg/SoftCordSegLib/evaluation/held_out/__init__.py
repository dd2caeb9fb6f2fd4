"""The measure on participants held out: scores of each image, areas along the cord in scanner
coordinates, rows, comparison of bundles.

The rows are frames of pandas, and come from ``measure_rows`` and ``bundle_comparison``.
"""

from .drawn_scores import read_offsets
from .image_measures import Measured, Measuring, as_drawn, read_tips, several_contrasts
from .leaks import leak_of, leaks

__all__ = [
    "Measured",
    "Measuring",
    "as_drawn",
    "leak_of",
    "leaks",
    "read_offsets",
    "read_tips",
    "several_contrasts",
]
