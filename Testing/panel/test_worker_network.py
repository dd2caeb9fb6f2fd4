"""The workflow behind the Segment button, on the worker, with a real small network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from segmentation.tubes import tube_image
from SoftCordSegLib.errors import Cancelled
from SoftCordSegLib.network import save_bundle
from SoftCordSegLib.network.unet import UNet, UNetConfig
from SoftCordSegLib.panel.worker import Worker
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import Box, Grid
from SoftCordSegLib.workflows.segment_images import (
    SegmentOptions,
    VolumeRequest,
    segment_volume,
)

FEATURES, STRIDES = (4, 8), ((1, 1, 1), (2, 2, 2))


@pytest.fixture
def tube():
    """A tube of 90 mm."""
    grid = Grid((48, 48, 80), np.diag([1.5, 1.5, 1.5, 1.0]))
    return tube_image(grid, (36, 36, 60), 5.0, 45.0)


@pytest.fixture
def small_model(tmp_path):
    """A real, small, untrained network in a real bundle."""
    torch.manual_seed(1)
    state = UNet(UNetConfig(FEATURES, STRIDES)).state_dict()
    stage = {
        "weights": "models/a.safetensors",
        "features": FEATURES,
        "strides": STRIDES,
        "overlap": 0.5,
        "activation": "sigmoid",
    }
    inference = {
        "orientation": "LAS",
        "locator": {**stage, "spacing_mm": 4.0, "tile": (32, 32, 32)},
        "segmenter": {**stage, "spacing_mm": 1.0, "tile": (32, 32, 32)},
    }
    metadata = {"name": "small", "version": "0", "license": "Apache-2.0"}
    save_bundle(tmp_path / "small", metadata, inference, {"models/a.safetensors": state})
    return tmp_path / "small"


def test_a_real_network_runs_on_the_worker_and_stops_within_one_tile(small_model, tube):
    image, _ = tube
    options = SegmentOptions(device="cpu", box=Box.of_grid(image.grid))
    request = VolumeRequest(image, small_model, options)
    heard, tiles, at = [], [], []

    worker = Worker(lambda: None)
    mask = worker.run(
        lambda progress: segment_volume(request, progress), lambda _, message: heard.append(message)
    )
    worker.close()

    assert mask.volume.grid.same_as(image.grid)
    assert 0 <= mask.volume.data.min() <= mask.volume.data.max() <= 1
    assert any("tile" in message for message in heard)

    def counting_tiles(progress):
        told = Progress(
            lambda _, message: tiles.append(message) if "tile" in message else None,
            progress._is_cancelled,
        )
        return segment_volume(request, told)

    def cancel_at_the_first_tile():
        if tiles and not at:
            worker.cancel()
            at.append(len(tiles))

    worker = Worker(cancel_at_the_first_tile)
    with pytest.raises(Cancelled):
        worker.run(counting_tiles)
    worker.close()

    assert len(tiles) <= at[0] + 1
