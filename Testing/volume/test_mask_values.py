"""One rule for the values of a mask: what is scaled, clipped, refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.volume import (
    Volume,
    check_is_cord,
    label_of,
    mask_values,
    read_nifti,
    time_points,
)

GRID = np.eye(4)


def soft_tube() -> np.ndarray:
    """A cord along the last axis, soft at its edge."""
    x, y = np.mgrid[:24, :24] - 11.5
    disc = np.clip(5.0 - np.hypot(x, y), 0, 1)
    return np.repeat(disc[:, :, None], 20, axis=2).astype(np.float32)


def read(values: np.ndarray) -> Volume:
    return mask_values(Volume(values, GRID))


def test_a_mask_from_0_to_1_is_the_same_array():
    soft = soft_tube()

    read_back = read(soft)

    assert read_back.data is soft
    assert read_back.notes == ()


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32])
@pytest.mark.parametrize("value", [2, 100, 255])
def test_a_mask_with_one_value_is_binary(kind, value):
    binary = (soft_tube() > 0.5).astype(kind)

    read_back = read(binary * kind(value))

    np.testing.assert_array_equal(read_back.data, binary)
    assert f"one value, {value}, was read as 1" in read_back.notes[0]


@pytest.mark.parametrize("full", [100, 255])
@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32])
def test_percentages_and_bytes_are_scaled(full, kind):
    soft = soft_tube()

    read_back = read(np.round(soft * full).astype(kind))

    np.testing.assert_allclose(read_back.data, soft, atol=0.51 / full)
    assert f"divided by {full}" in read_back.notes[0]


def test_the_swing_of_a_spline_is_clipped():
    turned = ndimage.rotate((soft_tube() > 0.5).astype(float), 20, reshape=False, order=3)
    assert turned.max() > 1.05
    assert turned.min() < -0.05

    read_back = read(turned)

    np.testing.assert_array_equal(read_back.data, np.clip(turned, 0, 1))
    assert "were clipped" in read_back.notes[0]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (1.2 * soft_tube(), "most of its core is above 1"),
        (1.49 * soft_tube(), "most of its core is above 1"),
        (2.0 * soft_tube(), "reach 2"),
        (700 * soft_tube(), "reach 700"),
        (soft_tube() - 0.8, "from -0.8 to 0.2"),
        (np.where(soft_tube() > 0.5, np.arange(20) // 5 + 1, 0), "a label image"),
        (np.arange(24 * 24 * 20).reshape(24, 24, 20) % 701, "different values up to 700"),
        (np.where(soft_tube() > 0.5, np.nan, 0), "NaN"),
    ],
)
def test_what_no_mask_has_is_refused(values, sentence):
    with pytest.raises(InputError, match=sentence):
        read(values)


def test_one_label_can_be_chosen():
    levels = np.where(soft_tube() > 0.5, np.arange(20) // 5 + 1, 0)

    chosen = label_of(Volume(levels, GRID), 3)

    np.testing.assert_array_equal(chosen.data, levels == 3)
    with pytest.raises(InputError, match="there are 1, 2, 3, 4"):
        label_of(Volume(levels, GRID), 9)


def test_the_background_and_an_image_are_no_cord():
    rng = np.random.default_rng(1)
    check_is_cord(Volume(soft_tube(), GRID))
    check_is_cord(Volume((soft_tube() > 0.5)[7:17, 7:17].astype(np.uint8), GRID))

    for values in (np.ones((9, 9, 9)), 1.0 - (soft_tube() > 0.9), rng.random((20, 20, 20))):
        with pytest.raises(InputError):
            check_is_cord(Volume(values, GRID))


def test_every_mask_of_the_real_data_is_one_and_no_image_is(shared_data):
    masks, images = 0, 0
    for path in sorted((shared_data / "images").glob("*/*.nii.gz"))[::4]:
        volume = read_nifti(path, "mean" if time_points(path) > 1 else None)
        if "vert" in path.name or "label-" in path.name or "label" in path.name:
            continue
        if "seg" in path.name:
            check_is_cord(mask_values(volume))
            masks += 1
            continue
        low, high = np.percentile(volume.data, [0.5, 99.5])
        scaled = np.clip((volume.data - low) / max(high - low, 1e-9), 0, 1).astype(np.float32)
        with pytest.raises(InputError):
            check_is_cord(volume.with_data(scaled))
        images += 1

    assert masks > 3
    assert images > 10
