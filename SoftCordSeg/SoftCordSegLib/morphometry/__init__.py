"""Floor 2: the shape of the cord, its vertebral levels, and the tables of both."""

from .aggregate import LevelSummary, Summary, aggregate
from .centreline import Centreline
from .discs import DiscLabel, check_discs, discs_from_label_image, discs_from_points
from .levels import add_levels, add_levels_from_mask, levels_from_discs, levels_from_labelled_mask
from .live import LiveArea
from .measure import centreline_of, measure
from .names import disc_name, level_name, parse_disc, parse_level, parse_levels, parse_slices
from .shape import IMAGE_MEASURES, MEASURES, UNITS, CordShape, MeasureOptions, SliceShape
from .table import csv_columns, csv_text, table_rows, to_json, write_csv, write_json
from .wording import slice_ranges

__all__ = [
    "IMAGE_MEASURES",
    "MEASURES",
    "UNITS",
    "Centreline",
    "CordShape",
    "DiscLabel",
    "LevelSummary",
    "LiveArea",
    "MeasureOptions",
    "SliceShape",
    "Summary",
    "add_levels",
    "add_levels_from_mask",
    "aggregate",
    "centreline_of",
    "check_discs",
    "csv_columns",
    "csv_text",
    "disc_name",
    "discs_from_label_image",
    "discs_from_points",
    "level_name",
    "levels_from_discs",
    "levels_from_labelled_mask",
    "measure",
    "parse_disc",
    "parse_level",
    "parse_levels",
    "parse_slices",
    "slice_ranges",
    "table_rows",
    "to_json",
    "write_csv",
    "write_json",
]
