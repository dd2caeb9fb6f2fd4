"""What must not change a measure does not, and what must change it does as it should."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from morphometry.cords import cylinder
from SoftCordSegLib.errors import Cancelled, InputError
from SoftCordSegLib.morphometry import (
    LiveArea,
    MeasureOptions,
    centreline_of,
    measure,
    shrink_factors,
)
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import Volume, reorient

LETTERS = [
    "".join(letters)
    for axes in itertools.permutations(["LR", "AP", "SI"])
    for letters in itertools.product(*axes)
]
UPRIGHT = MeasureOptions(angle_correction=False)
CORD = cylinder(shape=(34, 30, 14), radii=(6.0, 4.5), lean=(0.1, -0.2))


def areas(mask: Volume, options: MeasureOptions | None = None) -> np.ndarray:
    return measure(mask, options).columns["area"]


@given(st.sampled_from(LETTERS))
def test_axis_order_and_direction_do_not_matter(letters):
    shape = measure(reorient(CORD, letters))
    for name, column in measure(CORD).columns.items():
        assert shape.columns[name] == pytest.approx(column, rel=1e-9, abs=1e-9), name


@given(st.tuples(*[st.floats(-500, 500)] * 3))
def test_a_shift_of_the_affine_moves_the_centres_and_nothing_else(shift):
    affine = CORD.affine.copy()
    affine[:3, 3] += shift
    moved, still = measure(Volume(CORD.data, affine)), measure(CORD)
    assert np.allclose(moved.centres_mm - still.centres_mm, shift, atol=1e-6)
    for name, column in still.columns.items():
        assert moved.columns[name] == pytest.approx(column), name


@given(st.sampled_from([0, 1]), st.floats(0, 360))
def test_the_world_rotation_of_an_axial_grid_does_not_matter(axis, turn):
    """Oblique grids: the slices are measured in their own plane, wherever it lies (up to the tilt
    that is resampled).
    """
    angle = math.radians(35 * math.sin(math.radians(turn)))
    rotation = np.eye(4)
    first, second = [(1, 2), (0, 2)][axis]
    rotation[first, first] = rotation[second, second] = math.cos(angle)
    rotation[first, second], rotation[second, first] = -math.sin(angle), math.sin(angle)
    assert areas(Volume(CORD.data, rotation @ CORD.affine)) == pytest.approx(areas(CORD))


@given(st.sampled_from([0, 1]))
def test_mirroring_within_the_slice_does_not_matter(axis):
    mirrored = Volume(np.flip(CORD.data, axis), CORD.affine)
    assert areas(mirrored, UPRIGHT) == pytest.approx(areas(CORD, UPRIGHT), rel=1e-9)
    # The correction samples the slice from its first voxel on, so mirroring moves the samples by a
    # fraction of a voxel.
    assert areas(mirrored).mean() == pytest.approx(areas(CORD).mean(), rel=2e-3)


@settings(max_examples=10)
@given(st.floats(-40, 40), st.sampled_from([0, 1]))
def test_a_tilted_cylinder_keeps_its_area(tilt, axis):
    lean = [0.0, 0.0]
    lean[axis] = math.tan(math.radians(tilt))
    shape = measure(cylinder(shape=(52, 52, 24), lean=tuple(lean)))
    assert shape.columns["area"].mean() == pytest.approx(math.pi * 6.0 * 4.5, rel=0.02)
    # The area alone would not tell which of the two axes was shrunk.
    assert shape.columns["diameter_RL"].mean() == pytest.approx(12.0, rel=0.05)
    assert shape.columns["diameter_AP_ellipse"].mean() == pytest.approx(9.0, rel=0.05)
    # The centres of slices are unweighted, as in SCT, so the angle has the noise of whole voxels.
    assert shape.columns["angle_AP" if axis == 0 else "angle_RL"].mean() == pytest.approx(
        tilt, abs=1.2
    )


def test_a_cord_that_leans_both_ways_is_corrected_as_by_sct():
    """SCT shrinks by both cosines in turn; for a lean in both directions that is a little more than
    the true cosine.
    """
    slope = math.tan(math.radians(40)) / math.sqrt(2)
    area = areas(cylinder(shape=(52, 52, 24), lean=(slope, slope))).mean()
    too_much = math.sqrt(1 + 2 * slope**2) / (1 + slope**2)
    assert area == pytest.approx(math.pi * 6.0 * 4.5 * too_much, rel=0.02)


@settings(max_examples=10)
@given(st.floats(0, 40), st.floats(0, 360))
def test_exact_tilt_keeps_the_area_whichever_way_the_cylinder_leans(tilt, towards):
    slope, angle = math.tan(math.radians(tilt)), math.radians(towards)
    lean = (slope * math.cos(angle), slope * math.sin(angle))
    shape = measure(cylinder(shape=(52, 52, 24), lean=lean), MeasureOptions(tilt="exact"))
    assert shape.columns["area"].mean() == pytest.approx(math.pi * 6.0 * 4.5, rel=0.02)
    assert shape.columns["length"].mean() == pytest.approx(
        1 / math.cos(math.radians(tilt)), rel=0.02
    )


def test_exact_tilt_of_a_cord_that_leans_one_way_is_scts():
    for lean in ((0.5, 0.0), (0.0, 0.5)):
        angles = np.arctan([lean])
        assert shrink_factors(angles, "exact") == pytest.approx(
            shrink_factors(angles, "sct"), abs=1e-12
        )


def test_live_area_follows_the_tilt():
    cord, options = cylinder(shape=(44, 44, 20), lean=(0.5, 0.5)), MeasureOptions(tilt="exact")
    assert LiveArea(cord, options).areas == pytest.approx(areas(cord, options))
    assert areas(cord, options).mean() > areas(cord).mean() * 1.01


@given(st.floats(0.05, 1.0))
def test_unscaled_area_is_proportional_to_the_soft_values(factor):
    unscaled = MeasureOptions(rescaling="none")
    dimmed = CORD.with_data(CORD.data * np.float32(factor))
    assert areas(dimmed, unscaled) == pytest.approx(factor * areas(CORD, unscaled), rel=1e-5)
    assert areas(dimmed) == pytest.approx(areas(CORD), rel=1e-5)


def test_halving_all_soft_values_halves_the_unscaled_area():
    unscaled = MeasureOptions(rescaling="none")
    half = CORD.with_data(CORD.data * np.float32(0.5))
    assert areas(half, unscaled) == pytest.approx(areas(CORD, unscaled) / 2, rel=1e-9)


def test_a_faint_slice_has_an_unscaled_area_but_no_diameter():
    faint = measure(CORD.with_data(CORD.data * np.float32(0.4)), MeasureOptions(rescaling="none"))
    assert np.isfinite(faint.columns["area"]).all()
    assert np.isnan(faint.columns["diameter_RL"]).all()


@given(st.floats(0.1, 0.9))
def test_thresholded_is_the_same_as_measuring_the_binary_mask(threshold):
    binary = CORD.with_data((CORD.data >= threshold).astype(np.uint8))
    assert areas(CORD, MeasureOptions(threshold=threshold)) == pytest.approx(areas(binary))


@given(st.floats(0.3, 1.7), st.floats(0.3, 1.7), st.floats(0.5, 6.0))
@settings(max_examples=10)
def test_voxel_size_does_not_matter(x, y, z):
    shape = (round(26 / x) + 4, round(22 / y) + 4, 6)
    shape = measure(cylinder(shape=shape, spacing=(x, y, z)), UPRIGHT)
    coarse = max(x, y, 1.0)  # the error grows with the voxel
    assert shape.columns["area"].mean() == pytest.approx(math.pi * 6.0 * 4.5, rel=0.015 * coarse)
    assert shape.columns["diameter_RL"].mean() == pytest.approx(12.0, rel=0.035 * coarse)
    assert shape.columns["diameter_AP"].mean() == pytest.approx(9.0, rel=0.035 * coarse)
    assert np.nansum(shape.columns["length"]) == pytest.approx(6 * z)


def test_a_binary_mask_of_255_is_read_as_one():
    binary = CORD.with_data((CORD.data > 0.5).astype(np.uint8))
    bright = measure(CORD.with_data(binary.data * np.uint8(255)))
    assert bright.columns["area"] == pytest.approx(areas(binary))
    assert any("255" in note for note in bright.notes)


def test_slices_that_are_tilted_too_far_are_resampled_and_said():
    angle = math.radians(44)
    rotation = np.eye(4)
    rotation[1, 1] = rotation[2, 2] = math.cos(angle)
    rotation[1, 2], rotation[2, 1] = -math.sin(angle), math.sin(angle)
    # The cord leans back against the tilt of the grid, so it stands upright in the world.
    leaning = cylinder(shape=(30, 60, 26), lean=(0.0, math.tan(angle)))
    shape = measure(Volume(leaning.data, rotation @ leaning.affine))
    assert any("resampled to axial slices" in note for note in shape.notes)
    whole = np.abs(shape.centres_mm[:, 2] - shape.centres_mm[:, 2].mean()) < 6
    assert shape.columns["area"][whole].mean() == pytest.approx(math.pi * 6.0 * 4.5, rel=0.03)


def test_two_pieces_and_holes_are_counted_and_said():
    data = CORD.data.copy()
    data[1:4, 1:4, 3] = 1
    data[16:18, 14:16, 5:7] = 0
    shape = measure(CORD.with_data(data), UPRIGHT)
    before = areas(CORD, UPRIGHT)
    assert shape.columns["area"][3] - before[3] == pytest.approx(9.0)
    assert before[5] - shape.columns["area"][5] == pytest.approx(4.0)
    assert any("more than one piece in slice(s) 3:" in note for note in shape.notes)
    assert any("holes in slice(s) 5:6:" in note for note in shape.notes)


def test_a_mask_at_the_edge_of_the_image_is_said():
    cut = Volume(CORD.data[14:], CORD.affine)
    assert any("touches the edge" in note for note in measure(cut).notes)


def test_grey_matter_is_measured_at_the_cords_angle():
    line = centreline_of(CORD)
    inner = CORD.with_data(
        ndimage.binary_erosion(CORD.data > 0.5, iterations=2, structure=np.ones((3, 3, 1))).astype(
            np.uint8
        )
    )
    shape = measure(inner, centreline=line)
    assert shape.columns["angle_RL"] == pytest.approx(measure(CORD).columns["angle_RL"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda data: data * 0, "mask is empty"),
        (lambda data: np.where(data > 0.9, np.nan, data), "NaN or infinite"),
        (lambda data: np.where(data > 0.9, -np.inf, data), "NaN or infinite"),
        (lambda data: np.round(data * 3).astype(np.int16), "label image (values 1, 2, 3)"),
        (lambda data: data * 80.5, "values reach 80"),
        (
            lambda data: np.arange(data.size, dtype=np.int16).reshape(data.shape) % 300,
            "looks like an image",
        ),
        (lambda data: np.where(np.arange(data.shape[2]) == 4, data, 0), "one slice only (slice 4)"),
    ],
)
def test_a_mask_that_cannot_be_measured_is_a_sentence(change, sentence):
    with pytest.raises(InputError) as raised:
        measure(CORD.with_data(change(CORD.data)))
    assert sentence in str(raised.value)


def test_empty_at_the_threshold_says_so():
    with pytest.raises(InputError, match=r"empty at the threshold 0\.9"):
        measure(CORD.with_data(CORD.data * np.float32(0.5)), MeasureOptions(threshold=0.9))


def test_a_centreline_beside_the_cord_is_refused():
    upper, lower = CORD.data.copy(), CORD.data.copy()
    upper[:, :, :8], lower[:, :, 8:] = 0, 0
    with pytest.raises(InputError, match="does not cover any slice"):
        measure(CORD.with_data(upper), centreline=centreline_of(CORD.with_data(lower)))


def test_unknown_options_are_refused():
    with pytest.raises(ValueError, match="rescaling"):
        MeasureOptions(rescaling="max")
    with pytest.raises(ValueError, match="tilt"):
        MeasureOptions(tilt="true")
    with pytest.raises(ValueError, match="threshold"):
        MeasureOptions(threshold=0.0)


def test_measuring_stops_when_asked_to():
    with pytest.raises(Cancelled):
        measure(CORD, progress=Progress(is_cancelled=lambda: True))


def test_a_shape_is_a_sequence_of_slices():
    shape = measure(CORD)
    assert len(shape) == 14
    assert [found.slice for found in shape] == list(range(14))
    assert shape[-1].slice == 13
    assert [found.slice for found in shape[2:4]] == [2, 3]
    with pytest.raises(IndexError, match="slice 14"):
        shape.at_slice(14)


@settings(max_examples=10)
@given(
    st.integers(0, 13),
    st.integers(1, 14),
    st.integers(0, 2**31),
    st.sampled_from(["LAS", "RSA", "PIR", "SRP"]),
)
def test_live_area_after_an_edit_is_that_of_the_edited_mask(start, count, seed, letters):
    generator = np.random.default_rng(seed)
    stop = min(start + count, 14)
    edited = CORD.data.copy()
    edited[:, :, start:stop] *= (
        generator.random(edited[:, :, start:stop].shape, dtype=np.float32)
        > generator.random() * 1.2
    )
    live = LiveArea(reorient(CORD, letters))
    marked = CORD.with_data(np.where(edited != CORD.data, 1, 0))
    after = reorient(CORD.with_data(edited), letters)
    where = np.argwhere(reorient(marked, letters).data)
    if len(where) == 0:
        return
    if not (edited > 1e-6).any(axis=(0, 1)).sum() > 1:
        with pytest.raises(InputError):
            live.update(after, where.min(axis=0), where.max(axis=0) + 1)
        return
    live.update(after, where.min(axis=0), where.max(axis=0) + 1)
    assert live.slices.tolist() == measure(after).slices.tolist()
    assert live.areas == pytest.approx(areas(after), nan_ok=True)


def test_live_area_refuses_a_mask_on_another_grid():
    live = LiveArea(CORD)
    with pytest.raises(InputError, match="another grid"):
        live.update(Volume(CORD.data[1:], CORD.affine), (0, 0, 0), (2, 2, 2))
