"""Our numbers are SCT's numbers: its own phantoms, and a real mask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from morphometry.plain_sct import plain_shape
from morphometry.sct_phantoms import PHANTOMS, SctPhantom
from SoftCordSegLib.morphometry import (
    MeasureOptions,
    add_levels,
    aggregate,
    discs_from_label_image,
    folded_angle,
    measure,
)
from SoftCordSegLib.volume import Volume, read_nifti

ANGLES = ("angle_AP", "angle_RL", "orientation")


@pytest.fixture(scope="module", params=PHANTOMS, ids=lambda phantom: phantom.name)
def phantom_and_shape(request):
    phantom: SctPhantom = request.param
    # SCT's tests use its programming interface, whose default smoothing is 20.
    return phantom, measure(
        phantom.volume(), MeasureOptions(angle_correction=phantom.corrected, smooth=20.0)
    )


def test_phantom_is_within_the_tolerances_of_scts_own_test(phantom_and_shape):
    phantom, shape = phantom_and_shape
    for name, expected in phantom.expected.items():
        column = shape.columns[name]
        tolerance = {"abs": 0.5} if name in ANGLES else {"rel": 0.03}
        if name == "length":
            assert np.nansum(column) == pytest.approx(expected, **tolerance)
        elif phantom.corrected:
            assert np.nanmean(column) == pytest.approx(expected, **tolerance)
        else:
            finite = column[np.isfinite(column)]
            assert finite == pytest.approx(np.full(len(finite), expected), **tolerance), name


@pytest.mark.parametrize(
    "phantom",
    [phantom for phantom in PHANTOMS if phantom.corrected],
    ids=lambda phantom: phantom.name,
)
def test_angled_phantom_changes_smoothly_from_slice_to_slice(phantom):
    shape = measure(phantom.volume(), MeasureOptions(smooth=20.0))
    for name in phantom.expected:
        column = shape.columns[name]
        tolerance = {"abs": 0.5} if name in ANGLES else {"rel": 0.03}
        assert column[1:] == pytest.approx(column[:-1], **tolerance), name


def test_phantom_is_within_half_a_per_cent_of_what_sct_gives(phantom_and_shape):
    phantom, shape = phantom_and_shape
    for name, theirs in phantom.sct.items():
        column = shape.columns[name]
        ours = np.nansum(column) if name == "length" else np.nanmean(column)
        assert ours == pytest.approx(theirs, rel=0.005), name


def test_empty_slice_is_nan_in_every_measure():
    phantom = next(phantom for phantom in PHANTOMS if phantom.zero)
    shape = measure(phantom.volume(), MeasureOptions(angle_correction=False))
    assert shape.slices.tolist() == [0, 1, 2, 3, 4]
    for name, column in shape.columns.items():
        assert np.isnan(column[2]), name
        assert np.isfinite(column[[0, 1, 3, 4]]).all(), name
    assert any("slice(s) 2 " in note.lower() for note in shape.notes)


def test_slice_10_of_the_real_mask_is_scts_to_six_digits(shared_data):
    folder = shared_data / "images" / "sct-testing"
    mask = read_nifti(folder / "t2_seg-manual.nii.gz")
    shape = add_levels(
        measure(mask), discs_from_label_image(read_nifti(folder / "t2_labels-disc.nii.gz")), mask
    )
    found = shape.at_slice(10)
    assert found.area == pytest.approx(78.58643257836141, rel=1e-6)
    assert found.diameter_AP == pytest.approx(7.842507960401277, rel=1e-6)
    assert found.diameter_RL == pytest.approx(12.537767663676533, rel=1e-6)
    assert found.orientation == pytest.approx(-5.435920797812814, rel=1e-6)
    assert found.eccentricity == pytest.approx(0.7678714078545043, rel=1e-6)
    assert found.solidity == pytest.approx(0.9691052891744933, rel=1e-6)
    assert found.level == 3


def test_pooled_levels_are_the_mean_over_slices_not_over_levels(shared_data):
    folder = shared_data / "images" / "sct-testing"
    mask = read_nifti(folder / "t2_seg-manual.nii.gz")
    shape = add_levels(
        measure(mask), discs_from_label_image(read_nifti(folder / "t2_labels-disc.nii.gz")), mask
    )
    pooled = aggregate(shape, levels=[2, 3])[0]
    area = shape.columns["area"][np.isin(shape.levels, [2, 3])]
    assert pooled.mean["area"] == pytest.approx(area.mean())
    assert pooled.std["area"] == pytest.approx(area.std(ddof=0))


@pytest.mark.parametrize("corrected", [True, False])
@pytest.mark.parametrize(
    "name",
    [
        "images/sct-testing/t2_seg-manual.nii.gz",
        "images/sct-testing/t2s_seg.nii.gz",
        "images/sct-tutorial/sub-05_acq-MTon_MTS_seg.nii.gz",
        "labels/spine-generic/sub-hamburg01_T2w_seg-manual.nii.gz",
    ],
)
def test_fast_way_equals_the_plain_way_on_real_masks(shared_data, name, corrected):
    mask = read_nifti(shared_data / name)
    assert_equal_to_plain(mask, corrected)


def blob(seed: int, spacing: tuple[float, float, float]) -> Volume:
    """A soft, irregular cord of many pieces and holes, touching the edge of the image now and
    then.
    """
    generator = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(generator.normal(size=(18, 16, 6)), (2.2, 2.2, 1.0))
    # A cord at the very edge of the image is measured as if there were a margin, other than in SCT.
    return Volume(
        np.pad(np.clip(noise * 8, 0, 1), ((1, 1), (1, 1), (0, 0))).astype(np.float32),
        np.diag([-spacing[0], spacing[1], spacing[2], 1.0]),
    )


@settings(max_examples=30, derandomize=True)
@given(st.integers(0, 2**31), st.tuples(*[st.floats(0.3, 1.5)] * 3), st.booleans())
def test_fast_way_equals_the_plain_way_on_odd_shapes(seed, spacing, corrected):
    mask = blob(seed, spacing)
    if (mask.data > 1e-6).any(axis=(0, 1)).sum() > 1:
        assert_equal_to_plain(mask, corrected)


def assert_equal_to_plain(mask: Volume, corrected: bool) -> None:
    shape = measure(mask, MeasureOptions(angle_correction=corrected))
    for name, plain in plain_shape(mask, corrected).items():
        ours = shape.columns[name]
        assert ours == pytest.approx(plain[shape.slices], rel=1e-6, abs=1e-6, nan_ok=True), name


@pytest.mark.parametrize(
    ("angle", "folded"),
    [
        (0, 0),
        (180, 0),
        (-180, 0),
        (90, 90),
        (-90, 90),
        (360, 0),
        (45, 45),
        (-135, 45),
        (22.5, 22.5),
        (-67.5, 67.5),
    ],
)
def test_orientations_are_folded_as_scts(angle, folded):
    assert folded_angle(angle) == pytest.approx(folded)
