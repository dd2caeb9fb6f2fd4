"""Training images made from anatomy: posture, body, contrast and acquisition drawn at random, with
the soft mask of the cord.

Importing this package imports torch.
"""

from .anatomy import Anatomy, CordShape, data_files, load_anatomy
from .synthesis import LOCATOR, SEGMENTER, Recipe, Synthesis

__all__ = [
    "LOCATOR",
    "SEGMENTER",
    "Anatomy",
    "CordShape",
    "Recipe",
    "Synthesis",
    "data_files",
    "load_anatomy",
]
