"""What a bundle says of how it was made, and the bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import InputError
from ..network import Stage, save_bundle, save_centre_crop_bundle
from .config.schema import BundleSettings, NetworkSettings, TrainConfig
from .input_contract import contract_of
from .starts import bundle_weights, open_bundle

if TYPE_CHECKING:
    import torch

_STAGES = ("locator", "segmenter")


def write_bundle(
    folder: Path,
    config: TrainConfig,
    trained: dict[str, dict[str, torch.Tensor]],
    provenance: dict[str, Any],
) -> Path:
    """Write the bundle of a configuration; stages that it does not train come from its parent (see
    :func:`check_bundle`).
    """
    settings = config.bundle
    parent = open_bundle(settings.parent) if settings.parent else None
    other = open_bundle(settings.mean_with) if settings.mean_with else None
    inference: dict[str, Any] = {
        "orientation": "LAS",
        "intensities": contract_of(config).intensities,
    }
    weights: dict[str, dict[str, torch.Tensor]] = {}
    for name in _STAGES:
        file = f"models/{name}.safetensors"
        if name in config.networks and config.networks[name].stage is not None:
            inference[name], state = _stage(file, config.networks[name]), trained[name]
            if other is not None:
                state = _mean(state, bundle_weights(other, name, config.networks[name].network))
        else:
            inference[name] = getattr(parent, name)
            file, state = inference[name].weights, parent.network(inference[name]).state_dict()
        # Half precision halves the file and leaves Dice on the development images as it is, to
        # 0.001.
        weights[file] = {
            key: value.half() if settings.half else value for key, value in state.items()
        }
    if parent is not None:
        provenance = {**provenance, "parent": {"name": parent.name, "sha256": parent.sha256}}
    if other is not None:
        provenance = {**provenance, "mean_with": {"name": other.name, "sha256": other.sha256}}
    save_bundle(folder, _metadata(settings, provenance), inference, weights)
    return folder


def write_centre_crop_bundle(
    folder: Path,
    config: TrainConfig,
    name: str,
    weights: dict[str, torch.Tensor],
    provenance: dict[str, Any],
) -> Path:
    """Write the bundle of one network that was trained on the middle of images, as the paper's
    are.
    """
    network, settings = config.networks[name], config.bundle
    metadata = _metadata(settings, provenance)
    metadata["name"] = settings.name if len(config.networks) == 1 else f"{settings.name} {name}"
    save_centre_crop_bundle(
        folder,
        metadata,
        {key: value.half() if settings.half else value for key, value in weights.items()},
        network.network,
        orientation="LAS",
        spacing_mm=network.spacing_mm,
        # Along the spine nothing is cut off, as in the paper's inference.
        crop=(*network.patch[:2], -1),
        divisible_by=max(network.network.divisor),
        padding=network.source.get("padding", "constant"),
        tile=(network.stage.tile if network.stage else None) or network.patch,
        overlap=network.stage.overlap if network.stage else 0.5,
        activation=network.stage.activation if network.stage else "normrelu",
    )
    return folder


def check_bundle(config: TrainConfig) -> None:
    """Refuse, before any training, a configuration whose bundle would lack a stage, or cannot be
    averaged with another.

    Raises:
        InputError: it would, or cannot; or networks begin with a bundle of another input contract.
        ModelError: one of the other bundles cannot be read.
    """
    contract_of(config)
    if config.bundle is not None and config.bundle.mean_with:
        if config.bundle.pipeline == "centre_crop":
            raise InputError(
                f"In '{config.name}': bundle.mean_with is for bundles of locator and segmenter, not"
                " for centre_crop."
            )
        other = open_bundle(config.bundle.mean_with)
        for name in _STAGES:
            if name in config.networks and config.networks[name].stage is not None:
                bundle_weights(other, name, config.networks[name].network)
    if config.bundle is None or config.bundle.parent or config.bundle.pipeline == "centre_crop":
        return
    missing = [
        name
        for name in _STAGES
        if name not in config.networks or config.networks[name].stage is None
    ]
    if missing:
        raise InputError(
            f"The configuration '{config.name}' trains no {missing[0]} for its bundle: add"
            f" networks.{missing[0]} with a stage, or bundle.parent, a bundle to take it from."
        )


def _mean(
    state: dict[str, torch.Tensor], other: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """What two trainings agree on stays, and what is chance in either is halved (Izmailov et al.,
    UAI 2018).
    """
    return {key: (value.float() + other[key]) / 2 for key, value in state.items()}


def _stage(file: str, settings: NetworkSettings) -> Stage:
    return Stage(
        weights=file,
        features=settings.network.features,
        strides=settings.network.strides,
        spacing_mm=settings.spacing_mm,
        tile=settings.stage.tile or settings.patch,
        overlap=settings.stage.overlap,
        activation=settings.stage.activation,
    )


def _metadata(settings: BundleSettings, provenance: dict[str, Any]) -> dict[str, Any]:
    import monai
    import numpy
    import torch

    image = {
        "type": "image",
        "format": "magnitude",
        "modality": "MR",
        "num_channels": 1,
        "spatial_shape": ["*", "*", "*"],
    }
    words = (
        "name",
        "version",
        "changelog",
        "task",
        "description",
        "authors",
        "copyright",
        "license",
        "intended_use",
        "data_source",
    )
    return {
        **{word: getattr(settings, word) for word in words},
        "monai_version": monai.__version__,
        "pytorch_version": torch.__version__.split("+")[0],
        "numpy_version": numpy.__version__,
        "softcordseg_version": __version__,
        "network_data_format": {
            "inputs": {
                "image": {
                    **image,
                    "dtype": "float32",
                    "value_range": [-3, 3],
                    "is_patch_data": True,
                }
            },
            "outputs": {
                "pred": {
                    **image,
                    "format": "segmentation",
                    "dtype": "float32",
                    "value_range": [0, 1],
                    "is_patch_data": True,
                }
            },
        },
        "provenance": provenance,
    }
