"""Tiles cover everything, blend without seams, and can be passed over."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from SoftCordSegLib.progress import Progress
from SoftCordSegLib.segmentation.tiles import predict_tiled, tile_starts


@given(st.integers(1, 200), st.integers(1, 64), st.floats(0, 0.75))
def test_tiles_cover_the_whole_axis_and_stay_within_it(size, tile, overlap):
    starts = tile_starts(size, tile, overlap)
    covered = np.zeros(max(size, tile), bool)
    for start in starts:
        assert start >= 0
        covered[start : start + tile] = True
    assert covered.all()
    assert starts[-1] + tile == max(size, tile)
    assert len(starts) == 1 or max(np.diff(starts)) <= int(np.ceil(tile * (1 - overlap))) + 1


@given(
    st.tuples(st.integers(8, 30), st.integers(8, 30), st.integers(8, 30)),
    st.sampled_from([0.0, 0.25, 0.5]),
)
def test_a_network_that_repeats_its_input_gives_the_image_back(shape, overlap):
    image = np.random.default_rng(0).random(shape, np.float32)
    result = predict_tiled(image, lambda tile: tile, (8, 8, 8), overlap, Progress())
    assert np.allclose(result, image, atol=1e-5)


def test_unwanted_tiles_are_not_run():
    image = np.ones((32, 8, 8), np.float32)
    wanted = np.zeros(image.shape, bool)
    wanted[3, 3, 3] = True
    runs = []
    result = predict_tiled(
        image, lambda tile: runs.append(1) or tile, (8, 8, 8), 0.0, Progress(), wanted
    )
    assert len(runs) == 1
    assert result[:8].all()
    assert not result[8:].any()


def test_progress_is_asked_before_every_tile():
    class Stop(Exception):
        pass

    class Impatient(Progress):
        asked = 0

        def check_cancelled(self):
            self.asked += 1
            if self.asked == 3:
                raise Stop

    runs = []
    with pytest.raises(Stop):
        predict_tiled(
            np.ones((40, 8, 8), np.float32),
            lambda tile: runs.append(1) or tile,
            (8, 8, 8),
            0.0,
            Impatient(),
        )
    assert len(runs) == 2
