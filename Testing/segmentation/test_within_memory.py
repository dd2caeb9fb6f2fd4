"""The real way from image to mask, with less memory and less again."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from known_phantoms import known_phantom
from segmentation.tubes import dice, tube_image
from SoftCordSegLib.errors import is_out_of_memory
from SoftCordSegLib.network import ModelBundle, Stage, store
from SoftCordSegLib.network.pytorch_engine import pytorch_predict
from SoftCordSegLib.network.unet import UNetConfig
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.segmentation import OutOfMemory, segment, segment_within_memory
from SoftCordSegLib.segmentation.within_memory import (
    LITTLE_MEMORY,
    with_smaller_tiles,
)
from SoftCordSegLib.volume import Grid

SEGMENT = "SoftCordSegLib.segmentation.within_memory.segment"
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

    def predictor(self, stage, engine, check):
        return pytorch_predict(self.network(stage), engine.device, check)


@pytest.fixture
def bundle(tmp_path) -> BrightBundle:
    BrightBundle.shared = BrightIsCord()
    return BrightBundle(
        folder=tmp_path,
        metadata={"name": "bright", "version": "0", "weights": {}},
        orientation="LAS",
        locator=Stage("none", FEATURES, STRIDES, 1.5, (96, 96, 96), 0.5, "normrelu"),
        segmenter=Stage("none", FEATURES, STRIDES, 1.0, (32, 32, 32), 0.5, "normrelu"),
    )


@pytest.fixture
def tube():
    """A tube of 90 mm and its true fractions."""
    grid = Grid((48, 48, 80), np.diag([1.5, 1.5, 1.5, 1.0]))
    return tube_image(grid, (36, 36, 60), 5.0, 45.0)


def test_with_room_the_tiles_are_whole(bundle, tube):
    image, truth = tube
    mask = segment_within_memory(image, bundle, device="cpu")

    assert dice(mask.volume.data >= 0.5, truth >= 0.5) > 0.9
    assert max(np.prod(tile) for tile in bundle.shared.tiles) > 40**3
    assert mask.notes == segment(image, bundle, device="cpu").notes


def test_out_of_memory_is_answered_by_smaller_tiles(bundle, tube):
    image, truth = tube
    said = []
    bundle.shared.room = 40**3

    mask = segment_within_memory(
        image, bundle, device="cpu", progress=Progress(lambda _, message: said.append(message))
    )

    assert dice(mask.volume.data >= 0.5, truth >= 0.5) > 0.9
    assert (32, 32, 32) in bundle.shared.tiles
    assert any("Memory ran out" in message for message in said)
    assert mask.notes[-1] == LITTLE_MEMORY


def test_with_little_memory_the_shipped_model_gives_the_same_mask():
    phantom = known_phantom("T2starw")
    shipped = store.open_bundle()
    small = with_smaller_tiles(shipped, 2)
    assert small.segmenter == shipped.segmenter
    whole, pieces = (
        segment(phantom.image, one, device="cpu").volume.data >= 0.5 for one in (shipped, small)
    )
    assert dice(pieces, whole) > 0.98


def test_then_by_the_cpu(bundle, tube, monkeypatch):
    image, _ = tube
    devices = []

    def on_the_gpu_there_is_no_room(image, bundle, *, box, progress, device, flips, located=None):
        devices.append((device, bundle.locator.tile[0]))
        if device == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return "mask"

    monkeypatch.setattr(SEGMENT, on_the_gpu_there_is_no_room)
    assert segment_within_memory(image, bundle, device="cuda") == "mask"

    assert devices == [("cuda", 96), ("cuda", 48), ("cuda", 32), ("cpu", 96)]


def test_where_nothing_fits_the_sentence_says_what_to_do(bundle, tube):
    bundle.shared.room = 10

    with pytest.raises(OutOfMemory, match="crop the image"):
        segment_within_memory(tube[0], bundle, device="cpu")


def test_other_errors_are_not_taken_for_want_of_memory(bundle, tube, monkeypatch):
    def broken(*arguments, **options):
        raise RuntimeError("expected scalar type Float but found Half")

    monkeypatch.setattr(SEGMENT, broken)
    with pytest.raises(RuntimeError, match="scalar type"):
        segment_within_memory(tube[0], bundle, device="cpu")


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

    assert halved.locator.tile == (48, 48, 48)
    assert with_smaller_tiles(bundle, 2).locator.tile == (32, 32, 32)
    assert with_smaller_tiles(halved, 2) is None or with_smaller_tiles(halved, 2).locator.tile == (
        32,
        32,
        32,
    )
    assert with_smaller_tiles(with_smaller_tiles(bundle, 2), 1) is None


def test_where_less_is_free_than_the_locator_needs_it_starts_with_smaller_tiles(
    bundle, tube, monkeypatch
):
    image, truth = tube
    needed = 60 * 60 * 80 * FEATURES[0] * 17
    monkeypatch.setattr("SoftCordSegLib.segmentation.within_memory.free_memory", lambda: needed / 2)

    mask = segment_within_memory(image, bundle, device="cpu")

    assert max(np.prod(tile) for tile in bundle.shared.tiles) <= 48**3
    assert mask.notes[-1] == LITTLE_MEMORY
    assert dice(mask.volume.data >= 0.5, truth >= 0.5) > 0.9
