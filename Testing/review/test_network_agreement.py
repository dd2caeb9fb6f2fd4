"""Whether the network agrees with itself and with a mask, by stand-ins that are sure, or see one
side only.
"""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.conftest import BrightBundle, BrightIsCord
from segmentation.tubes import tube_image
from SoftCordSegLib.errors import Cancelled
from SoftCordSegLib.network import Stage
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.review.mask_profile import mask_profile
from SoftCordSegLib.review.network_agreement import network_agreement
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.volume import Grid, Volume, reorient


class LeftIsCord(BrightIsCord):
    """Takes the left half of what is bright in a tile for cord: another one in the mirror image."""

    def forward(self, x):
        (raw,) = super().forward(x)
        bright = (raw > 0.5).nonzero()
        if len(bright):
            raw[:, :, : int(bright[:, 2].float().mean())] = 0
        return [raw]


def a_bundle(tmp_path, network):
    def stage(spacing, tile):
        return Stage("none", (8, 16), ((1, 1, 1), (2, 2, 2)), spacing, tile, 0.5, "normrelu")

    bundle = BrightBundle(
        folder=tmp_path,
        metadata={"name": "bright", "version": "0", "weights": {}},
        orientation="LAS",
        locator=stage(3.0, (96, 96, 96)),
        segmenter=stage(1.0, (32, 32, 32)),
    )
    bundle.__dict__["_network"] = network
    return bundle


@pytest.fixture(scope="module")
def scan():
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = [-40, -40, 20]
    grid = Grid((70, 70, 80), affine)
    return tube_image(grid, grid.to_world([30, 32, 40]), 5, 30)[0]


def test_a_sure_network_agrees_with_itself_in_any_orientation(scan, tmp_path):
    bundle = a_bundle(tmp_path, BrightIsCord())
    for letters in ("RAS", "PSR"):
        image = reorient(scan, letters)
        mask = segment(image, bundle).volume
        found = network_agreement(image, mask, bundle, by_this_network=True)

        assert found.mirrored > 0.95
        assert np.isnan(found.given)
        assert max(sign.chance for sign in found.signs(None, np.zeros(0))) < 0.05


def test_a_network_that_sees_one_side_does_not(scan, tmp_path):
    bundle = a_bundle(tmp_path, LeftIsCord())
    mask = segment(scan, bundle).volume
    found = network_agreement(scan, mask, bundle, by_this_network=True)
    (sign,) = found.signs(mask_profile(mask).centres_mm, mask_profile(mask).slices)

    assert found.mirrored < 0.6
    assert sign.name == "mirror"
    assert sign.chance > 0.9
    assert sign.slice in range(8, 72)


def test_a_mask_of_another_maker_is_held_against_the_network(scan, tmp_path):
    bundle = a_bundle(tmp_path, BrightIsCord())
    good = segment(scan, bundle).volume
    moved = good.with_data(np.roll(good.data, 6, axis=0))
    half = good.with_data(np.where(np.arange(80) < 40, good.data, 0))

    def chances(mask):
        found = network_agreement(scan, mask, bundle, by_this_network=False)
        return {sign.name: sign.chance for sign in found.signs(None, np.zeros(0))}

    assert max(chances(good).values()) < 0.05
    assert chances(moved)["network"] > 0.8
    assert chances(half)["mirror"] < 0.05


def test_where_masks_differ_is_found(scan, tmp_path):
    bundle = a_bundle(tmp_path, BrightIsCord())
    good = segment(scan, bundle).volume
    data = good.data.copy()
    data[:, :, 50:60] = np.roll(data[:, :, 50:60], 8, axis=0)
    found = network_agreement(scan, good.with_data(data), bundle, by_this_network=False)

    assert found.worst < 0.5
    assert 20 + 46 < found.worst_mm[2] < 20 + 64


def test_there_is_nothing_to_ask_of_an_empty_mask(scan, tmp_path):
    bundle = a_bundle(tmp_path, BrightIsCord())
    empty = scan.with_data(np.zeros(scan.shape, np.float32))

    assert network_agreement(scan, empty, bundle, by_this_network=True) is None


def test_the_network_runs_once_for_its_own_mask_and_cancel_stops_it(scan, tmp_path):
    def calls(own):
        network = BrightIsCord()
        bundle = a_bundle(tmp_path, network)
        mask = Volume((scan.data > 500).astype(np.float32), scan.affine)
        network_agreement(scan, mask, bundle, by_this_network=own)
        return network.calls

    assert 1.5 < calls(False) / calls(True) < 2.5
    with pytest.raises(Cancelled):
        network_agreement(
            scan,
            scan.with_data((scan.data > 500).astype(np.float32)),
            a_bundle(tmp_path, BrightIsCord()),
            by_this_network=True,
            progress=Progress(is_cancelled=lambda: True),
        )
