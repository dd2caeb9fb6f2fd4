"""Grids: voxel indices and millimetres, the same box at another spacing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from SoftCordSegLib.volume import Grid
from strategies import affines, shapes, spacings

CORNERS = np.array(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij")).reshape(3, -1).T


def outer_corners(grid: Grid) -> np.ndarray:
    """The eight corners of the box of ``grid``, at voxel edges, mm."""
    return grid.to_world(CORNERS * np.array(grid.shape) - 0.5)


@given(affines(), shapes)
def test_world_and_voxel_positions_undo_each_other(affine, shape):
    grid = Grid(shape, affine)
    voxels = np.random.default_rng(0).uniform(-5, 15, (4, 2, 3))

    assert grid.to_voxel(grid.to_world(voxels)) == pytest.approx(voxels, abs=1e-6)


@given(affines(), shapes)
def test_spacing_and_volume_are_those_of_the_affine(affine, shape):
    grid = Grid(shape, affine)
    origin = grid.to_world((0, 0, 0))

    steps = [np.linalg.norm(grid.to_world(step) - origin) for step in np.eye(3)]

    assert grid.spacing == pytest.approx(np.array(steps))
    assert grid.voxel_volume == pytest.approx(np.prod(steps))


@given(affines(), shapes, spacings)
def test_another_spacing_keeps_the_box(affine, shape, spacing):
    grid = Grid(shape, affine)

    other = grid.with_spacing(spacing)

    assert other.spacing == pytest.approx(np.array(spacing))
    before, after = outer_corners(grid), outer_corners(other)
    assert after[0] == pytest.approx(before[0], abs=1e-6), "the first outer corner moved"
    growth = (
        np.array(other.shape) * other.spacing - np.array(grid.shape) * grid.spacing
    ) / other.spacing
    assert (growth > -1e-5).all(), "part of the box was lost"
    assert (growth < 1).all(), "the box grew by a whole voxel"


@given(affines(), shapes)
def test_the_same_spacing_gives_the_same_grid(affine, shape):
    grid = Grid(shape, affine)

    assert grid.with_spacing(grid.spacing).same_as(grid)
    assert grid.resting(grid.spacing).same_as(grid)


@given(affines(), shapes, spacings, st.tuples(*[st.integers(-9, 9)] * 3), shapes)
def test_a_resting_grid_covers_the_box_and_stays_where_it_is(affine, shape, spacing, start, size):
    grid = Grid(shape, affine)
    other = grid.crop(start, np.add(start, size))

    one, again = grid.resting(spacing), other.resting(spacing)

    for box, cover in ((grid, one), (other, again)):
        assert cover.spacing == pytest.approx(np.array(spacing))
        corners = cover.to_voxel(outer_corners(box)) + 0.5
        assert (corners > -1e-4).all(), "part of the box was lost"
        assert (corners < np.array(cover.shape) + 1e-4).all(), "part of the box was lost"
        spare = np.array(cover.shape) - np.array(box.shape) * box.spacing / cover.spacing
        assert (spare < 2).all(), "the grid is larger than it need be"
    shift = one.to_voxel(again.to_world((0, 0, 0)))
    assert shift == pytest.approx(np.rint(shift), abs=1e-3), "the voxels moved"


@given(affines(), st.tuples(*[st.integers(-3, 3)] * 3), shapes)
def test_a_crop_keeps_voxels_in_their_places(affine, start, shape):
    grid = Grid((5, 5, 5), affine)

    part = grid.crop(np.array(start), np.array(start) + np.array(shape))

    assert part.shape == shape
    assert part.to_world((1, 2, 3)) == pytest.approx(
        grid.to_world(np.array(start) + (1, 2, 3)), abs=1e-6
    )


def test_grids_differ_in_shape_or_place():
    grid = Grid((4, 5, 6), np.eye(4))
    shifted, turned = np.eye(4), np.eye(4)
    shifted[0, 3] = 0.01
    turned[:2, :2] = [[np.cos(0.001), -np.sin(0.001)], [np.sin(0.001), np.cos(0.001)]]

    assert grid.same_as(Grid((4, 5, 6), np.eye(4)))
    assert not grid.same_as(Grid((4, 5, 7), np.eye(4)))
    assert not grid.same_as(Grid((4, 5, 6), shifted))
    assert not grid.same_as(Grid((4, 5, 6), turned)), (
        "a turn moves the far corner by more than the tolerance"
    )


def test_letters_say_where_the_axes_point_to():
    assert Grid((1, 1, 1), np.diag([-1, 1, 1, 1])).letters == "LAS"
