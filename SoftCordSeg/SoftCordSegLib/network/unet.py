"""The U-Net of the paper and its compact sister: plain convolutions, instance norm, deep
supervision.

The layout follows the ``PlainConvUNet`` that the paper trained (paper section 2.3.1;
dynamic-network-architectures 0.2), so that its checkpoints load by renaming keys: stages from the
top down, decoder levels from the bottom up.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from .unet_config import COMPACT, PAPER, Size, UNetConfig

__all__ = ["COMPACT", "PAPER", "ConvBlock", "UNet", "UNetConfig"]


class ConvBlock(nn.Module):
    """Convolution, instance norm with learnt scale and shift, leaky ReLU (slope 0.01)."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        stride: Size = (1, 1, 1),
        kernel: Size = (3, 3, 3),
        bias: bool = True,
    ):
        super().__init__()
        self.conv = nn.Conv3d(
            channels_in,
            channels_out,
            kernel,
            stride,
            padding=(kernel[0] // 2, kernel[1] // 2, kernel[2] // 2),
            bias=bias,
        )
        self.norm = nn.InstanceNorm3d(channels_out, eps=1e-5, affine=True)
        self.act = nn.LeakyReLU(0.01, inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C_in, i, j, k) -> (B, C_out, i', j', k')."""
        x = self.conv(x)
        if not _channels_last_on_cpu(x):
            return self.act(self.norm(x))
        norm = self.norm
        parts = (
            self.act(
                functional.batch_norm(one, None, None, norm.weight, norm.bias, True, 0, norm.eps)
            )
            for one in x.split(1)
        )
        return torch.cat(list(parts))


def _channels_last_on_cpu(x: torch.Tensor) -> bool:
    """Whether instance norm would copy it to the other layout, as PyTorch's does on a CPU, which
    costs a quarter of a training step; the batch norm of one image is the same, and does not.
    """
    return (
        x.device.type == "cpu"
        and x.is_contiguous(memory_format=torch.channels_last_3d)
        and not x.is_contiguous()
    )


class UNet(nn.Module):
    """Raw outputs (no final activation) at each decoder level.

    Args:
        config: its shape.
    """

    def __init__(self, config: UNetConfig):
        super().__init__()
        self.config = config
        features, strides, kernels, bias = (
            config.features,
            config.strides,
            config.kernel_sizes,
            config.bias,
        )

        def stage(channels_in: int, level: int, stride: Size, count: int) -> nn.Sequential:
            width, kernel = features[level], kernels[level]
            first = ConvBlock(channels_in, width, stride, kernel, bias)
            return nn.Sequential(
                first, *(ConvBlock(width, width, (1, 1, 1), kernel, bias) for _ in range(count - 1))
            )

        before = (config.channels_in, *features)
        self.encoder = nn.ModuleList(
            stage(before[level], level, strides[level], count)
            for level, count in enumerate(config.encoder_counts)
        )
        # From the deepest level up: each joins what is below with what was at its level on the way
        # down.
        levels = range(len(features) - 2, -1, -1)
        self.upsample = nn.ModuleList(
            nn.ConvTranspose3d(
                features[level + 1],
                features[level],
                strides[level + 1],
                strides[level + 1],
                bias=bias,
            )
            for level in levels
        )
        self.decoder = nn.ModuleList(
            stage(2 * features[level], level, (1, 1, 1), count)
            for level, count in zip(levels, config.decoder_counts)
        )
        self.heads = nn.ModuleList(
            nn.Conv3d(features[level], config.channels_out, 1) for level in levels
        )
        self.apply(_initialise)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """(B, channels_in, i, j, k), sizes multiples of ``config.divisor``, to raw outputs, full
        resolution first.

        In evaluation mode only the full-resolution output is computed: a list of one.
        """
        skips = []
        for stage in self.encoder:
            x = stage(x)
            skips.append(x)
        skips.pop()
        outputs = []
        last = len(self.decoder) - 1
        for level, (upsample, stage, head) in enumerate(
            zip(self.upsample, self.decoder, self.heads)
        ):
            x = stage(torch.cat((upsample(x), skips.pop()), dim=1))
            if self.training or level == last:
                outputs.append(head(x))
        return outputs[::-1]


def _initialise(module: nn.Module) -> None:
    """He-normal weights for leaky ReLU, zero bias, as the paper's network."""
    if isinstance(module, (nn.Conv3d, nn.ConvTranspose3d)):
        nn.init.kaiming_normal_(module.weight, a=0.01)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
