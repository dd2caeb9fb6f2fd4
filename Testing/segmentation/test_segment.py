"""From an image to its soft mask, wherever the cord is and however the image lies."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from segmentation.conftest import bright_bundle
from segmentation.tubes import dice, tube_image
from SoftCordSegLib.errors import Cancelled, InputError
from SoftCordSegLib.network.unet import UNetConfig
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.volume import Box, Grid, Volume, reorient


def isotropic(shape=(90, 100, 110)) -> Grid:
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = [-40, -60, 20]
    return Grid(shape, affine)


@pytest.fixture
def image_and_truth():
    grid = isotropic()
    image, truth = tube_image(grid, grid.to_world([22, 30, 60]), radius_mm=5.2, half_length_mm=35)
    image.data[-6:] += 900  # as bright as the cord, and larger: what fat under the skin often is
    return image, truth


def test_the_mask_lies_on_the_cord_far_from_the_centre_of_the_image(image_and_truth, bundle):
    image, truth = image_and_truth
    result = segment(image, bundle)
    assert result.found
    assert dice(result.volume.data >= 0.5, truth >= 0.5) > 0.95
    assert result.volume.grid.same_as(image.grid)


def test_values_are_soft_float32_in_0_to_1(image_and_truth, bundle):
    data = segment(image_and_truth[0], bundle).volume.data
    assert data.dtype == np.float32
    assert data.min() == 0
    assert data.max() <= 1
    assert ((data > 0.2) & (data < 0.8)).sum() > 200, "partial volume is kept"


@pytest.mark.parametrize("letters", ["RAS", "LAS", "PSR", "ILP", "SRA"])
def test_orientation_and_handedness_do_not_matter(image_and_truth, bundle, letters):
    image, truth = image_and_truth
    turned = reorient(image, letters)
    expected = reorient(Volume(truth, image.affine), letters).data
    assert dice(segment(turned, bundle).volume.data >= 0.5, expected >= 0.5) > 0.95


@pytest.mark.parametrize("spacing", [(0.5, 0.5, 5.0), (0.9, 0.9, 3.0), (3.0, 0.8, 0.8)])
def test_anisotropic_and_oblique_images(bundle, spacing):
    turn = Rotation.from_euler("xyz", [8, -6, 15], degrees=True).as_matrix()
    shape = tuple(int(n) for n in np.array([80, 90, 100]) / spacing)
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing
    grid = Grid(shape, affine)
    image, truth = tube_image(
        grid, grid.to_world(np.array(shape) * [0.4, 0.6, 0.5]), radius_mm=6, half_length_mm=30
    )
    assert dice(segment(image, bundle).volume.data >= 0.5, truth >= 0.5) > 0.85


def test_a_field_of_view_narrower_than_a_tile(bundle):
    grid = isotropic((20, 18, 40))
    image, truth = tube_image(grid, grid.to_world([10, 9, 20]), radius_mm=5.2, half_length_mm=100)
    assert dice(segment(image, bundle).volume.data >= 0.5, truth >= 0.5) > 0.95


def test_the_found_box_holds_the_cord_and_lies_within_the_image(image_and_truth, bundle):
    image, truth = image_and_truth
    start, stop = segment(image, bundle).box.voxels_of(image.grid)
    voxels = np.argwhere(truth > 0.5)
    assert (start <= voxels.min(axis=0)).all()
    assert (stop > voxels.max(axis=0)).all()
    # The coarse grid may round the image up by part of a voxel.
    assert (start >= -3).all()
    assert (stop <= np.array(image.shape) + 3).all()


def test_a_given_box_is_all_that_is_looked_at(image_and_truth, bundle):
    image, truth = image_and_truth
    box = Box.of_grid(image.grid.crop(np.array([5, 12, 50]), np.array([40, 48, 75])))
    mask = segment(image, bundle, box=box).volume.data
    assert dice((mask >= 0.5)[:, :, 52:73], (truth >= 0.5)[:, :, 52:73]) > 0.95
    assert not mask[:, :, :45].any()
    assert not mask[:, :, 80:].any()


@pytest.mark.parametrize("degrees", [0, 25])
def test_nothing_is_outside_a_given_box_however_small_or_oblique(image_and_truth, bundle, degrees):
    image, _ = image_and_truth
    middle = image.grid.to_world(np.array([22, 30, 60]))
    axes = Rotation.from_euler("xyz", [degrees, 0, degrees], degrees=True).as_matrix()
    box = Box(middle, axes, [14, 12, 9])
    mask = segment(image, bundle, box=box).volume.data
    inside = box.inside(image.grid)
    assert (mask[inside] > 0.5).sum() > 250
    assert not mask[~inside].any()


@settings(max_examples=8)
@given(
    margins=st.lists(st.integers(0, 30), min_size=6, max_size=6),
    value=st.sampled_from([0.0, 1.0, -50.0, 5000.0]),
)
def test_padding_by_any_constant_on_any_side_changes_nothing(margins, value):
    """20 blank slices once got 36 to 81 mm² of cord, and a padded scan lost its cord."""
    bundle = bright_bundle()
    grid = Grid((40, 44, 60), np.diag([1.0, 1.0, 1.0, 1.0]))
    image, _ = tube_image(grid, grid.to_world([18, 20, 30]), radius_mm=5, half_length_mm=22)
    before = segment(image, bundle).volume.data
    pads = list(zip(margins[::2], margins[1::2]))
    affine = image.affine.copy()
    affine[:3, 3] -= affine[:3, :3] @ [low for low, _ in pads]
    padded = Volume(np.pad(image.data, pads, constant_values=np.float32(value)), affine)
    result = segment(padded, bundle)
    inside = tuple(slice(low, low + n) for (low, _), n in zip(pads, image.shape))
    assert abs(float(result.volume.data.sum()) / float(before.sum()) - 1) < 0.01
    assert np.abs(result.volume.data[inside] - before).max() < 1e-4
    blank = pads[2][0] + pads[2][1]
    assert any(f"{blank} of {padded.shape[2]} slices" in note for note in result.notes) == (
        blank > 0
    )


def test_in_a_wedge_beside_a_turned_image_there_is_no_mask(image_and_truth, bundle):
    image, truth = image_and_truth
    data = image.data.copy()
    wedge = np.add.outer(np.arange(image.shape[0]), np.arange(image.shape[2]))[:, None] > 100
    data[np.broadcast_to(wedge, data.shape)] = 0
    mask = segment(image.with_data(data), bundle).volume.data
    deep = np.add.outer(np.arange(image.shape[0]), np.arange(image.shape[2]))[:, None] > 103
    assert (truth * deep).sum() > 0, "the cord would go on into the wedge"
    assert not (mask * deep).any()


def test_a_box_outside_the_image_is_a_sentence(image_and_truth, bundle):
    image, _ = image_and_truth
    with pytest.raises(InputError, match="outside the image"):
        segment(image, bundle, box=Box([900, 0, 0], np.eye(3), [20, 20, 20]))


def test_nothing_found_is_an_empty_mask_and_a_sentence(image_and_truth, bundle):
    bundle.network(bundle.locator).sighted = False
    result = segment(image_and_truth[0], bundle)
    assert not result.found
    assert result.box is None
    assert not result.volume.data.any()
    assert "No spinal cord was found" in result.message


@pytest.mark.parametrize("spacing", [(5, 5, 5), (10, 10, 10), (7, 1, 1)])
def test_voxels_too_large_for_a_cord_are_a_sentence(bundle, spacing):
    data = np.random.default_rng(0).random((20, 20, 20))
    with pytest.raises(InputError, match="mm across the cord"):
        segment(Volume(data, np.diag([*spacing, 1.0])), bundle)


def ct_like(shape=(48, 52, 40)) -> np.ndarray:
    """A neck in Hounsfield units: air, fat, muscle, a canal and bone around it."""
    i, j = np.indices(shape[:2]) - np.array([[[24]], [[26]]])
    radius = np.hypot(i, j)
    plane = np.select(
        [radius < 4, radius < 6, radius < 9, radius < 15, radius < 19],
        [35, 5, 1400, 60, -90],
        -1000,
    )
    noise = np.random.default_rng(0).normal(0, 15, shape)
    return (plane[:, :, None] + noise).astype(np.int16)


@pytest.mark.parametrize("lowest", [-1000, -1024, -2048])
def test_a_ct_is_a_sentence_and_no_guess(bundle, lowest):
    data = ct_like()
    data[:2] = lowest  # what some scanners write outside their circle
    with pytest.raises(InputError, match="looks like a CT") as caught:
        segment(Volume(data, np.eye(4)), bundle)
    assert "MR image" in caught.value.hint
    assert bundle.network(bundle.locator).calls == 0


def test_mr_images_with_values_below_0_are_no_ct(image_and_truth, bundle):
    image, _ = image_and_truth
    values = image.data - image.data.mean()
    for data in (values, values / values.std(), 3 * values - 1000, 2000 - 3 * values):
        assert segment(image.with_data(data.astype(np.float32)), bundle) is not None


def test_thick_sagittal_slices_are_segmented_with_a_note(image_and_truth, bundle):
    image, _ = image_and_truth
    thick = Volume(image.data[::4], image.affine @ np.diag([4.0, 1, 1, 1]))

    mask = segment(thick, bundle)

    assert any("4 mm thick across the cord" in note for note in mask.notes)


def test_bright_things_elsewhere_stay_out_of_the_mask(bundle):
    grid = isotropic()
    image, truth = tube_image(grid, grid.to_world([30, 40, 55]), radius_mm=5.2, half_length_mm=45)
    image.data[60:85, 60:95, 40:70] = 1000  # larger than the cord, and as bright
    assert dice(segment(image, bundle).volume.data >= 0.5, truth >= 0.5) > 0.95


class OnlyVeryBrightIsCord(torch.nn.Module):
    """Sees nothing in what is not nearly as bright as the image's brightest."""

    config = UNetConfig((8, 16), ((1, 1, 1), (2, 2, 2)))

    def forward(self, x):
        return [((x - 0.85) / 0.15).clamp(0, 1)]


