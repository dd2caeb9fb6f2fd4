"""What a plans file of nnU-Net says of the network: in the old wording and in the new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...errors import ModelError
from ..shape import UNetConfig

_PLAIN = "PlainConvUNet"
_HOMES = {
    _PLAIN: "dynamic_network_architectures.architectures.unet.PlainConvUNet",
    "ResidualEncoderUNet": "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet",
}


@dataclass(frozen=True)
class Architecture:
    """A network as the new plans describe it.

    Attributes:
        class_name: with its module.
        kwargs: of the class, as text and numbers.
        imports: the keys of ``kwargs`` that name Python objects.
    """

    class_name: str
    kwargs: dict[str, Any]
    imports: tuple[str, ...]

    @property
    def is_plain(self) -> bool:
        """True for the network that our own U-Net is."""
        return self.class_name.rsplit(".", 1)[-1] == _PLAIN


def architecture_of(configuration: dict[str, Any]) -> Architecture:
    """The network of a configuration.

    Raises:
        KeyError, TypeError: it lacks something.
        ModelError: the old wording, and a class that it never had.
    """
    if "architecture" in configuration:
        entry = configuration["architecture"]
        return Architecture(
            str(entry["network_class_name"]),
            dict(entry["arch_kwargs"]),
            tuple(entry["_kw_requires_import"]),
        )
    name = configuration["UNet_class_name"]
    if name not in _HOMES:
        raise ModelError(
            f"The nnU-Net model's network is a '{name}', which is not known. Choose another model."
        )
    # As nnU-Net itself completes old plans.
    stages = len(configuration["n_conv_per_stage_encoder"])
    widest, base = configuration["unet_max_num_features"], configuration["UNet_base_num_features"]
    kwargs = {
        "n_stages": stages,
        "features_per_stage": [min(base * 2**stage, widest) for stage in range(stages)],
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": configuration["conv_kernel_sizes"],
        "strides": configuration["pool_op_kernel_sizes"],
        "n_conv_per_stage" if name == _PLAIN else "n_blocks_per_stage": configuration[
            "n_conv_per_stage_encoder"
        ],
        "n_conv_per_stage_decoder": configuration["n_conv_per_stage_decoder"],
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }
    return Architecture(_HOMES[name], kwargs, ("conv_op", "norm_op", "dropout_op", "nonlin"))


def unet_config(architecture: Architecture, outputs: int) -> UNetConfig:
    """Our U-Net of the same shape.

    Args:
        architecture: of a plain network.
        outputs: channels out.

    Raises:
        KeyError, TypeError, ValueError: it lacks something.
        ModelError: it has layers that ours does not have.
    """
    kwargs = architecture.kwargs
    _check_layers(kwargs)
    stages = int(kwargs["n_stages"])
    features = _each(kwargs["features_per_stage"], stages)
    return UNetConfig(
        features=features,
        strides=[_three(size) for size in _each(kwargs["strides"], stages)],
        convolutions=_each(kwargs["n_conv_per_stage"], stages),
        decoder_convolutions=_each(kwargs["n_conv_per_stage_decoder"], stages - 1),
        kernels=[_three(size) for size in _each(kwargs["kernel_sizes"], stages)],
        channels_out=outputs,
        bias=bool(kwargs.get("conv_bias", False)),
    )


def channels_out(dataset: dict[str, Any]) -> int:
    """Output channels: one for each label, background included.

    Raises:
        ModelError: labels that overlap, whose outputs mean something else.
    """
    labels = {name: value for name, value in dataset["labels"].items() if name != "ignore"}
    if dataset.get("regions_class_order") or any(
        isinstance(value, (list, tuple)) for value in labels.values()
    ):
        raise ModelError(
            "This nnU-Net model has labels that overlap (regions), which cannot be run here. Choose"
            " another model."
        )
    return len(labels)


def _check_layers(kwargs: dict[str, Any]) -> None:
    norm, nonlin = kwargs.get("norm_op_kwargs") or {}, kwargs.get("nonlin_kwargs") or {}
    expected = {
        "conv_op": (str(kwargs.get("conv_op")).rsplit(".", 1)[-1], "Conv3d"),
        "norm_op": (str(kwargs.get("norm_op")).rsplit(".", 1)[-1], "InstanceNorm3d"),
        "norm_op_kwargs": (norm.get("affine"), True),
        "eps": (float(norm.get("eps", 1e-5)), 1e-5),
        "dropout_op": (kwargs.get("dropout_op"), None),
        "nonlin": (str(kwargs.get("nonlin")).rsplit(".", 1)[-1], "LeakyReLU"),
        "negative_slope": (float(nonlin.get("negative_slope", 0.01)), 0.01),
        "nonlin_first": (bool(kwargs.get("nonlin_first", False)), False),
        "pool": (kwargs.get("pool", "conv"), "conv"),
    }
    for key, (found, known) in expected.items():
        if found != known:
            raise ModelError(
                f"The nnU-Net model's network has '{key}' = {found}, and only {known} is known."
                " Choose another model."
            )


def _each(value: Any, count: int) -> tuple:
    values = (value,) * count if isinstance(value, int) else tuple(value)
    if len(values) != count:
        raise ValueError(f"{count} entries, one a stage, in {value}")
    return values


def _three(value: Any) -> tuple[int, int, int]:
    return (value,) * 3 if isinstance(value, int) else tuple(value)
