"""Values brought from one space to another."""

from __future__ import annotations

import numpy as np
import pytest

from groundtruth.cords import grid
from SoftCordSegLib.groundtruth.warp import box_within, reach_along, warp, warp_known
from SoftCordSegLib.volume import Volume

WHERE = grid(2.0, (10, 12, 8))


def stay(points):
    return points


def by(*shift_mm):
    return lambda points: points + np.array(shift_mm)


def a_volume() -> Volume:
    data = np.random.default_rng(0).uniform(0, 1, WHERE.shape).astype(np.float32)
    return Volume(data, WHERE.affine)


def test_without_motion_nothing_changes():
    assert warp(a_volume(), WHERE, stay) == pytest.approx(a_volume().data)


def test_a_shift_of_a_voxel_moves_values_by_one_and_brings_zeros_in():
    # The first axis leads to the Left, which is negative in world coordinates.
    moved = warp(a_volume(), WHERE, by(-2.0, 0, 0))

    assert moved[:-1] == pytest.approx(a_volume().data[1:])
    assert not moved[-1].any()


def test_known_values_do_not_fade_towards_unknown_ones():
    known = a_volume().with_data(np.ones(WHERE.shape, np.float32))
    known.data[:, :, 4:] = 0
    values = known.with_data(0.8 * known.data)

    moved = warp_known(values, known, WHERE, by(0, 0, 0.6))

    assert moved[:, :, 3] == pytest.approx(0.8)  # 30 % of it is unknown
    assert not moved[:, :, 4:].any()


def test_the_box_holds_all_that_a_moved_volume_reaches():
    small = Volume(np.ones((4, 4, 3), np.float32), grid(2.0, (4, 4, 3)).affine)

    start, stop = box_within(WHERE, small, by(0, 4.0, 0))

    reached = np.argwhere(warp(small, WHERE, by(0, -4.0, 0)) > 0)
    assert (start <= reached.min(axis=0)).all()
    assert (stop > reached.max(axis=0)).all()
    assert (stop - start).prod() < np.prod(WHERE.shape)


def test_a_grid_is_continued_until_it_reaches_all_masks():
    high = grid(2.0, (4, 4, 3), middle=(0, 0, 14))

    longer = reach_along(WHERE, [Volume(np.ones(high.shape, np.float32), high.affine)])

    assert longer.shape[:2] == WHERE.shape[:2]
    assert longer.to_world([0, 0, 0]) == pytest.approx(WHERE.to_world([0, 0, 0]))
    top = longer.to_world([0, 0, longer.shape[2] - 1])[2]
    assert 16 <= top < 18.001
