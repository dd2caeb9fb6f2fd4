"""Configurations of training: YAML files, read strictly."""

from .reading import read_config, shipped_configs
from .schema import BundleSettings, Machine, NetworkSettings, StageSettings, TrainConfig

__all__ = [
    "BundleSettings",
    "Machine",
    "NetworkSettings",
    "StageSettings",
    "TrainConfig",
    "read_config",
    "shipped_configs",
]
