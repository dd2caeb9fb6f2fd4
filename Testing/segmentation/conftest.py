"""A stand-in for the networks that calls bright what is bright.

With images of one bright tube, the whole way of an image through the room can be held to the truth:
where the tube is, the mask must be.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from SoftCordSegLib.network import ModelBundle, Stage
from SoftCordSegLib.network.pytorch_engine import pytorch_predict
from SoftCordSegLib.network.unet import UNetConfig


class BrightIsCord(torch.nn.Module):
    """Raw output 1 where the tile is brightest, 0 where it is as dark as the image's darkest; 0 in
    tiles that are all dark.
    """

    def __init__(self):
        super().__init__()
        self.config = UNetConfig((8, 16), ((1, 1, 1), (2, 2, 2)))
        self.calls = 0
        self.sighted = True

    def forward(self, x):
        self.calls += 1
        return [(x + 1) / (x.max() + 1) if self.sighted and x.max() > 0.9 else torch.zeros_like(x)]


class BrightBundle(ModelBundle):
    """A bundle whose two networks are one :class:`BrightIsCord`."""

    def network(self, _stage):
        return self.__dict__.setdefault("_network", BrightIsCord())

    def predictor(self, stage, engine, check):
        return pytorch_predict(self.network(stage), engine.device, check)


@pytest.fixture
def bundle() -> ModelBundle:
    return bright_bundle()


def bright_bundle() -> ModelBundle:
    """A new one."""

    def stage(spacing, tile):
        return Stage("none", (8, 16), ((1, 1, 1), (2, 2, 2)), spacing, tile, 0.5, "normrelu")

    return BrightBundle(
        folder=Path("none"),
        metadata={"name": "bright", "version": "0", "weights": {}},
        orientation="LAS",
        locator=stage(3.0, (96, 96, 96)),
        segmenter=stage(1.0, (32, 32, 32)),
    )
