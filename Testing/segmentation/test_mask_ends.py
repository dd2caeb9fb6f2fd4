"""Where a mask ends inside the image without tapering."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.tubes import tube_image
from SoftCordSegLib.segmentation import abrupt_ends, interruptions, segment
from SoftCordSegLib.volume import Grid, Volume, read_nifti, reorient
from SoftCordSegLib.volume.orientation import slice_axis

LENGTH = 120


def a_cord(first: int = 0, last: int = LENGTH, tip_mm: float = 0.0, spacing: float = 1.0):
    """A soft cord 10 mm wide from slice ``first`` to before ``last`` of an image of ``LENGTH`` mm;
    below, it tapers over ``tip_mm``.
    """
    slices = round(LENGTH / spacing)
    grid = Grid((40, 40, slices), np.diag([1.0, 1.0, spacing, 1.0]) + _shifted(-20, -20, 100))
    x, y = np.indices((40, 40)) - 19.5
    height = np.arange(slices)
    radius = 5.0 * np.clip((height - first + 0.5) * spacing / max(tip_mm, 1e-6), 0, 1)
    soft = np.clip(radius - np.hypot(x, y)[..., None] + 0.5, 0, 1)
    soft[..., (height < first) | (height >= last)] = 0
    return Volume(soft.astype(np.float32), grid.affine)


def _shifted(*by) -> np.ndarray:
    matrix = np.zeros((4, 4))
    matrix[:3, 3] = by
    return matrix


@pytest.mark.parametrize("letters", ["RAS", "PSR", "LPI", "AIL"])
@pytest.mark.parametrize("spacing", [1.0, 5.0])
def test_an_end_inside_the_image_is_found_with_its_place(letters, spacing):
    first = round(30 / spacing)
    mask = reorient(a_cord(first=first, spacing=spacing), letters)
    (end,) = abrupt_ends(mask)
    assert not end.upper
    np.testing.assert_allclose(end.position_mm, (-0.5, -0.5, 100 + 30), atol=1e-3)
    assert end.where == f"30 mm above its lower edge (slice {end.slice_index})"
    axis = slice_axis(mask.affine)
    expected = mask.grid.to_voxel(np.array(end.position_mm))[axis]
    assert end.slice_index == round(expected)
    assert "ends inside the image, 30 mm above its lower edge" in end.sentence


def test_the_upper_end_is_told_from_the_lower_one():
    (end,) = abrupt_ends(a_cord(last=80))
    assert end.upper
    assert "begins inside the image, 40 mm below its upper edge" in end.sentence


def test_ends_at_the_edges_of_the_image_and_the_conus_are_no_surprise():
    assert abrupt_ends(a_cord()) == ()
    assert abrupt_ends(a_cord(first=2)) == (), "the last slices of an image are often left empty"
    assert abrupt_ends(a_cord(first=30, tip_mm=25)) == ()


def test_the_end_of_the_content_of_the_image_is_its_edge():
    mask = a_cord(first=30)
    image = mask.with_data(np.random.default_rng(0).normal(size=mask.shape))
    assert len(abrupt_ends(mask, image)) == 1
    image.data[..., :30] = 0
    assert abrupt_ends(mask, image) == ()


def test_a_cord_that_leaves_the_image_at_its_side_is_no_surprise():
    mask = a_cord(first=30)
    sheared = mask.data.copy()
    for k in range(30, LENGTH):
        sheared[..., k] = np.roll(sheared[..., k], round(max(0, 15 - (k - 30) / 2)), axis=0)
    assert abrupt_ends(mask.with_data(sheared)) == ()


def test_of_a_short_or_empty_mask_nothing_is_said():
    assert abrupt_ends(a_cord(first=50, last=65)) == ()
    assert abrupt_ends(a_cord(first=LENGTH)) == ()


def test_the_result_of_a_segmentation_says_it(bundle):
    grid = Grid((60, 60, 110), np.diag([1.0, 1, 1, 1]))
    image, _truth = tube_image(grid, (22, 30, 60), radius_mm=5, half_length_mm=35)
    rng = np.random.default_rng(0)
    image.data[...] += rng.normal(scale=5, size=image.shape).astype(np.float32)
    notes = " ".join(segment(image, bundle).notes)
    assert "ends inside the image" in notes
    assert "begins inside the image" in notes


def test_a_mask_drawn_on_fourteen_of_twenty_slices(shared_data):
    """Drawn by hand, and left off above."""
    folder = shared_data / "images" / "gm-challenge"
    mask = read_nifti(folder / "sub-9604_run-1_T2star_seg-manual.nii.gz")
    (end,) = abrupt_ends(mask, read_nifti(folder / "sub-9604_run-1_T2star.nii.gz"))
    assert end.upper
    assert end.where == "18 mm below its upper edge (slice 13)"


@pytest.mark.parametrize("letters", ["RAS", "PSR", "LPI"])
def test_an_interruption_is_found_with_its_slices(letters):
    mask = a_cord()
    mask.data[:, :, 40:52] = 0
    (gap,) = interruptions(reorient(mask, letters))
    np.testing.assert_allclose(gap.position_mm, (-0.5, -0.5, 145.5), atol=1e-3)
    assert gap.length_mm == 12
    slices = "68 to 79" if letters == "LPI" else "40 to 51"
    assert f"interrupted over 12 mm (slices {slices})" in gap.sentence


def test_of_slices_that_hold_no_image_no_interruption_is_said():
    mask = a_cord()
    mask.data[:, :, 40:52] = 0
    image = mask.with_data(np.random.default_rng(0).normal(size=mask.shape))
    assert interruptions(mask, image)
    image.data[:, :, 40:52] = 0
    assert interruptions(mask, image) == ()


def test_a_cord_that_fades_over_a_centimetre_ends_in_the_image_too():
    """Metal, a coil's end: no conus is so short."""
    (end,) = abrupt_ends(a_cord(first=30, tip_mm=10))
    assert not end.upper
