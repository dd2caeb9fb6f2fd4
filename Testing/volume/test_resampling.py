"""Resampling through affines: analytic fields, there and back, soft masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from SoftCordSegLib.volume import Grid, Volume, reorient, resample, resample_mask, resampling
from strategies import affines, orientations, shapes, spacings, volumes


def field(grid: Grid, function) -> Volume:
    """``function(x, y, z)`` of world positions, mm, at the voxel centres of ``grid``."""
    positions = grid.to_world(np.moveaxis(np.indices(grid.shape), 0, -1))
    return Volume(function(*np.moveaxis(positions, -1, 0)).astype(np.float32), grid.affine)


def grid_inside(outer: Grid, seed: int, shape=(4, 5, 6)) -> Grid:
    """A grid of any tilt and handedness whose voxel centres all lie well inside those of
    ``outer``.
    """
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3] = axes * outer.spacing.min() * rng.uniform(0.2, 0.5, 3)
    centre = outer.to_world((np.array(outer.shape) - 1) / 2)
    affine[:3, 3] = centre - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid(shape, affine)


def blob(x, y, z):
    """A smooth bump of 12 mm standard deviation at the origin."""
    return np.exp(-(x**2 + y**2 + z**2) / (2 * 12.0**2))


@pytest.mark.parametrize("order", [1, 2, 3])
@given(affine=affines(), seed=st.integers(0, 10_000), slope=st.tuples(*[st.floats(-1, 1)] * 3))
def test_a_linear_field_is_sampled_exactly_through_any_affine(order, affine, seed, slope):
    grid = Grid((9, 9, 9), affine)
    centre = grid.to_world((4, 4, 4))

    def linear(x, y, z):
        return (
            3.0
            + slope[0] * (x - centre[0])
            + slope[1] * (y - centre[1])
            + slope[2] * (z - centre[2])
        )

    # Splines of order 2 and more see the edges of the volume, less and less with distance from
    # them.
    extent = float(np.abs(field(grid, linear).data - 3.0).max())
    tolerance = (1e-5 if order == 1 else 1e-2) * max(extent, 1.0)
    target = grid_inside(grid, seed)

    sampled = resample(field(grid, linear), target, order=order)

    assert sampled.data == pytest.approx(field(target, linear).data, abs=tolerance)


@given(volumes(), shapes, orientations, st.integers(0, 10_000))
def test_it_agrees_with_interpolation_point_by_point(volume, shape, letters, seed):
    rng = np.random.default_rng(seed)
    turned = reorient(volume, letters).grid.with_spacing(
        rng.uniform(0.5, 2, 3) * reorient(volume, letters).spacing
    )
    start = rng.integers(-2, 3, 3)
    grid = turned.crop(start, start + np.array(shape))

    sampled = resample(volume, grid, order=1, outside=0.0)

    voxels = volume.grid.to_voxel(grid.to_world(np.moveaxis(np.indices(grid.shape), 0, -1)))
    expected = ndimage.map_coordinates(
        volume.data.astype(float), np.moveaxis(voxels, -1, 0), order=1, mode="grid-constant"
    )
    assert sampled.data == pytest.approx(expected, abs=1e-4)


@given(volumes(), st.sampled_from([0, 1, 2, 3]))
def test_the_own_grid_gives_the_own_values(volume, order):
    assert resample(volume, volume.grid, order=order).data == pytest.approx(volume.data, abs=1e-4)


@given(affines(max_tilt_degrees=45), orientations)
def test_there_and_back_returns_a_smooth_image(affine, letters):
    affine[:3, 3] = 0
    affine[:3, :3] *= 2.0 / np.linalg.norm(affine[:3, :3], axis=0)
    centred = affine.copy()
    centred[:3, 3] = -affine[:3, :3] @ np.full(3, 14.5)
    image = field(Grid((30, 30, 30), centred), blob)
    working = reorient(image, letters).grid.with_spacing(1.0)

    back = resample(resample(image, working), image.grid)

    inner = (slice(3, -3),) * 3
    assert back.data[inner] == pytest.approx(image.data[inner], abs=5e-3)


@given(volumes(), affines(), shapes)
def test_a_soft_mask_stays_between_0_and_1(mask, affine, shape):
    for order in (1, 2, 3):
        sampled = resample_mask(mask, Grid(shape, affine), order=order).data

        assert sampled.dtype == np.float32
        assert sampled.min() >= 0.0
        assert sampled.max() <= 1.0


@given(volumes(), spacings)
def test_a_soft_mask_is_0_far_outside_its_grid(mask, spacing):
    ones = mask.with_data(np.ones(mask.shape, np.float32))
    away = ones.affine.copy()
    away[:3, 3] += 5000

    assert not resample_mask(ones, Grid((2, 3, 4), away).with_spacing(spacing)).data.any()


@given(volumes(), spacings)
def test_an_image_repeats_its_edge_outside(image, spacing):
    constant = image.with_data(np.full(image.shape, 7.0, np.float32))
    away = constant.affine.copy()
    away[:3, 3] += 5000

    assert (resample(constant, Grid((2, 3, 4), away).with_spacing(spacing)).data == 7.0).all()


@pytest.mark.parametrize("kind", [np.float32, np.int16])
def test_averaging_leaves_the_image_as_it_is(kind):
    data = np.random.default_rng(4).integers(0, 99, (9, 8, 7)).astype(kind)
    image = Volume(data.copy(), np.eye(4))
    resample(image, image.grid.with_spacing(2.5), order=1, antialias=True)
    assert np.array_equal(image.data, data)


@pytest.mark.parametrize(("order", "antialias"), [(1, False), (2, False), (2, True), (1, True)])
def test_a_part_of_the_grid_gives_the_same_as_the_whole(order, antialias):
    rng = np.random.default_rng(3)
    image = Volume(
        ndimage.gaussian_filter(rng.random((90, 60, 70)), 2).astype(np.float32),
        np.diag([0.3, 0.5, 1.0, 1.0]),
    )
    grid = image.grid.with_spacing(5.0 if antialias else 1.5)
    start, stop = np.array(grid.shape) // 3, np.array(grid.shape) // 3 + 2

    whole = resample(image, grid, order=order, antialias=antialias).data
    part = resample(image, grid.crop(start, stop), order=order, antialias=antialias).data

    assert part == pytest.approx(whole[tuple(slice(a, b) for a, b in zip(start, stop))], abs=1e-5)


def test_antialiasing_averages_what_plain_sampling_misses():
    stripes = Volume(
        np.tile(np.array([0.0, 1.0], np.float32), 32)[:, None, None]
        * np.ones((1, 4, 4), np.float32),
        np.diag([0.5, 2, 2, 1]),
    )
    coarse = stripes.grid.with_spacing((4.0, 2.0, 2.0))

    averaged = resample(stripes, coarse, order=1, antialias=True).data

    assert averaged[2:-2] == pytest.approx(0.5, abs=0.02)


def test_a_single_slice_and_a_single_voxel_can_be_sampled():
    for shape in ((8, 8, 1), (1, 1, 1)):
        volume = Volume(np.full(shape, 2.0, np.float32), np.diag([1, 1, 17, 1]))

        assert resample(volume, volume.grid.with_spacing(1.0)).data == pytest.approx(2.0)


def test_a_large_image_is_resampled_piece_by_piece_to_the_same_values(monkeypatch):
    data = np.random.default_rng(0).normal(size=(61, 40, 33)).astype(np.float32)
    image = Volume(data, np.diag([0.7, 0.9, 1.1, 1.0]))
    grid = image.grid.with_spacing(2.3)
    whole = resample(image, grid, order=1, antialias=True).data
    monkeypatch.setattr("SoftCordSegLib.volume.resampling._MOST_AT_ONCE", 4000)
    assert np.abs(resample(image, grid, order=1, antialias=True).data - whole).max() < 1e-6


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("outside", ["nearest", 0.25])
@pytest.mark.parametrize("oblique", [False, True])
def test_shared_by_threads_it_is_what_scipy_gives(order, outside, oblique):
    rng = np.random.default_rng(order)
    values = ndimage.gaussian_filter(rng.normal(size=(70, 60, 50)).astype(np.float32), 1)
    affine = np.diag([0.9, 1.1, 0.8, 1.0])
    affine[:3, 3] = 1.3, -2.0, 5.0
    if oblique:
        affine[:3, :3] = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    grid = Grid((64, 60, 70), affine)
    assert np.prod(grid.shape) > resampling._SHARED_VOXELS

    sampled = resample(Volume(values, np.eye(4)), grid, order=order, outside=outside)

    mode, value = ("nearest", 0.0) if outside == "nearest" else ("grid-constant", outside)
    matrix = affine[:3, :3] if oblique else np.diag(affine)[:3]
    whole = ndimage.affine_transform(
        values,
        matrix,
        affine[:3, 3],
        output_shape=grid.shape,
        order=order,
        mode=mode,
        cval=value,
        output=np.float32,
    )
    np.testing.assert_allclose(sampled.data, whole, atol=1e-6)


def test_shared_by_threads_an_average_is_that_of_one(monkeypatch):
    rng = np.random.default_rng(0)
    image = Volume(rng.normal(size=(70, 60, 50)).astype(np.float32), np.eye(4))
    coarse = image.grid.with_spacing((1.5, 2.0, 2.5))
    assert image.data.size > resampling._SHARED_VOXELS
    shared = resample(image, coarse, order=1, antialias=True).data

    monkeypatch.setattr(resampling, "_SHARED_VOXELS", 1 << 60)
    assert np.array_equal(shared, resample(image, coarse, order=1, antialias=True).data)
