"""The input contract: the cord looks the same to the segmenter whatever lies far away from it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from SoftCordSegLib.volume import Grid, Volume, read_nifti, reorient, resample
from SoftCordSegLib.volume.intensities import (
    CLIP,
    LOCATOR_PERCENTILES,
    SEGMENTER_PERCENTILES,
    Intensities,
    Scaling,
    around_cord,
    batch_limits,
    limits,
    near_cord,
    scale,
    without_padding,
)

# Of the range from -1 to 1 that the percentiles span.
ALLOWED = 0.01 * 2


def scaling(image: Volume, cord: Volume) -> Scaling:
    """The segmenter's scaling with a mask as the located cord."""
    working = without_padding(image)
    grid = working.grid.with_spacing(2.0)
    coarse = resample(working, grid, order=1, antialias=True)
    located = resample(cord, grid, order=1, outside=0.0, antialias=True).data > 0.25
    return around_cord(working, coarse).for_segmenter(near_cord(located))


def alone(values: np.ndarray, with_image: np.ndarray | None) -> Intensities:
    """Of an image that is its own coarse version."""
    volume = Volume(values, np.eye(4))
    return Intensities(volume, volume, with_image)


def largest_change(image: Volume, cord: Volume, changed: Volume) -> float:
    """Of the values that the segmenter sees of the cord."""
    values = image.data[cord.data > 0.5]
    return float(np.abs(scaling(image, cord)(values) - scaling(changed, cord)(values)).max())


def padded(image: Volume, voxels: np.ndarray, value: float) -> Volume:
    """With ``voxels`` (3, 2) more on each side, all of one value."""
    grid = image.grid.crop(-voxels[:, 0], np.array(image.shape) + voxels[:, 1])
    return Volume(
        np.pad(image.data, voxels, constant_values=np.array(value, image.data.dtype)), grid.affine
    )


def cropped(image: Volume, cord: Volume, margin_mm: float) -> Volume:
    """To the cord's box and a margin beside it."""
    voxels, margin = np.argwhere(cord.data > 0.5), np.ceil(margin_mm / image.spacing).astype(int)
    start = np.maximum(voxels.min(axis=0) - margin, 0)
    stop = np.minimum(voxels.max(axis=0) + 1 + margin, image.shape)
    grid = image.grid.crop(start, stop)
    return Volume(image.data[tuple(slice(a, b) for a, b in zip(start, stop))], grid.affine)


