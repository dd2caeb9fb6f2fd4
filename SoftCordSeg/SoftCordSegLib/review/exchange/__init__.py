"""Verdicts in the files of other programs: SCT, manual-correction, CART, SegmentationReview and
MONAILabel; one file here for each of theirs.
"""

from .case_matching import CaseMatcher, uid_of
from .exchange_formats import FORMATS, ExchangeFormat, format_named, format_of
from .foreign_verdicts import (
    ForeignFile,
    ForeignVerdict,
    JudgedCase,
    WriteRequest,
    Written,
    path_in,
)
from .manual_correction_list import is_meant, is_pattern

__all__ = [
    "FORMATS",
    "CaseMatcher",
    "ExchangeFormat",
    "ForeignFile",
    "ForeignVerdict",
    "JudgedCase",
    "WriteRequest",
    "Written",
    "format_named",
    "format_of",
    "is_meant",
    "is_pattern",
    "path_in",
    "uid_of",
]