def test_a_place_where_the_segmenter_sees_no_cord_is_given_up_for_the_next(image_and_truth, bundle):
    image, truth = image_and_truth
    decoy, _ = tube_image(
        image.grid, image.grid.to_world([55, 60, 55]), radius_mm=7, half_length_mm=52
    )
    both = Volume(np.maximum(image.data, 0.9 * decoy.data), image.affine)
    locator, segmenter = bundle.network(bundle.locator), OnlyVeryBrightIsCord()
    object.__setattr__(
        bundle, "network", lambda stage: locator if stage is bundle.locator else segmenter
    )
    assert dice(segment(both, bundle).volume.data >= 0.5, truth >= 0.5) > 0.8


@pytest.mark.parametrize(
    ("half_length", "beside", "is_cord"), [(35, 20, True), (35, 160, False), (11, 20, False)]
)
def test_of_two_tubes_in_one_spine_the_upper_one_is_the_cord(half_length, beside, is_cord):
    """The lower one is the sac, which narrows to the calibre of a cord where it ends."""
    grid = isotropic((40, 240, 310))
    lower, sac = tube_image(grid, grid.to_world([20, 30, 62]), 5.5, half_length_mm=64)
    upper, cord = tube_image(
        grid, grid.to_world([20, 30 + beside, 262]), 5.2, half_length_mm=half_length
    )
    image = Volume(np.maximum(lower.data, upper.data), grid.affine)
    mask = segment(image, bright_bundle()).volume.data >= 0.5
    truth, other = (cord, sac) if is_cord else (sac, cord)
    assert dice(mask, truth >= 0.5) > 0.9
    assert not (mask & (other >= 0.5)).any()


