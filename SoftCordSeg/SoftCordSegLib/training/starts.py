"""Weights to begin a training with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..network import load_bundle
from ..network.store import find_bundle

if TYPE_CHECKING:
    import torch

    from ..network import ModelBundle
    from ..network.unet import UNetConfig


def from_logits(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of a network of logits as a start for one of soft values: logits of -6 and 6 become 0
    and 1.

    A regression from random weights answers nothing but the mean for thousands of steps, since most
    voxels are background; a network that already knows a cord from its surroundings has only its
    edge to learn.
    """
    start = dict(weights)
    for name, value in weights.items():
        if name.startswith("heads."):
            start[name] = value / 12 + (0.5 if name.endswith("bias") else 0.0)
    return start


def open_bundle(name: str | Path) -> ModelBundle:
    """The bundle in a folder, or the shipped or installed one of that name.

    Raises:
        ModelError: there is none, or it is damaged.
    """
    return load_bundle(find_bundle(name))


def bundle_weights(bundle: ModelBundle, stage: str, network: UNetConfig) -> dict[str, torch.Tensor]:
    """The weights of a bundle's stage in full precision; of a bundle with one network, those of
    that network.

    Raises:
        InputError: the stage has another network than ``network``.
        ModelError: the weights do not fit the bundle's configuration.
    """
    if bundle.plan is not None:
        found = next(bundle.networks(bundle.plan.network))
    else:
        found = bundle.network(getattr(bundle, stage))
    if getattr(found, "config", None) != network:
        raise InputError(
            f"The {stage} of the bundle '{bundle.folder}' is another network than the one that is"
            " to begin with its weights. Give the network of the configuration the same features,"
            " strides and convolutions."
        )
    return {name: value.detach().float().clone() for name, value in found.state_dict().items()}