def a_body(seed: int, shape=(70, 80, 60)) -> tuple[Volume, Volume]:
    """Tissue of random intensities, fluid and cord in a bent canal, air beside them, noise; whole
    numbers as scanners give.
    """
    rng = np.random.default_rng(seed)
    x, y, z = np.indices(shape)
    middle = (
        35 + 4 * np.sin(z / 20 + rng.uniform(0, 6)),
        42 + 6 * np.sin(z / 30 + rng.uniform(0, 6)),
    )
    radius = np.hypot(x - middle[0], y - middle[1])
    levels = rng.uniform(50, 1000, 4)
    texture = rng.normal(0, 60, (14, 16, 12))[x // 5, y // 5, z // 5]
    data = levels[0] + texture
    data[radius < 9], data[radius < 5] = levels[1], levels[2]
    data[y > 72] = rng.uniform(0, 5)
    data = data + np.abs(rng.normal(0, 12, shape))
    return Volume(np.maximum(data, 0).astype(np.int16), np.eye(4)), Volume(
        (radius < 5).astype(np.float32), np.eye(4)
    )


@pytest.fixture(
    scope="module",
    params=["sct-testing/t2:t2_seg-manual", "errsm/sub-errsm11_T2w:sub-errsm11_T2w_seg-manual"],
)
def real(request, shared_data) -> tuple[Volume, Volume]:
    """An image and its mask; the mask is the located cord."""
    image, mask = request.param.split(":")
    folder = shared_data / "images"
    files = (folder / f"{image}.nii.gz", folder / image.split("/")[0] / f"{mask}.nii.gz")
    return tuple(reorient(read_nifti(path), "LAS") for path in files)


sides = st.lists(st.integers(0, 9), min_size=6, max_size=6).map(lambda n: np.reshape(n, (3, 2)))


@given(st.integers(0, 1000), sides, st.integers(-32768, 32767))
@settings(max_examples=15)
def test_padding_by_any_constant_does_not_change_what_is_seen_of_the_cord(seed, voxels, value):
    image, cord = a_body(seed)
    assert largest_change(image, cord, padded(image, voxels, value)) < ALLOWED


@given(st.integers(0, 1000), st.floats(20, 30))
@settings(max_examples=15)
def test_cropping_around_the_cord_hardly_changes_what_is_seen_of_it(seed, margin):
    image, cord = a_body(seed)
    assert largest_change(image, cord, cropped(image, cord, margin)) < ALLOWED


@pytest.mark.parametrize("value", [0, -1000, 150, 32767])
def test_padding_a_real_image_changes_nothing(real, value):
    image, cord = real
    assert (
        largest_change(image, cord, padded(image, np.array([[3, 10], [8, 0], [5, 7]]), value)) == 0
    )


@pytest.mark.parametrize("margin", [20, 21, 25])
def test_cropping_a_real_image_around_the_cord_hardly_changes_what_is_seen_of_it(real, margin):
    image, cord = real
    assert largest_change(image, cord, cropped(image, cord, margin)) < ALLOWED


def test_the_whole_image_would_not_do(real):
    """What the contract replaces: the percentiles of all of an image move when it is cropped."""
    image, cord = real
    values = image.data[cord.data > 0.5]
    changed = padded(cropped(image, cord, 20), np.full((3, 2), 15), 0)
    difference = Scaling.of(image.data)(values) - Scaling.of(changed.data)(values)
    assert np.abs(difference).max() > 2 * ALLOWED


def test_wedges_and_voxels_that_are_not_numbers_do_not_count():
    """Beside an image that was turned there are wedges of one value; a part may be missing
    altogether.
    """
    image, cord = a_body(3)
    x, y, _ = np.indices(image.shape)
    # Far enough from the cord that the voxels near it are the same ones.
    wedge = x + y < 38
    for value in (0.0, 9999.0, np.nan):
        data = image.data.astype(np.float32)
        data[wedge] = value
        turned = image.with_data(data)
        coarse = resample(
            image.with_data(np.nan_to_num(data)),
            image.grid.with_spacing(2.0),
            order=1,
            antialias=True,
        )
        seen = around_cord(turned, coarse)
        inside = resample(
            image.with_data(wedge.astype(np.float32)), coarse.grid, order=1, antialias=True
        ).data
        assert not seen.with_image[inside > 0.999].any()
        # Nor what the averaging tinged with the wedge's value; and little of the rest is lost.
        assert not seen.with_image[inside > 0.01].any()
        assert seen.with_image.mean() > 0.8
        assert largest_change(image, cord, image.with_data(np.nan_to_num(data))) < 5 * ALLOWED


def test_noise_of_whole_numbers_is_image():
    data = np.random.default_rng(0).integers(0, 20, (40, 40, 40)).astype(np.int16)
    volume = Volume(data, np.eye(4))
    assert around_cord(
        volume, resample(volume, volume.grid.with_spacing(2.0), order=1, antialias=True)
    ).with_image.all()


def test_what_padding_was_added_to_is_what_is_left():
    image, _ = a_body(1, (20, 22, 24))
    left = without_padding(padded(image, np.array([[1, 2], [3, 4], [0, 6]]), 77))
    assert left.grid.same_as(image.grid)
    assert np.array_equal(left.data, image.data)
    blank_rows = image.data.astype(np.float32)
    blank_rows[:2], blank_rows[:, :3] = np.nan, -5
    assert without_padding(image.with_data(blank_rows)).shape == (18, 19, 24)


@pytest.mark.parametrize("shape", [(5, 6, 7), (1, 6, 7)])
def test_a_constant_image_stays_as_it_is(shape):
    volume = Volume(np.full(shape, 3, np.int16), np.eye(4))
    assert without_padding(volume).shape == shape
    found = around_cord(volume, resample(volume, volume.grid.with_spacing(2.0), order=1))
    assert np.isfinite(found.for_locator()(found.coarse.data)).all()


def test_without_a_region_or_without_contrast_in_it_the_whole_image_decides():
    coarse = np.random.default_rng(0).normal(100, 10, (10, 10, 10)).astype(np.float32)
    flat = np.zeros(coarse.shape, bool)
    flat[2:4, 2:4, 2:4] = True
    coarse[flat] = 100
    found = alone(coarse, np.ones(coarse.shape, bool))
    whole = Scaling(*limits(coarse, LOCATOR_PERCENTILES))
    assert (
        found.for_segmenter(flat)
        == found.for_segmenter(np.zeros_like(flat))
        == found.for_locator()
        == whole
    )


def test_the_contract_of_the_whole_image_knows_no_region():
    coarse = np.random.default_rng(0).normal(100, 10, (10, 10, 10)).astype(np.float32)
    region = np.zeros(coarse.shape, bool)
    region[:5] = True
    assert (
        alone(coarse, None).for_segmenter(region)
        == alone(coarse, None).for_locator()
        == Scaling.of(coarse)
    )


def test_the_percentiles_become_minus_1_and_1():
    values = np.linspace(0, 1000, 1001, dtype=np.float32).reshape(7, 11, 13)
    found = alone(values, np.ones(values.shape, bool)).for_segmenter(np.ones(values.shape, bool))
    assert (found.low, found.high) == pytest.approx((20, 980))
    assert found(np.array([20, 500, 980, 1e6, -1e6])) == pytest.approx([-1, 0, 1, 3, -3])


def test_the_region_is_the_same_for_arrays_and_tensors():
    """And it is what one max-pooling over 15 voxels gives, which training may use."""
    located = np.random.default_rng(0).random((2, 24, 32, 32)) > 0.9995
    located[1] = False
    assert located.any()
    expected = (
        torch.nn.functional.max_pool3d(torch.from_numpy(located).float(), 15, 1, 7).numpy() > 0
    )
    assert np.array_equal(near_cord(located), expected)
    assert np.array_equal(near_cord(torch.from_numpy(located)).numpy(), expected)
    assert np.array_equal(near_cord(located[0]), expected[0])


def test_the_region_reaches_14_mm_and_no_further():
    located = np.zeros((41, 41, 41), bool)
    located[20, 20, 20] = True
    for spacing, reach in ((2.0, 7), (1.0, 14)):
        places = np.argwhere(near_cord(located, spacing))
        assert (places.min(axis=0), places.max(axis=0))[0].tolist() == [20 - reach] * 3
        assert places.max(axis=0).tolist() == [20 + reach] * 3


def test_limits_of_a_batch_are_those_of_its_images():
    rng = np.random.default_rng(1)
    values = rng.normal(0, 1, (4, 6, 7, 8)).astype(np.float32)
    region = rng.random(values.shape) > 0.6
    region[2] = False  # nothing was located
    region[3] = False
    region[3, 0, 0, 0] = True  # one value only
    low, high = batch_limits(
        torch.from_numpy(values), torch.from_numpy(region), SEGMENTER_PERCENTILES
    )
    for number in range(4):
        expected = alone(values[number], np.ones_like(region[number])).for_segmenter(region[number])
        assert (float(low[number]), float(high[number])) == pytest.approx(
            (expected.low, expected.high), abs=1e-5
        )


def test_training_and_inference_scale_one_array_to_the_same_values():
    """A tensor in training, an array in inference: one function, one result."""
    image = np.random.default_rng(2).normal(100, 60, (8, 9, 10)).astype(np.float32)
    region = np.ones(image.shape, bool)
    inference = alone(image, region).for_segmenter(region)(image)
    batch = torch.from_numpy(image)[None]
    low, high = batch_limits(batch, torch.ones_like(batch) > 0, SEGMENTER_PERCENTILES)
    training = scale(batch, low, 2 / (high - low))
    assert np.abs(training[0].numpy() - inference).max() < 1e-5
    assert np.abs(inference).max() <= CLIP


def test_grids_of_thick_slices(shared_data):
    """Where a coarse voxel is thinner than a slice, padding beside the image still does not
    count.
    """
    image, cord = a_body(5, (70, 80, 24))
    affine = np.diag([1.0, 1.0, 5.0, 1.0])
    image, cord = Volume(image.data, affine), Volume(cord.data, affine)
    assert Grid(image.shape, affine).same_as(image.grid)
    assert largest_change(image, cord, padded(image, np.array([[4, 1], [0, 3], [2, 1]]), 3000)) == 0
