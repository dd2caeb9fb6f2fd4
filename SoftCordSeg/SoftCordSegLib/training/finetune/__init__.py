"""From a bundle and corrected cases to a bundle that does better on them and forgets nothing.

Importing this package does not import torch.
"""

from .cases import CorrectedCase, read_cases
from .find import find_cases
from .hold_out import HoldOut, Split, split_cases
from .judge import Judged, Scores, Tools
from .replay import ReplayImage
from .request import Request
from .run import Outcome, finetune

__all__ = [
    "CorrectedCase",
    "HoldOut",
    "Judged",
    "Outcome",
    "ReplayImage",
    "Request",
    "Scores",
    "Split",
    "Tools",
    "find_cases",
    "finetune",
    "read_cases",
    "split_cases",
]
