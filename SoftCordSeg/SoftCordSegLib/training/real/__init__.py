"""Real images as a source of training pairs: lists of cases, patches of them, and labels that
several predictions agree on.

Importing this package does not import torch.
"""

from .cases import OpenCase, RealCase, load_cases, open_case
from .consensus import Consensus, consensus
from .patches import RealPatches, load_real

__all__ = [
    "Consensus",
    "OpenCase",
    "RealCase",
    "RealPatches",
    "consensus",
    "load_cases",
    "load_real",
    "open_case",
]
