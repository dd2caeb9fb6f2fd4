"""The measure on people held out: scores of each image, areas along the cord in scanner
coordinates, rows, comparison.
"""

from .better import BundleComparison, better_in_every_row
from .edge_offset import read_offsets
from .image_measures import Measured, Measuring, read_tips
from .leaks import leak_of, leaks
from .measure_rows import MeasureRow, measure_rows
from .measure_text import measure_text

__all__ = [
    "BundleComparison",
    "MeasureRow",
    "Measured",
    "Measuring",
    "better_in_every_row",
    "leak_of",
    "leaks",
    "measure_rows",
    "measure_text",
    "read_offsets",
    "read_tips",
]
