"""The weights of a U-Net as arrays, without PyTorch."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ..errors import ModelError, is_out_of_memory
from .unet_config import UNetConfig

_DTYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64}


def read_weights(path: Path, config: UNetConfig) -> dict[str, np.ndarray]:
    """The parameters by the names of :class:`.unet.UNet`, as they are stored (bfloat16 as float32).

    Args:
        path: a safetensors file.
        config: the shape of the network.

    Raises:
        ModelError: they are not those of this network, or not finite.
        MemoryError: there is no room for them.
    """
    import safetensors

    try:
        content = dict(safetensors.deserialize(path.read_bytes()))
        found = {name: tuple(entry["shape"]) for name, entry in content.items()}
        if found != parameter_shapes(config):
            raise ValueError("other parameters, or other shapes")
        weights = {name: _array(entry) for name, entry in content.items()}
    except Exception as error:  # safetensors raises many kinds, all meaning the same
        if is_out_of_memory(error):
            raise
        raise misfit(path) from error
    if not all(np.isfinite(values).all() for values in weights.values()):
        raise not_finite(path)
    return weights


def misfit(path: Path) -> ModelError:
    """For weights that are not those of the network."""
    return ModelError(
        "The weights do not fit the configuration: the model bundle is corrupt.",
        path=path,
        hint="Install it again.",
    )


def not_finite(path: Path) -> ModelError:
    """For weights that are NaN or infinite."""
    return ModelError(
        "The weights contain values that are NaN or infinite, so that nothing can be computed with"
        " them.",
        path=path,
        hint="Get the model again, or use another one.",
    )


def parameter_shapes(config: UNetConfig) -> dict[str, tuple[int, ...]]:
    """The shape of each parameter of :class:`.unet.UNet`, by its name."""
    shapes: dict[str, tuple[int, ...]] = {}

    def stage(name: str, channels_in: int, level: int, count: int) -> None:
        width, kernel = config.features[level], config.kernel_sizes[level]
        for number in range(count):
            block = f"{name}.{number}"
            shapes[f"{block}.conv.weight"] = (width, channels_in if number == 0 else width, *kernel)
            if config.bias:
                shapes[f"{block}.conv.bias"] = (width,)
            shapes[f"{block}.norm.weight"] = shapes[f"{block}.norm.bias"] = (width,)

    before = (config.channels_in, *config.features)
    for level, count in enumerate(config.encoder_counts):
        stage(f"encoder.{level}", before[level], level, count)
    levels = range(len(config.features) - 2, -1, -1)
    for number, (level, count) in enumerate(zip(levels, config.decoder_counts)):
        width = config.features[level]
        shapes[f"upsample.{number}.weight"] = (
            config.features[level + 1],
            width,
            *config.strides[level + 1],
        )
        if config.bias:
            shapes[f"upsample.{number}.bias"] = (width,)
        stage(f"decoder.{number}", 2 * width, level, count)
        shapes[f"heads.{number}.weight"] = (config.channels_out, width, 1, 1, 1)
        shapes[f"heads.{number}.bias"] = (config.channels_out,)
    return shapes


def _array(entry: dict) -> np.ndarray:
    """One tensor of a safetensors file.

    Raises:
        ValueError: it is not of real numbers.
    """
    kind, shape, data = entry["dtype"], entry["shape"], entry["data"]
    if kind == "BF16":  # numpy has no such type: the upper half of a float32
        wide = np.frombuffer(data, "<u2").astype("<u4") << 16
        return wide.view("<f4").reshape(shape)
    if kind not in _DTYPES:
        raise ValueError(f"a tensor is of type {kind}")
    values = np.frombuffer(data, np.dtype(_DTYPES[kind]).newbyteorder("<"))
    if values.size != math.prod(shape):
        raise ValueError("a tensor is cut off")
    return values.reshape(shape)
