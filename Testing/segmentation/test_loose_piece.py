"""A short piece in the middle of an image is no cord, wherever it comes from; what may go on unseen
is kept.
"""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.conftest import bright_bundle
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.segmentation.loose_piece import is_loose_piece
from SoftCordSegLib.segmentation.soft_mask import NOTHING_WHOLE
from SoftCordSegLib.volume import Volume

SHAPE = (44, 44, 240)


def tube(low: int, high: int, *, at: float = 22.0, slope: float = 0.0) -> Volume:
    """A soft tube of 5 mm between two slices; voxels of 1 mm."""
    x, y, z = np.indices(SHAPE, dtype=np.float32)
    middle = at + slope * (z - (low + high) / 2)
    soft = np.clip(5.5 - np.hypot(x - middle, y - 22), 0, 1) * ((z >= low) & (z < high))
    return Volume(soft.astype(np.float32), np.diag([-1.0, 1.0, 1.0, 1.0]))


def body(brightness: np.ndarray | float = 1.0) -> Volume:
    """An even image, brighter or darker by slice."""
    data = np.random.default_rng(0).normal(100, 0.01, SHAPE) * brightness
    return Volume(data.astype(np.float32), np.diag([-1.0, 1.0, 1.0, 1.0]))


def test_a_short_piece_in_the_middle_is_loose():
    assert is_loose_piece(tube(80, 140), body())
    assert is_loose_piece(tube(80, 140, slope=0.1), body())


@pytest.mark.parametrize("offset", [-100.0, -1000.0])
def test_values_below_0_make_no_difference(offset):
    image = body()
    image.data[:3] = 0
    shifted = image.with_data(image.data + offset)
    assert is_loose_piece(tube(80, 140), shifted)
    image.data[:, :, 148:] *= 0.2
    assert not is_loose_piece(tube(80, 146), image.with_data(image.data + offset))


@pytest.mark.parametrize(("low", "high"), [(0, 60), (15, 75), (180, 240), (170, 225)])
def test_a_piece_at_an_edge_of_the_image_is_not(low, high):
    assert not is_loose_piece(tube(low, high), body())


def test_a_piece_as_long_as_a_cord_is_not():
    assert not is_loose_piece(tube(50, 190), body())


def test_a_piece_that_leaves_through_a_side_is_not():
    assert not is_loose_piece(tube(80, 140, slope=0.4), body())


def test_a_piece_where_the_image_fades_is_not():
    brightness = np.ones(SHAPE[2])
    brightness[150:] = 0.2
    assert not is_loose_piece(tube(80, 148), body(brightness))


def tall(data: np.ndarray) -> Volume:
    """With as much again above it."""
    taller = np.pad(data, [(0, 0), (0, 0), (0, 120)], mode="reflect")
    return Volume(taller.astype(np.float32), body().affine)


def test_a_piece_at_the_lower_edge_with_more_body_above_it_than_a_head_is_high_is_loose():
    soft = tall(tube(0, 60).data)
    soft.data[:, :, 240:] = 0
    assert is_loose_piece(soft, tall(body().data))
    # A head, and air above it.
    brightness = np.ones(SHAPE[2])
    brightness[200:] = 0.05
    assert not is_loose_piece(soft, tall(body(brightness).data))
    assert not is_loose_piece(tube(0, 60), body())


def test_a_piece_at_the_upper_edge_is_not_loose_however_tall_the_image_is():
    soft = tall(np.zeros(SHAPE))
    soft.data[:, :, 300:] = tube(0, 60).data[:, :, :60]
    assert not is_loose_piece(soft, tall(body().data))


def test_nothing_is_no_piece():
    assert not is_loose_piece(tube(80, 80), body())


def test_a_piece_where_a_conus_may_lie_is_not_loose():
    """In the upper half of the image, above a lumbar spine."""
    assert not is_loose_piece(tube(150, 200), body())
    # Nearer the lower edge, and with air where the lumbar spine would be.
    assert is_loose_piece(tube(110, 170), body())
    brightness = np.ones(SHAPE[2])
    brightness[:40] = 0.05
    assert is_loose_piece(tube(150, 200), body(brightness))
    higher = Volume(body().data[:, :, 50:], body().affine)
    assert is_loose_piece(Volume(tube(150, 200).data[:, :, 50:], body().affine), higher)


@pytest.mark.parametrize("spacing", [1.0, 5.0])
def test_the_grid_of_the_image_makes_no_difference(spacing):
    """The image has coarser slices, and another origin."""
    soft = tube(80, 140)
    image = body()
    affine = np.diag([-1.0, 1.0, spacing, 1.0])
    affine[:3, 3] = (10, -10, -20)
    data = np.pad(image.data, [(10, 10), (10, 10), (20, 20)], mode="edge")[:, :, :: int(spacing)]
    assert is_loose_piece(soft, Volume(data, affine))
    beginning = data[:, :, round(85 / spacing) :]
    affine[2, 3] += round(85 / spacing) * spacing
    assert not is_loose_piece(soft, Volume(beginning, affine))


def bright(*tubes: Volume) -> Volume:
    image = body()
    return image.with_data(image.data + 900 * np.max([one.data for one in tubes], axis=0))


def test_of_a_loose_piece_alone_there_is_no_mask_and_a_sentence():
    result = segment(bright(tube(80, 140)), bright_bundle())
    assert not result.found
    assert result.message == NOTHING_WHOLE
    assert result.box is None


def test_the_cord_is_found_beside_a_loose_piece():
    """Though the piece is the larger of the two."""
    image = bright(tube(30, 110, at=31.0), tube(190, 240, at=13.0))
    mask = segment(image, bright_bundle()).volume.data >= 0.5
    assert mask[13, 22, 195:235].all()
    assert not mask[24:].any()


def unsure(monkeypatch, from_voxel: int, factor: float) -> None:
    """A locator that is sure of one voxel, and less sure from a slice (voxels of 3 mm) on."""
    import SoftCordSegLib.segmentation.locate as stage

    sure = stage.predict_tiled

    def less_sure(*arguments, **options):
        raw = sure(*arguments, **options)
        if raw.shape[2] == 80:  # the locator's voxels of 3 mm
            top = raw.max()
            raw[:, :, from_voxel:] *= factor
            raw[0, 0, 0] = top
        return raw

    monkeypatch.setattr(stage, "predict_tiled", less_sure)


def test_a_cord_that_the_locator_hardly_sees_is_found_where_the_rest_is_a_loose_piece(monkeypatch):
    unsure(monkeypatch, 55, 0.12)
    image = bright(tube(30, 110, at=31.0), tube(190, 240, at=13.0))
    mask = segment(image, bright_bundle()).volume.data >= 0.5
    assert mask[13, 22, 195:235].all()
    assert not mask[24:].any()


def test_so_is_one_where_there_is_nothing_else(monkeypatch):
    unsure(monkeypatch, 0, 0.02)
    mask = segment(bright(tube(190, 240)), bright_bundle()).volume.data >= 0.5
    assert mask[22, 22, 195:235].all()


def test_but_not_if_it_is_doubtful_besides(monkeypatch):
    import SoftCordSegLib.segmentation.locate_and_segment as stage
    from SoftCordSegLib.segmentation.cord_plausibility import Surroundings

    monkeypatch.setattr(stage, "surroundings", lambda *_: Surroundings(0.65, 0.2))
    assert segment(bright(tube(190, 240)), bright_bundle()).found
    unsure(monkeypatch, 0, 0.02)
    assert not segment(bright(tube(190, 240)), bright_bundle()).found
