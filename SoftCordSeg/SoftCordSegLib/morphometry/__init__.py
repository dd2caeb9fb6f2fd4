"""Floor 2: the shape of the cord, its vertebral levels, and the tables of both.

Other rooms import from here, not from the files; from ``disc_files``, what reads and writes discs.
"""

from .aggregate import LevelSummary, Summary, aggregate
from .centreline import Centreline
from .common_stretch import (
    CommonRow,
    levels_in_common,
    reached_by_all,
    slices_in_common,
    stretch_note,
)
from .contrast_spread import (
    ContrastSpread,
    contrasts_csv_text,
    spread_over_contrasts,
)
from .cord_shape import IMAGE_MEASURES, MEASURES, UNITS, CordShape, MeasureOptions, SliceShape
from .csa_table import csv_columns, csv_text, table_rows, text_added_to, to_json, write_csv
from .disc_chain import FIRST as FIRST_DISC
from .disc_chain import PAM50_SLICES
from .discs import (
    DiscLabel,
    carry_over_discs,
    check_discs,
    discs_from_label_image,
    discs_from_points,
    discs_to_label_image,
    found_remark,
    is_unmoved,
    parse_found_remark,
)
from .level_names import (
    LAST_DISC,
    disc_name,
    level_name,
    parse_disc,
    parse_level,
    parse_levels,
    parse_slices,
    slice_ranges,
)
from .live_area import LiveArea
from .measure import centreline_of, measure
from .pam50 import pam50_slices, to_pam50
from .pmj_distance import add_distance_pmj, slices_at_pmj_distance
from .propose_discs import DiscNaming, DiscProposal, Proposals, propose_discs
from .section_shape import folded_angle
from .slice_levels import (
    add_levels,
    add_levels_from_image,
    add_levels_from_mask,
    is_labelled_mask,
    levels_from_discs,
    levels_from_labelled_mask,
)
from .symmetry import add_image_measures
from .upright import shrink_factors

__all__ = [
    "FIRST_DISC",
    "PAM50_SLICES",
    "LAST_DISC",
    "IMAGE_MEASURES",
    "MEASURES",
    "UNITS",
    "Centreline",
    "CommonRow",
    "ContrastSpread",
    "CordShape",
    "DiscLabel",
    "DiscNaming",
    "DiscProposal",
    "LevelSummary",
    "LiveArea",
    "MeasureOptions",
    "Proposals",
    "SliceShape",
    "Summary",
    "add_distance_pmj",
    "add_image_measures",
    "add_levels",
    "add_levels_from_image",
    "add_levels_from_mask",
    "aggregate",
    "carry_over_discs",
    "centreline_of",
    "check_discs",
    "contrasts_csv_text",
    "csv_columns",
    "csv_text",
    "disc_name",
    "discs_from_label_image",
    "discs_from_points",
    "discs_to_label_image",
    "folded_angle",
    "parse_found_remark",
    "found_remark",
    "is_labelled_mask",
    "is_unmoved",
    "level_name",
    "levels_from_discs",
    "levels_in_common",
    "levels_from_labelled_mask",
    "measure",
    "pam50_slices",
    "parse_disc",
    "parse_level",
    "parse_levels",
    "parse_slices",
    "propose_discs",
    "reached_by_all",
    "shrink_factors",
    "slice_ranges",
    "slices_at_pmj_distance",
    "slices_in_common",
    "spread_over_contrasts",
    "stretch_note",
    "table_rows",
    "text_added_to",
    "to_json",
    "to_pam50",
    "write_csv",
]
