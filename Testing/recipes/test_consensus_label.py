"""What several predictions say together, and where they are not believed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recipes.loaded_recipe import recipe
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.volume import Volume

SCRIPT = recipe("consensus_label", Path(__file__).resolve().parents[2])
consensus, edge_support = SCRIPT.consensus, SCRIPT.edge_support
AFFINE = np.diag([0.5, 0.5, 5.0, 1.0])


def discs(radii_mm: list[float], axis: int = 2) -> Volume:
    """One round cord of a radius for each slice, in the middle of 40 x 40 pixels of 0.5 mm."""
    i, j = np.indices((40, 40)) - 19.5
    planes = [
        np.clip((radius - np.hypot(i, j) * 0.5) / 0.5 + 0.5, 0, 1) * (radius > 0)
        for radius in radii_mm
    ]
    affine = AFFINE.copy()
    if axis == 1:  # slices along the second axis of the array, which then points upwards
        affine[:3, 1], affine[:3, 2] = AFFINE[:3, 2], AFFINE[:3, 1]
    return Volume(np.stack(planes, axis=axis).astype(np.float32), affine)


def scans(cord: Volume, *contrasts: tuple[float, float]) -> list[Volume]:
    """Noisy images of a cord: the intensities of cord and fluid for each."""
    noise = np.random.default_rng(0)
    return [
        cord.with_data(
            (fluid + (inside - fluid) * cord.data + noise.normal(0, 2, cord.shape)).astype(
                np.float32
            )
        )
        for inside, fluid in contrasts
    ]


def test_identical_predictions_are_the_label_and_trusted_everywhere():
    one = discs([4, 5, 5, 0])
    agreed = consensus([one, one, one], scans(one, (50, 100)))
    assert np.allclose(agreed.label.data, one.data, atol=1e-6)
    assert (agreed.weight.data == 1).all()
    assert agreed.trusted == 1


def test_the_label_follows_the_outline_that_the_edges_of_all_contrasts_speak_for():
    cord = discs([5.0, 5.0])
    images = scans(cord, (50, 100), (100, 90))
    agreed = consensus([cord, discs([6.0, 4.0])], images)
    assert (
        np.abs(agreed.label.data - cord.data).mean()
        < 0.1 * np.abs(discs([6.0, 4.0]).data - cord.data).mean()
    )
    assert agreed.trusted == 1


def test_where_the_images_show_no_edge_the_label_is_the_mean():
    close, closer = discs([5.0]), discs([5.1])
    agreed = consensus([close, closer], [close.with_data(np.zeros_like(close.data))])
    assert np.allclose(agreed.label.data, (close.data + closer.data) / 2, atol=1e-6)
    assert agreed.trusted == 1


@pytest.mark.parametrize("axis", [2, 1])
def test_a_slice_in_which_too_few_agree_is_left_open_about_the_cord_only(axis):
    flat = discs([5, 5], axis).with_data(np.zeros_like(discs([5, 5], axis).data))
    agreed = consensus([discs([5, 5], axis), discs([5, 8], axis)], [flat])
    weight = np.moveaxis(agreed.weight.data, axis, 0)
    assert (weight[0] == 1).all()
    assert weight[1, 20, 20] == 0
    assert weight[1, 20, 38] == 0, "8 mm and 4 mm of doubt about it"
    assert weight[1, 0, 0] == 1, "far away there is no cord"
    assert agreed.trusted == 0.5


def test_where_most_see_no_cord_there_is_none_however_strong_the_edges():
    seen = discs([5, 4])
    agreed = consensus([discs([5, 0]), discs([5, 0]), discs([5, 0]), seen], scans(seen, (50, 100)))
    assert agreed.label.data[:, :, 1].max() == 0
    assert (agreed.weight.data[:, :, 1] == 1).all()
    assert agreed.trusted == 1


def test_where_half_see_no_cord_nothing_is_said():
    seen = discs([5, 4])
    agreed = consensus([discs([5, 0]), seen], scans(seen, (50, 100)))
    assert agreed.weight.data[20, 20, 1] == 0
    assert agreed.trusted == 0.5


def test_a_contrast_that_lost_the_cord_does_not_take_it_from_the_others():
    cord = discs([5.0])
    agreed = consensus([cord, cord, discs([0])], scans(cord, (50, 100), (50, 50)))
    assert np.allclose(agreed.label.data, cord.data, atol=1e-6)
    assert agreed.trusted == 1


def test_different_grids_are_refused():
    one, other = discs([5]), discs([5, 5])
    for predictions, images in (([one, other], [one]), ([one], [other]), ([], [one]), ([one], [])):
        with pytest.raises(InputError, match="on one grid"):
            consensus(predictions, images)


SPACING = np.array([0.5, 0.5])


def disc(radius_mm: float, back_mm: float = 0.0) -> np.ndarray:
    """A round soft outline in 60 x 60 pixels of 0.5 mm."""
    i, j = np.indices((60, 60)) - 29.5
    return np.clip((radius_mm - np.hypot(i, j + back_mm / 0.5) * 0.5) / 0.5 + 0.5, 0, 1).astype(
        np.float32
    )


CORD = disc(5)


@pytest.mark.parametrize(("cord", "fluid"), [(50, 100), (100, 50)])
@pytest.mark.parametrize(
    "wrong", [disc(6), disc(4), disc(5, back_mm=1)], ids=["large", "small", "back"]
)
def test_the_true_outline_has_most_support_whatever_the_contrast(cord, fluid, wrong):
    image = fluid + (cord - fluid) * CORD + np.random.default_rng(1).normal(0, 3, CORD.shape)
    right, other = edge_support([CORD, wrong], [image], SPACING)
    assert right > 1.1 * other


def test_an_outline_from_fluid_to_bone_has_less_than_one_along_fluid():
    # Behind the cord lies thin fluid, then bone: the large outline has strong edges too, but to the
    # other side.
    image = np.where(np.indices(CORD.shape)[1] < 18, 0.0, 100.0) * (1 - CORD) + 50 * CORD
    right, into_bone = edge_support([CORD, disc(6, back_mm=1)], [image], SPACING)
    assert right > 1.5 * into_bone


def test_contrast_and_brightness_of_an_image_do_not_matter():
    image = 100 - 50 * CORD
    first = edge_support([CORD, disc(6)], [image, 3 * image + 7], SPACING)
    assert np.allclose(first, edge_support([CORD, disc(6)], [image, image], SPACING), rtol=1e-4)


def test_without_edges_or_outline_there_is_no_support():
    assert edge_support([CORD, disc(5)], [np.full(CORD.shape, 7.0)], SPACING).tolist() == [0, 0]
    assert edge_support([CORD, np.zeros_like(CORD)], [100 - CORD], SPACING)[1] == 0
