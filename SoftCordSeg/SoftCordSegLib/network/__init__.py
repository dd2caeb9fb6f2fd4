"""Floor 1: network architectures, NormReLU and model bundles; the authors' releases and the store
of installed models.

Importing this package does not import torch; ``network.unet`` does.
"""

from .bundle import (
    AROUND_CORD,
    INTENSITIES,
    WHOLE_IMAGE,
    ModelBundle,
    Stage,
    load_bundle,
    save_bundle,
    save_centre_crop_bundle,
    save_plan_bundle,
    shipped_bundles,
)
from .plans import CentreCrop, NetworkSpec, NnUNet
from .unet_config import COMPACT, PAPER, UNetConfig

__all__ = [
    "AROUND_CORD",
    "COMPACT",
    "INTENSITIES",
    "PAPER",
    "WHOLE_IMAGE",
    "CentreCrop",
    "ModelBundle",
    "NetworkSpec",
    "NnUNet",
    "Stage",
    "UNetConfig",
    "load_bundle",
    "save_bundle",
    "save_centre_crop_bundle",
    "save_plan_bundle",
    "shipped_bundles",
]
