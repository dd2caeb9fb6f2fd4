"""Boxes in the world."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from SoftCordSegLib.volume import Box, Grid


def oblique_grid() -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", [10, 20, -30], degrees=True).as_matrix() * [
        0.5,
        -0.8,
        3.0,
    ]
    affine[:3, 3] = [5, -7, 90]
    return Grid((20, 30, 10), affine)


def test_a_grid_and_its_box_give_each_other_back():
    grid = oblique_grid()
    start, stop = Box.of_grid(grid).voxels_of(grid)
    assert start.tolist() == [0, 0, 0]
    assert tuple(stop) == grid.shape


def test_a_part_of_a_grid_comes_back_as_that_part():
    grid = oblique_grid()
    start, stop = Box.of_grid(grid.crop(np.array([3, 4, 2]), np.array([9, 20, 7]))).voxels_of(grid)
    assert (start.tolist(), stop.tolist()) == ([3, 4, 2], [9, 20, 7])


def test_corners_are_at_the_outer_edges_of_the_voxels():
    box = Box.of_grid(Grid((2, 2, 2), np.diag([2.0, 2.0, 2.0, 1.0])))
    assert box.corners_mm.min(axis=0).tolist() == [-1, -1, -1]
    assert box.corners_mm.max(axis=0).tolist() == [3, 3, 3]


@pytest.mark.parametrize(("axes", "size"), [(np.ones((3, 3)), [1, 1, 1]), (np.eye(3), [1, 0, 1])])
def test_what_is_not_a_box_is_refused(axes, size):
    with pytest.raises(ValueError, match="box"):
        Box([0, 0, 0], axes, size)
