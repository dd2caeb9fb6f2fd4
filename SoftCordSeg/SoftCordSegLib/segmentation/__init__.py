"""Floor 2: image -> soft mask.  Locate the cord, run the network around it, and bring the answer
back to the image's grid.

Importing this package does not import torch; :func:`segment` does when it is called.
"""

from ..errors import OutOfMemory
from .located_cord import LocatedCord
from .mask_ends import AbruptEnd, Interruption, abrupt_ends, interruptions
from .segment import segment
from .soft_mask import SoftMask
from .within_memory import segment_within_memory
from .working_image import prepare_locator

__all__ = [
    "AbruptEnd",
    "Interruption",
    "LocatedCord",
    "OutOfMemory",
    "SoftMask",
    "abrupt_ends",
    "interruptions",
    "prepare_locator",
    "segment",
    "segment_within_memory",
]
