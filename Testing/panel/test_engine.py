"""What the worker runs: the real way from image to mask, with less memory and less again."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from segmentation.tubes import dice, tube_image
from SoftCordSegLib.errors import Cancelled, ModelError
from SoftCordSegLib.network import ModelBundle, Stage, save_bundle
from SoftCordSegLib.network.unet import UNet, UNetConfig
from SoftCordSegLib.panel import engine
from SoftCordSegLib.panel.engine import (
    OutOfMemory,
    Request,
    is_out_of_memory,
    segment_within_memory,
    with_smaller_tiles,
)
from SoftCordSegLib.panel.worker import Worker
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import Grid

FEATURES, STRIDES = (4, 8), ((1, 1, 1), (2, 2, 2))


class BrightIsCord(torch.nn.Module):
    """Raw output 1 where the tile is brightest; out of memory where the tile is larger than
    ``room`` voxels.
    """

    def __init__(self):
        super().__init__()
        self.config = UNetConfig(FEATURES, STRIDES)
        self.room = np.inf
        self.tiles = []

    def forward(self, x):
        self.tiles.append(tuple(x.shape[2:]))
        if x.numel() > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return [(x + 1) / (x.max() + 1) if x.max() > 0.9 else torch.zeros_like(x)]


class BrightBundle(ModelBundle):
    """A bundle whose two networks are one; its smaller sisters share it."""

    shared: BrightIsCord

    def network(self, _stage):
        return type(self).shared


@pytest.fixture
def bundle(tmp_path) -> BrightBundle:
    BrightBundle.shared = BrightIsCord()
    return BrightBundle(
        folder=tmp_path,
        metadata={"name": "bright", "version": "0", "weights": {}},
        orientation="LAS",
        locator=Stage("none", FEATURES, STRIDES, 3.0, (96, 96, 96), 0.5, "normrelu"),
        segmenter=Stage("none", FEATURES, STRIDES, 1.0, (64, 64, 64), 0.5, "normrelu"),
    )


@pytest.fixture
def tube():
    """A tube of 70 mm and its true fractions."""
    grid = Grid((48, 48, 80), np.diag([1.5, 1.5, 1.5, 1.0]))
    return tube_image(grid, (36, 36, 60), 5.0, 35.0)


def test_with_room_the_tiles_are_whole(bundle, tube):
    image, truth = tube
    mask = segment_within_memory(Request(image, device="cpu"), bundle, Progress())

    assert dice(mask.volume.data >= 0.5, truth >= 0.5) > 0.9
    assert (64, 64, 64) in bundle.shared.tiles


def test_out_of_memory_is_answered_by_smaller_tiles(bundle, tube):
    image, truth = tube
    said = []
    bundle.shared.room = 40**3

    mask = segment_within_memory(
        Request(image, device="cpu"), bundle, Progress(lambda _, message: said.append(message))
    )

    assert dice(mask.volume.data >= 0.5, truth >= 0.5) > 0.9
    assert max(np.prod(tile) for tile in bundle.shared.tiles[1:]) <= 64**3
    assert any("Memory ran out" in message for message in said)


def test_then_by_the_cpu(bundle, tube, monkeypatch):
    image, _ = tube
    devices = []

    def on_the_gpu_there_is_no_room(image, bundle, *, box, progress, device):
        devices.append((device, bundle.segmenter.tile[0]))
        if device == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return "mask"

    monkeypatch.setattr("SoftCordSegLib.segmentation.segment", on_the_gpu_there_is_no_room)
    assert segment_within_memory(Request(image, device="cuda"), bundle, Progress()) == "mask"

    # The second halving shrinks the locator's tile only.
    assert devices == [("cuda", 64), ("cuda", 32), ("cuda", 32), ("cpu", 64)]


def test_where_nothing_fits_the_sentence_says_what_to_do(bundle, tube):
    bundle.shared.room = 10

    with pytest.raises(OutOfMemory, match="crop the image"):
        segment_within_memory(Request(tube[0], device="cpu"), bundle, Progress())


def test_other_errors_are_not_taken_for_want_of_memory(bundle, tube, monkeypatch):
    def broken(*arguments, **options):
        raise RuntimeError("expected scalar type Float but found Half")

    monkeypatch.setattr("SoftCordSegLib.segmentation.segment", broken)
    with pytest.raises(RuntimeError, match="scalar type"):
        segment_within_memory(Request(tube[0], device="cpu"), bundle, Progress())


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (
            RuntimeError(
                "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8"
                " bytes."
            ),
            True,
        ),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_the_words_for_want_of_memory(error, is_one):
    assert is_out_of_memory(error) is is_one


def test_smaller_tiles_stay_multiples_of_what_the_network_needs(bundle):
    halved = with_smaller_tiles(bundle, 1)

    assert (halved.locator.tile, halved.segmenter.tile) == ((48, 48, 48), (32, 32, 32))
    assert with_smaller_tiles(bundle, 2).locator.tile == (32, 32, 32)
    assert with_smaller_tiles(halved, 2) is None or with_smaller_tiles(halved, 2).locator.tile == (
        32,
        32,
        32,
    )
    assert with_smaller_tiles(with_smaller_tiles(bundle, 2), 1) is None


def test_no_model_is_a_sentence(monkeypatch):
    monkeypatch.setattr("SoftCordSegLib.network.shipped_bundles", list)

    with pytest.raises(ModelError, match="No model comes with this installation"):
        engine.model_folder(None)


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
    from SoftCordSegLib.volume import Box

    image, _ = tube
    request = Request(image, small_model, "cpu", Box.of_grid(image.grid))
    heard, tiles, at = [], [], []

    worker = Worker(lambda: None)
    mask = worker.run(
        lambda progress: engine.run(request, progress), lambda _, message: heard.append(message)
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
        return engine.run(request, told)

    def cancel_at_the_first_tile():
        if tiles and not at:
            worker.cancel()
            at.append(len(tiles))

    worker = Worker(cancel_at_the_first_tile)
    with pytest.raises(Cancelled):
        worker.run(counting_tiles)
    worker.close()

    assert len(tiles) <= at[0] + 1
