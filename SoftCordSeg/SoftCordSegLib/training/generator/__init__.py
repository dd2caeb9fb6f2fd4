"""Training patches as batched torch code: synthetic anatomy, real images, and all that is done to
both.

Importing this package imports torch and scipy, and nothing that reads files.
"""

from .batch_recipe import LOCATOR, SEGMENTER, BatchRecipe
from .patch_batches import PatchBatches

__all__ = ["LOCATOR", "SEGMENTER", "BatchRecipe", "PatchBatches"]
