"""Writing bundles that go the authors' ways."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .bundle import save_bundle
from .plans import CentreCrop, NetworkSpec, NnUNet
from .shape import PAPER, UNetConfig

if TYPE_CHECKING:
    import torch

    State = dict[str, torch.Tensor]

# In one place, so that a bundle of one network always looks the same.
WEIGHTS = "models/network.safetensors"


def save_plan_bundle(
    folder: str | Path,
    metadata: dict[str, Any],
    orientation: str,
    plan: CentreCrop | NnUNet,
    states: dict[str, State],
) -> None:
    """Write a bundle that goes the way of ``plan``.

    Args:
        folder: of the bundle.
        metadata: name, version, license, provenance.
        orientation: of the working grid, nibabel letters (where the axes point **to**).
        plan: the configuration.
        states: state dictionaries by the names in ``plan.network.weights``.

    Raises:
        OutputError: the folder cannot be written.
    """
    save_bundle(folder, metadata, {"orientation": orientation, **plan.to_json()}, states)


def save_centre_crop_bundle(
    folder: str | Path,
    metadata: dict[str, Any],
    state: State,
    config: UNetConfig = PAPER,
    *,
    orientation: str = "LAS",
    **settings: Any,
) -> None:
    """Turn a network trained by the paper's recipe into a bundle.

    Args:
        folder: of the bundle.
        metadata: name, version, license, provenance.
        state: of ``network.unet.UNet(config)``.
        config: the network's shape.
        orientation: the one that it was trained in, nibabel letters: "LAS" (SCT's RPI) for our
            training, "RPI" for the authors' releases.
        settings: other than the defaults of :class:`~.plans.CentreCrop` (``crop``, ``padding``,
            ``tile``, ``activation``, …).

    Raises:
        ValueError: the settings do not fit the network.
        OutputError: the folder cannot be written.
    """
    plan = CentreCrop(NetworkSpec((WEIGHTS,), config), **settings)
    save_plan_bundle(folder, metadata, orientation, plan, {WEIGHTS: state})
