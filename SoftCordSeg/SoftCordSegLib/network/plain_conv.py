"""The authors' ``PlainConvUNet`` and our U-Net are the same network: this translates the names of
its parameters.

Source: MIC-DKFZ/dynamic-network-architectures 0.2 to 0.4 (``PlainConvEncoder``, ``UNetDecoder``,
``ConvDropoutNormReLU``).  Each block registers its layers twice (by name and in ``all_modules``),
and the decoder registers the encoder again, so that a state dictionary holds most tensors two to
four times.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..errors import ModelError
from . import limits
from .unet_config import UNetConfig

if TYPE_CHECKING:
    import torch

    State = dict[str, torch.Tensor]

_ENCODER = re.compile(r"(?:decoder\.)?encoder\.stages\.(\d+)\.(?:0\.)?convs\.(\d+)\.(.+)")
_DECODER = re.compile(r"decoder\.stages\.(\d+)\.convs\.(\d+)\.(.+)")
_OTHER = re.compile(r"decoder\.(transpconvs|seg_layers)\.(\d+)\.(weight|bias)")
_LAYERS = {"all_modules.0": "conv", "all_modules.1": "norm", "conv": "conv", "norm": "norm"}
_PARTS = {"transpconvs": "upsample", "seg_layers": "heads"}


def translated(state: State) -> State:
    """The parameters by the names of :class:`~..unet.UNet`, float32 on the CPU, each once.

    Args:
        state: by the names of ``PlainConvUNet``, without a prefix.

    Raises:
        ModelError: a name that this network does not have, or two copies of a parameter that
            differ.
    """
    ours: State = {}
    for name, tensor in state.items():
        target = our_name(name)
        if target is None:
            raise ModelError(
                f"The checkpoint has a parameter '{name}', which a plain U-Net does not have: it"
                " is another network.",
                hint="Check that it is the right file.",
            )
        tensor = tensor.detach().cpu().float()
        if target in ours and not _same(ours[target], tensor):
            raise ModelError(
                f"The checkpoint contains two different copies of '{name}': it is corrupt.",
                hint="Get it again.",
            )
        # Copies share their memory in the checkpoint, which safetensors refuses.
        ours.setdefault(target, tensor.clone())
    return ours


def our_name(name: str) -> str | None:
    """What our U-Net calls a parameter of ``PlainConvUNet``; None for what is not one."""
    match = _ENCODER.fullmatch(name)
    part = "encoder"
    if match is None:
        match, part = _DECODER.fullmatch(name), "decoder"
    if match is not None:
        layer, _, kind = match.group(3).rpartition(".")
        if layer not in _LAYERS or kind not in ("weight", "bias"):
            return None
        return f"{part}.{match.group(1)}.{match.group(2)}.{_LAYERS[layer]}.{kind}"
    match = _OTHER.fullmatch(name)
    return f"{_PARTS[match.group(1)]}.{match.group(2)}.{match.group(3)}" if match else None


def config_of(state: State, first_stride: tuple[int, int, int] = (1, 1, 1)) -> UNetConfig:
    """The shape of the network that has these parameters.

    Args:
        state: as :func:`translated` gives it.
        first_stride: of the first stage, which cannot be read from the parameters.

    Raises:
        ModelError: they are not those of a U-Net.
    """
    try:
        stages, levels = _count(state, "encoder"), _count(state, "heads")
        convolutions = tuple(_count(state, f"encoder.{stage}") for stage in range(stages))
        decoder = tuple(_count(state, f"decoder.{level}") for level in range(levels))
        first = [state[f"encoder.{stage}.0.conv.weight"].shape for stage in range(stages)]
        strides = (
            first_stride,
            *(
                limits.three(
                    tuple(state[f"upsample.{level}.weight"].shape[2:]), "a stride", limits.STRIDE
                )
                for level in range(levels - 1, -1, -1)
            ),
        )
        return UNetConfig(
            features=tuple(shape[0] for shape in first),
            strides=strides,
            convolutions=convolutions,
            decoder_convolutions=decoder,
            kernels=tuple(
                limits.three(tuple(shape[2:]), "a kernel", limits.KERNEL) for shape in first
            ),
            channels_in=first[0][1],
            channels_out=state["heads.0.weight"].shape[0],
            bias="encoder.0.0.conv.bias" in state,
        )
    except (KeyError, IndexError, ValueError) as error:
        raise ModelError(
            f"The checkpoint does not contain a complete plain U-Net ({error}).",
            hint="Get it again.",
        ) from error


def check_fit(state: State, config: UNetConfig) -> None:
    """Check that the parameters are those of a network of this shape, all of them and no others.

    Raises:
        ModelError: they are not; the sentence says which.
    """
    import torch

    from .unet import UNet

    with torch.device("meta"):
        expected = {name: tuple(tensor.shape) for name, tensor in UNet(config).state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if found != expected:
        name = min(key for key in {*found, *expected} if found.get(key) != expected.get(key))
        raise ModelError(
            "The checkpoint does not fit the network that its configuration describes:"
            f" '{name}' is {found.get(name, 'missing')}, expected {expected.get(name, 'absent')}.",
            hint="Get the model again.",
        )


def _count(state: State, prefix: str) -> int:
    numbers = {
        int(name[len(prefix) + 1 :].split(".")[0])
        for name in state
        if name.startswith(prefix + ".")
    }
    if numbers != set(range(len(numbers))) or not numbers:
        raise KeyError(f"parts of {prefix} are missing")
    return len(numbers)


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and bool((a == b).all())
