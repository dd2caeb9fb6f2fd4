"""The slice-wise transform, forward and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtruth.cords import grid
from groundtruth.motions import GRIDS, a_motion, points_in
from SoftCordSegLib.groundtruth import SlicewiseRigid


@pytest.mark.parametrize("grid", GRIDS, ids=["straight", "oblique", "right-handed"])
def test_forward_then_back_is_where_one_was(grid):
    motion, points = a_motion(grid), points_in(grid, beyond=4)

    moved = motion.to_moving(points)

    assert np.abs(moved - points).max() > 0.5
    assert np.abs(motion.to_reference(moved) - points).max() < 1e-9
    assert np.abs(motion.to_moving(motion.to_reference(points)) - points).max() < 1e-9


@given(seed=st.integers(0, 10_000), degrees=st.floats(0, 40), size=st.floats(0, 10))
def test_any_motion_is_inverted_exactly(seed, degrees, size):
    motion, points = (
        a_motion(GRIDS[1], seed, size, degrees),
        points_in(GRIDS[1], 30, beyond=3, seed=seed),
    )

    assert np.abs(motion.to_reference(motion.to_moving(points)) - points).max() < 1e-9


def test_it_is_rigid_in_every_slice():
    motion = a_motion(GRIDS[0])
    voxels = np.array([[5, 6, 7], [30, 6, 7], [5, 40, 7], [22, 31, 7]], float)
    points = GRIDS[0].to_world(voxels)

    moved = motion.to_moving(points)

    def distances(p):
        return np.linalg.norm(p[:, None] - p[None], axis=-1)

    assert distances(moved) == pytest.approx(distances(points), abs=1e-9)
    assert GRIDS[0].to_voxel(moved)[:, 2] == pytest.approx(np.full(4, 7.0))


def test_its_signs_are_as_they_are_said_to_be():
    where = grid(
        1.0, (21, 21, 3)
    )  # the middle of slice 1 at the origin; the first axis leads to the Left
    middle = np.full((3, 2), 10.0)
    shift = np.tile([2.0, 0.0], (3, 1))

    assert SlicewiseRigid(where, middle, shift, np.zeros(3)).to_moving(
        np.zeros(3)
    ) == pytest.approx([-2, 0, 0])
    # A quarter turn takes Left to Anterior.
    quarter = SlicewiseRigid(where, middle, 0 * shift, np.full(3, np.pi / 2))
    assert quarter.to_moving(np.array([-4.0, 0, 0])) == pytest.approx([0, 4, 0])
