"""The shape of a U-Net in plain numbers; importing this does not import torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from . import limits

Size = tuple[int, int, int]


def _sizes(sizes: Any, name: str, most: tuple[int, int]) -> tuple[Size, ...]:
    return tuple(limits.three(size, name, most) for size in limits.listed(sizes, name))


@dataclass(frozen=True)
class UNetConfig:
    """The shape of a U-Net.

    Attributes:
        features: channels of each stage, from full resolution down.
        strides: of the first convolution of each stage; the first is (1, 1, 1).
        convolutions: how many convolutions a stage has: one number for all stages and both ways, or
            one a stage on the way down.
        decoder_convolutions: on the way up, from the deepest level; as ``convolutions`` where None.
        kernels: of each stage's convolutions; 3x3x3 where None.
        channels_in, channels_out: of the image and of each output.
        bias: whether the convolutions of the stages have one.
    """

    features: tuple[int, ...]
    strides: tuple[Size, ...]
    convolutions: int | tuple[int, ...] = 2
    decoder_convolutions: tuple[int, ...] | None = None
    kernels: tuple[Size, ...] | None = None
    channels_in: int = 1
    channels_out: int = 1
    bias: bool = True

    def __post_init__(self) -> None:
        # Configurations come from JSON, which knows only lists.
        object.__setattr__(
            self, "features", limits.wholes(self.features, "features", limits.FEATURES)
        )
        object.__setattr__(self, "strides", _sizes(self.strides, "strides", limits.STRIDE))
        if self.kernels is not None:
            object.__setattr__(self, "kernels", _sizes(self.kernels, "kernels", limits.KERNEL))
        for name in ("convolutions", "decoder_convolutions"):
            value = getattr(self, name)
            if isinstance(value, (list, tuple)):
                plain: Any = limits.wholes(value, name, limits.CONVOLUTIONS)
                object.__setattr__(self, name, plain)
            elif name == "convolutions" or value is not None:
                object.__setattr__(self, name, limits.whole(value, name, limits.CONVOLUTIONS))
        for name in ("channels_in", "channels_out"):
            limits.whole(getattr(self, name), name, limits.CHANNELS)
        limits.truth(self.bias, "bias")
        self._check_shape()
        self._simplify()
        # The kernels of the layers are the bulk of a network.
        widths = (self.channels_in, *self.features)
        parameters = sum(
            width * (before + width * (count - 1)) * math.prod(kernel)
            for before, width, count, kernel in zip(
                widths, self.features, self.encoder_counts, self.kernel_sizes
            )
        )
        if parameters > limits.PARAMETERS or max(self.divisor) > limits.DIVISOR:
            raise ValueError("the network is larger than any known one")

    def _check_shape(self) -> None:
        stages = len(self.features)
        if stages != len(self.strides) or stages < 2:
            raise ValueError("a U-Net needs at least two stages, and one stride for each")
        limits.whole(stages, "the number of stages", limits.STAGES)
        if (
            len(self.encoder_counts) != stages
            or len(self.decoder_counts) != stages - 1
            or len(self.kernel_sizes) != stages
        ):
            raise ValueError(
                "a U-Net needs its numbers of convolutions and its kernels for each stage"
            )
        if any(n % 2 == 0 for kernel in self.kernel_sizes for n in kernel):
            raise ValueError("the kernels of a U-Net have odd sizes")

    def _simplify(self) -> None:
        """One shape has one wording, so that shapes can be compared."""
        if len(set(self.encoder_counts)) == 1:
            object.__setattr__(self, "convolutions", self.encoder_counts[0])
        if self.decoder_counts == self.encoder_counts[-2::-1]:
            object.__setattr__(self, "decoder_convolutions", None)
        if set(self.kernel_sizes) == {(3, 3, 3)}:
            object.__setattr__(self, "kernels", None)

    @property
    def encoder_counts(self) -> tuple[int, ...]:
        """Convolutions of each stage, from full resolution down."""
        return (
            self.convolutions
            if isinstance(self.convolutions, tuple)
            else (self.convolutions,) * len(self.features)
        )

    @property
    def decoder_counts(self) -> tuple[int, ...]:
        """Convolutions of each level on the way up, the deepest first."""
        if self.decoder_convolutions is not None:
            return self.decoder_convolutions
        return self.encoder_counts[-2::-1]

    @property
    def kernel_sizes(self) -> tuple[Size, ...]:
        """Of each stage, from full resolution down."""
        return self.kernels if self.kernels is not None else ((3, 3, 3),) * len(self.features)

    @property
    def divisor(self) -> Size:
        """Input sizes must be multiples of this along (i, j, k)."""
        i, j, k = 1, 1, 1
        for stride in self.strides:
            i, j, k = i * stride[0], j * stride[1], k * stride[2]
        return i, j, k

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> UNetConfig:
        """From what :func:`to_json` gave; keys that are left out have their defaults.

        Raises:
            ValueError, TypeError: not the shape of a U-Net.
        """
        if not isinstance(entry, dict):
            raise ValueError("the shape of the network is missing")
        return cls(**entry)

    def to_json(self) -> dict[str, Any]:
        """Plain types; only what differs from the defaults, beside features and strides."""
        plain = {
            name: value
            for name, value in vars(self).items()
            if value != getattr(type(self), name, None)
        }
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in plain.items()
        }


PAPER = UNetConfig(
    features=(32, 64, 128, 256, 320, 320),
    strides=((1, 1, 1), (2, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2), (1, 2, 2)),
)
# One shape for both tasks: the cord in the whole field of view at 2 mm, and its outline at 1 mm.
COMPACT = UNetConfig(
    features=(12, 24, 48, 96, 96),
    strides=((1, 1, 1), (2, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2)),
)
