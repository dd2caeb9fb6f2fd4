"""The U-Net of the paper and its compact sister: plain convolutions, instance norm, deep supervision.

The layout follows the ``PlainConvUNet`` that the paper trained (paper section 2.3.1; dynamic-network-architectures 0.2), so
that its checkpoints load by renaming keys: stages from the top down, decoder levels from the bottom up.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

Size = tuple[int, int, int]


@dataclass(frozen=True)
class UNetConfig:
    """The shape of a U-Net.

    Attributes:
        features: channels of each stage, from full resolution down.
        strides: of the first convolution of each stage; the first is (1, 1, 1).
        convolutions: how many 3x3x3 convolutions a stage has, on the way down and on the way up.
    """

    features: tuple[int, ...]
    strides: tuple[Size, ...]
    convolutions: int = 2

    def __post_init__(self):
        # Configurations come from JSON, which knows only lists.
        object.__setattr__(self, "features", tuple(int(n) for n in self.features))
        object.__setattr__(self, "strides", tuple(tuple(int(n) for n in stride) for stride in self.strides))
        if len(self.features) != len(self.strides) or len(self.features) < 2:
            raise ValueError("a U-Net needs at least two stages, and one stride for each")

    @property
    def divisor(self) -> Size:
        """Input sizes must be multiples of this along (i, j, k)."""
        total = [1, 1, 1]
        for stride in self.strides:
            total = [a * b for a, b in zip(total, stride)]
        return tuple(total)


PAPER = UNetConfig(
    features=(32, 64, 128, 256, 320, 320),
    strides=((1, 1, 1), (2, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2), (1, 2, 2)),
)
# One shape for both tasks: the cord in the whole field of view at 2 mm, and its outline at 1 mm.
COMPACT = UNetConfig(
    features=(12, 24, 48, 96, 96),
    strides=((1, 1, 1), (2, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2)),
)


class ConvBlock(nn.Module):
    """Convolution 3x3x3, instance norm with learnt scale and shift, leaky ReLU (slope 0.01)."""

    def __init__(self, channels_in: int, channels_out: int, stride: Size = (1, 1, 1)):
        super().__init__()
        self.conv = nn.Conv3d(channels_in, channels_out, 3, stride, padding=1)
        self.norm = nn.InstanceNorm3d(channels_out, eps=1e-5, affine=True)
        self.act = nn.LeakyReLU(0.01, inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C_in, i, j, k) -> (B, C_out, i', j', k')."""
        return self.act(self.norm(self.conv(x)))


def _stage(channels_in: int, channels_out: int, stride: Size, count: int) -> nn.Sequential:
    first = ConvBlock(channels_in, channels_out, stride)
    return nn.Sequential(first, *(ConvBlock(channels_out, channels_out) for _ in range(count - 1)))


class UNet(nn.Module):
    """One channel in, one raw output (no final activation) at each decoder level.

    Args:
        config: features and strides of the stages.
    """

    def __init__(self, config: UNetConfig):
        super().__init__()
        self.config = config
        features, strides, count = config.features, config.strides, config.convolutions
        self.encoder = nn.ModuleList(
            _stage(before, after, stride, count) for before, after, stride in zip((1, *features), features, strides)
        )
        # From the deepest level up: what is below, what it joins, and the stride between them.
        levels = list(zip(features[::-1], features[-2::-1], strides[::-1]))
        self.upsample = nn.ModuleList(nn.ConvTranspose3d(below, skip, stride, stride) for below, skip, stride in levels)
        self.decoder = nn.ModuleList(_stage(2 * skip, skip, (1, 1, 1), count) for _, skip, _ in levels)
        self.heads = nn.ModuleList(nn.Conv3d(skip, 1, 1) for _, skip, _ in levels)
        self.apply(_initialise)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """(B, 1, i, j, k), sizes multiples of ``config.divisor``, to raw outputs, full resolution first.

        In evaluation mode only the full-resolution output is computed: a list of one.
        """
        skips = []
        for stage in self.encoder:
            x = stage(x)
            skips.append(x)
        skips.pop()
        outputs = []
        last = len(self.decoder) - 1
        for level, (upsample, stage, head) in enumerate(zip(self.upsample, self.decoder, self.heads)):
            x = stage(torch.cat((upsample(x), skips.pop()), dim=1))
            if self.training or level == last:
                outputs.append(head(x))
        return outputs[::-1]


def _initialise(module: nn.Module) -> None:
    """He-normal weights for leaky ReLU, zero bias, as the paper's network."""
    if isinstance(module, (nn.Conv3d, nn.ConvTranspose3d)):
        nn.init.kaiming_normal_(module.weight, a=0.01)
        nn.init.zeros_(module.bias)