def test_the_image_is_not_changed(image_and_truth, bundle):
    image, _ = image_and_truth
    before = image.data.copy()
    segment(image, bundle)
    assert np.array_equal(image.data, before)


def test_progress_rises_from_0_to_1_and_names_the_tiles(image_and_truth, bundle):
    reports = []
    segment(
        image_and_truth[0],
        bundle,
        progress=Progress(lambda fraction, message: reports.append((fraction, message))),
    )
    fractions = [fraction for fraction, _ in reports]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert any("tile 2 of" in message for _, message in reports)


def test_cancel_stops_before_the_next_tile(image_and_truth, bundle):
    network = bundle.network(bundle.segmenter)
    seen = []

    def cancelled():
        seen.append(network.calls)
        return network.calls >= 3

    with pytest.raises(Cancelled):
        segment(image_and_truth[0], bundle, progress=Progress(is_cancelled=cancelled))
    assert network.calls == 3


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (np.zeros((1, 40, 40), np.float32), "single slice"),
        (np.full((20, 20, 20), 7, np.int16), "constant"),
        (np.full((20, 20, 20), np.nan), "Every voxel of the image is NaN"),
    ],
)
def test_images_that_cannot_hold_a_cord_are_refused_by_a_sentence(bundle, data, sentence):
    with pytest.raises(InputError, match=sentence):
        segment(Volume(data, np.eye(4)), bundle)


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_missing_voxels_are_filled_and_said(image_and_truth, bundle, lost):
    """NaN in a wedge beside a resliced image, and a hole in the middle of the cord."""
    image, _ = image_and_truth
    whole = segment(image, bundle).volume.data
    data = image.data.copy()
    data[:, -12:] = lost
    data[21:24, 29:32, 58:61] = lost
    result = segment(image.with_data(data), bundle)
    assert np.isfinite(result.volume.data).all()
    assert dice(result.volume.data >= 0.5, whole >= 0.5) > 0.99
    outside, inside = result.notes[:2]
    number = "NaN" if np.isnan(lost) else "NaN or infinite"
    assert f"voxels are {number}; 0 was put in their place" in outside
    assert f"27 of {data.size} voxels inside the image are {number}" in inside


