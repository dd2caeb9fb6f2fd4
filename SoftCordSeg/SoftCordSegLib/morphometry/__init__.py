"""Floor 2: the shape of the cord, its vertebral levels, and the tables of both.

Folders import downward only, from the top: ``disc_proposal`` and ``tables`` (side by side),
``levels``, ``shape``, ``slices``, and ``wording`` below all.  Other rooms import from here, not
from the folders.
"""

from .disc_proposal.found import found_before, found_remark, is_where_found
from .disc_proposal.propose import DiscProposal, Proposals, propose_discs
from .levels.carry import carry_over_discs, discs_to_label_image
from .levels.discs import DiscLabel, check_discs, discs_from_label_image, discs_from_points
from .levels.names import disc_name, level_name, parse_disc, parse_level, parse_levels, parse_slices
from .levels.pam50 import pam50_slices, to_pam50
from .levels.pmj import add_distance_pmj, slices_at_pmj_distance
from .levels.slice_levels import (
    add_levels,
    add_levels_from_image,
    add_levels_from_mask,
    is_labelled_mask,
    levels_from_discs,
    levels_from_labelled_mask,
)
from .shape.cord_shape import IMAGE_MEASURES, MEASURES, UNITS, CordShape, MeasureOptions, SliceShape
from .shape.live import LiveArea
from .shape.measure import centreline_of, measure
from .shape.region import folded_angle
from .shape.symmetry import add_image_measures
from .slices.centreline import Centreline
from .slices.upright import shrink_factors
from .tables.aggregate import LevelSummary, Summary, aggregate
from .tables.contrasts import (
    ContrastSpread,
    contrasts_csv_text,
    spread_over_contrasts,
    write_contrasts_csv,
)
from .tables.table import csv_columns, csv_text, table_rows, to_json, write_csv, write_json
from .wording import slice_ranges

__all__ = [
    "IMAGE_MEASURES",
    "MEASURES",
    "UNITS",
    "Centreline",
    "ContrastSpread",
    "CordShape",
    "DiscLabel",
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
    "found_before",
    "found_remark",
    "is_labelled_mask",
    "is_where_found",
    "level_name",
    "levels_from_discs",
    "levels_from_labelled_mask",
    "measure",
    "pam50_slices",
    "parse_disc",
    "parse_level",
    "parse_levels",
    "parse_slices",
    "propose_discs",
    "shrink_factors",
    "slice_ranges",
    "slices_at_pmj_distance",
    "spread_over_contrasts",
    "table_rows",
    "to_json",
    "to_pam50",
    "write_contrasts_csv",
    "write_csv",
    "write_json",
]
