"""A plain PyTorch network with the module names of ``PlainConvUNet`` (dynamic-network-architectures
0.2).

Written from those names and from what the layers are, without our U-Net: each block registers its
layers twice, and the decoder registers the encoder again, so that the state dictionary has the
copies that the authors' checkpoints have.
"""

from __future__ import annotations

import torch
from torch import nn


class Block(nn.Module):
    """``ConvDropoutNormReLU``."""

    def __init__(self, before, after, kernel, stride, bias):
        super().__init__()
        self.conv = nn.Conv3d(
            before, after, kernel, stride, padding=[(n - 1) // 2 for n in kernel], bias=bias
        )
        self.norm = nn.InstanceNorm3d(after, eps=1e-5, affine=True)
        self.nonlin = nn.LeakyReLU(inplace=True)
        self.all_modules = nn.Sequential(self.conv, self.norm, self.nonlin)

    def forward(self, x):
        return self.all_modules(x)


class Stack(nn.Module):
    """``StackedConvBlocks``."""

    def __init__(self, count, before, after, kernel, stride, bias):
        super().__init__()
        first = Block(before, after, kernel, stride, bias)
        self.convs = nn.Sequential(
            first, *(Block(after, after, kernel, (1, 1, 1), bias) for _ in range(count - 1))
        )

    def forward(self, x):
        return self.convs(x)


class Encoder(nn.Module):
    """``PlainConvEncoder``."""

    def __init__(self, channels, features, kernels, strides, counts, bias):
        super().__init__()
        stages = []
        for width, kernel, stride, count in zip(features, kernels, strides, counts):
            stages.append(nn.Sequential(Stack(count, channels, width, kernel, stride, bias)))
            channels = width
        self.stages = nn.Sequential(*stages)

    def forward(self, x):
        skips = []
        for stage in self.stages:
            x = stage(x)
            skips.append(x)
        return skips


class Decoder(nn.Module):
    """``UNetDecoder``."""

    def __init__(self, encoder, features, kernels, strides, counts, classes, bias):
        super().__init__()
        self.encoder = encoder
        stages, transpconvs, seg_layers = [], [], []
        for s in range(1, len(features)):
            below, skip, stride = features[-s], features[-s - 1], strides[-s]
            transpconvs.append(nn.ConvTranspose3d(below, skip, stride, stride, bias=bias))
            stages.append(Stack(counts[s - 1], 2 * skip, skip, kernels[-s - 1], (1, 1, 1), bias))
            seg_layers.append(nn.Conv3d(skip, classes, 1, 1, 0, bias=True))
        self.stages, self.transpconvs, self.seg_layers = map(
            nn.ModuleList, (stages, transpconvs, seg_layers)
        )

    def forward(self, skips):
        x, outputs = skips[-1], []
        for s, (up, stage, head) in enumerate(zip(self.transpconvs, self.stages, self.seg_layers)):
            x = stage(torch.cat((up(x), skips[-s - 2]), 1))
            outputs.append(head(x))
        return outputs[::-1]


class PlainConvNet(nn.Module):
    """One channel in; raw outputs, full resolution first."""

    def __init__(
        self, features, strides, kernels=None, encoder=None, decoder=None, classes=1, bias=True
    ):
        super().__init__()
        kernels = kernels or [(3, 3, 3)] * len(features)
        encoder, decoder = encoder or [2] * len(features), decoder or [2] * (len(features) - 1)
        self.encoder = Encoder(1, features, kernels, strides, encoder, bias)
        self.decoder = Decoder(self.encoder, features, kernels, strides, decoder, classes, bias)

    def forward(self, x):
        return self.decoder(self.encoder(x))


def random_net(seed: int = 0, **shape) -> PlainConvNet:
    """With weights that make every layer count: random norms and biases too."""
    torch.manual_seed(seed)
    net = PlainConvNet(**shape).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return net


def lightning_checkpoint(net: nn.Module) -> dict:
    """What PyTorch Lightning saves of a module that holds the network as ``net``."""
    return {
        "epoch": 139,
        "global_step": 60000,
        "pytorch-lightning_version": "2.0.4",
        "state_dict": {f"net.{name}": tensor for name, tensor in net.state_dict().items()},
        "loops": {},
        "callbacks": {
            "ModelCheckpoint{'monitor': 'val_loss'}": {
                "best_model_score": torch.tensor(0.3),
                "best_k_models": {},
            }
        },
        "optimizer_states": [{"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": []}],
        "lr_schedulers": [],
    }
