"""Floor 3: a digital neck whose cord area and disc levels are known by formula, imaged in several
contrasts.
"""

from .cord import Cord
from .phantom import Phantom, make_phantom
from .phantom_contrasts import CONTRASTS, Contrast

__all__ = ["CONTRASTS", "Contrast", "Cord", "Phantom", "make_phantom"]
