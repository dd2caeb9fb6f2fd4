"""Floor 1: network architectures, NormReLU and model bundles.

Importing this package does not import torch; ``network.unet`` does.
"""

from .bundle import ModelBundle, Stage, file_sha256, load_bundle, save_bundle, shipped_bundles

__all__ = ["ModelBundle", "Stage", "file_sha256", "load_bundle", "save_bundle", "shipped_bundles"]