def a_slice(image: Volume, axis: int) -> Volume:
    """The middle slice of an image, 6 mm thick."""
    start, stop = np.zeros(3, int), np.array(image.shape)
    start[axis] = stop[axis] // 2 - 3
    stop[axis] = start[axis] + 6
    part = image.data[tuple(slice(a, b) for a, b in zip(start, stop))]
    factors = np.ones(4)
    factors[axis] = 6
    affine = image.grid.crop(start, stop).affine @ np.diag(factors)
    affine[:3, 3] += image.affine[:3, axis] * 2.5
    return Volume(part.mean(axis=axis, keepdims=True), affine)


def test_a_single_axial_slice_is_segmented_in_a_box(image_and_truth, bundle):
    image, truth = image_and_truth
    one = a_slice(image, 2)
    box = Box(one.grid.to_world(np.array([22, 30, 0])), np.eye(3), [30, 30, 6])
    mask = segment(one, bundle, box=box).volume.data
    assert mask.shape == one.shape
    assert dice(mask[:, :, 0] >= 0.5, truth[:, :, 55] >= 0.5) > 0.93
    with pytest.raises(InputError, match="single slice") as caught:
        segment(one, bundle)
    assert "a box around the cord" in caught.value.hint


def test_a_single_sagittal_slice_is_refused_with_a_box_too(image_and_truth, bundle):
    one = a_slice(image_and_truth[0], 0)
    with pytest.raises(InputError, match="single slice"):
        segment(one, bundle, box=Box.of_grid(one.grid))


def test_a_scan_cropped_to_the_cord_needs_no_locator(bundle):
    grid = isotropic((24, 26, 60))
    image, truth = tube_image(grid, grid.to_world([12, 13, 30]), radius_mm=6, half_length_mm=100)
    locator, segmenter = bundle.network(bundle.locator), OnlyVeryBrightIsCord()
    object.__setattr__(
        bundle, "network", lambda stage: locator if stage is bundle.locator else segmenter
    )
    assert dice(segment(image, bundle).volume.data >= 0.5, truth >= 0.5) > 0.9
    assert locator.calls == 0


def test_what_is_being_done_is_named_and_so_is_the_device_that_was_used(image_and_truth, bundle):
    said = []
    image, _truth = image_and_truth
    result = segment(image, bundle, progress=Progress(lambda _fraction, words: said.append(words)))

    located = [words for words in said if words.startswith("Locating the cord: tile")]
    segmented = [words for words in said if words.startswith("Segmenting the cord: tile")]
    assert located
    assert segmented
    assert said.index(located[-1]) < said.index(segmented[0])
    assert result.device in ("cpu", "cuda"), "'auto' is no device"
