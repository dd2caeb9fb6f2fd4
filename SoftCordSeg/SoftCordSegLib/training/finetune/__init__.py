"""From a bundle and corrected cases to a bundle that does better on them and forgets nothing.

Importing this package does not import torch.
"""

from .corrected_cases import CorrectedCase, find_cases, read_cases
from .finetune_batches import ReplayImage
from .finetune_run import Outcome, Request, finetune
from .hold_out import HoldOut, Split, split_cases
from .verdict import BundleScores, Scorer, Scores

__all__ = [
    "BundleScores",
    "CorrectedCase",
    "HoldOut",
    "Outcome",
    "ReplayImage",
    "Request",
    "Scorer",
    "Scores",
    "Split",
    "find_cases",
    "finetune",
    "read_cases",
    "split_cases",
]
