"""Networks and their mirror images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from segmentation.test_segment import isotropic
from segmentation.tubes import dice, tube_image
from SoftCordSegLib.network import store
from SoftCordSegLib.network.engines import Engine
from SoftCordSegLib.network.unet import UNetConfig
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.segmentation.predictor import Networks, all_flips, left_right, with_flips
from SoftCordSegLib.volume import Volume


def test_flips_are_the_mean_over_mirror_images_turned_back():
    ramp = np.broadcast_to(np.arange(4.0, dtype=np.float32)[:, None, None], (4, 3, 2))
    tile = np.random.default_rng(1).random((4, 3, 2), np.float32)
    calls = []

    def lopsided(tile):
        calls.append(tile.shape)
        return (tile * ramp)[None]

    result = with_flips(lopsided, [(0,)])(tile)
    assert np.allclose(result[0], tile * (ramp + ramp[::-1]) / 2)
    assert len(calls) == 2
    assert with_flips(lopsided, []) is lopsided


def test_flips_along_several_axes_turn_each_back():
    tile = np.random.default_rng(2).random((2, 3, 4), np.float32)
    assert np.allclose(
        with_flips(lambda tile: tile[None] * 3, all_flips((0, 1, 2)))(tile)[0], 3 * tile
    )


def test_which_flips_there_are():
    assert left_right("LAS") == left_right("RPI") == [(0,)]
    assert left_right("PSR") == [(2,)]
    assert all_flips((0, 2)) == [(0,), (2,), (0, 2)]
    assert len(all_flips((0, 1, 2))) == 7
    assert all_flips(()) == []


class SeesLeftBetter(torch.nn.Module):
    """Calls bright what is bright, and all the more so in the lower half of the tile's first
    axis.
    """

    config = UNetConfig((8, 16), ((1, 1, 1), (2, 2, 2)))

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        weight = torch.linspace(1.0, 0.6, x.shape[2])[:, None, None]
        return [(x + 1) / (x.max() + 1) * weight if x.max() > 0.9 else torch.zeros_like(x)]


def test_with_flips_our_pipeline_treats_both_sides_alike(bundle):
    network = SeesLeftBetter()
    object.__setattr__(bundle, "network", lambda stage: network)
    grid = isotropic((40, 40, 64))
    image, truth = tube_image(grid, grid.to_world([19.5, 20, 32]), radius_mm=6, half_length_mm=100)
    mirrored = Volume(image.data[::-1].copy(), image.affine)

    def difference(flips):
        one, other = (
            segment(volume, bundle, flips=flips).volume.data for volume in (image, mirrored)
        )
        return np.abs(one - other[::-1]).max()

    network.calls = 0
    assert difference(False) > 0.1
    plain = network.calls
    assert difference(True) < 0.02
    assert network.calls - plain <= 2 * plain, "twice the tiles at most"
    assert dice(segment(image, bundle, flips=True).volume.data >= 0.5, truth >= 0.5) > 0.9


# Linux: sizes of this process, pages of 4096 bytes.
_STATM = Path("/proc/self/statm")


@pytest.mark.skipif(not _STATM.exists(), reason="reads the process' memory as Linux tells it")
def test_the_locators_memory_is_given_back_before_the_segmenter_runs():
    """Seen without it: six images of 192 x 260 x 320 voxels in one call peaked at 695 MB, one at
    479 MB.
    """
    networks = Networks(store.open_bundle(None), Engine("openvino"))
    tile = np.random.default_rng(3).random((96, 96, 96), np.float32)

    def resident_mb() -> float:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * 4096 / 2**20

    first = networks.locator()[0](tile)
    full = resident_mb()
    networks.segmenter()
    # Its first layers alone, of 12 channels, are 20 MB each in bfloat16, and 40 elsewhere.
    assert resident_mb() < full - 40
    assert np.array_equal(networks.locator()[0](tile), first)
