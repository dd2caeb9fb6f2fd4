"""Numbers of two masks, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.evaluation import (
    Case,
    average_surface_distance,
    count_components,
    count_false_positives,
    dice,
    on_grid,
    relative_volume_error,
    score,
    soft_dice,
    volume_ratio,
)
from SoftCordSegLib.volume import Volume, reorient


def cube(start: int, stop: int, size: int = 9) -> np.ndarray:
    data = np.zeros((size, size, size), bool)
    data[start:stop, start:stop, start:stop] = True
    return data


def rotated(spacing, angle: float = 0.6) -> np.ndarray:
    """An oblique affine of this spacing: turned about x, then about z."""
    cosine, sine = math.cos(angle), math.sin(angle)
    about_x = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    about_z = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = about_z @ about_x * np.asarray(spacing, float)
    affine[:3, 3] = 4.0, -7.0, 11.0
    return affine


class TestOverlap:
    def test_a_cube_of_27_inside_one_of_125(self):
        small, large = cube(2, 5), cube(1, 6)

        assert dice(small, large) == pytest.approx(54 / 152)
        assert relative_volume_error(small, large) == pytest.approx(100 * (27 - 125) / 125)
        assert relative_volume_error(large, small) == pytest.approx(100 * (125 - 27) / 27)

    def test_soft_values_count_for_what_they_are(self):
        mask = np.array([[[0.5, 1.0, 0.25]]])
        reference = np.array([[[1.0, 1.0, 0.0]]])

        assert soft_dice(mask, reference) == pytest.approx(2 * 1.5 / (1.75 + 2.0))
        assert volume_ratio(mask, reference) == pytest.approx(1.75 / 2.0)

    def test_two_empty_masks_agree(self):
        nothing = np.zeros((2, 2, 2))

        assert dice(nothing, nothing) == 1.0
        assert soft_dice(nothing, nothing) == 1.0
        assert math.isnan(relative_volume_error(nothing, nothing))

    def test_one_empty_mask_shares_nothing(self):
        nothing, something = np.zeros((9, 9, 9), bool), cube(2, 5)

        assert dice(nothing, something) == dice(something, nothing) == 0.0
        assert soft_dice(nothing, something) == 0.0
        assert relative_volume_error(nothing, something) == -100.0
        assert math.isnan(relative_volume_error(something, nothing))
        assert math.isnan(volume_ratio(something, nothing))

    @pytest.mark.parametrize("measure", [dice, soft_dice, relative_volume_error, volume_ratio])
    def test_other_shapes_are_refused_in_a_sentence(self, measure):
        with pytest.raises(InputError) as error:
            measure(np.zeros((2, 3, 4)), np.zeros((2, 3, 5)))

        assert "(2, 3, 4)" in str(error.value)
        assert "(2, 3, 5)" in str(error.value)

    def test_large_8_bit_masks_do_not_overflow(self):
        full = np.ones((20, 20, 20), np.uint8)

        assert soft_dice(full, full) == 1.0
        assert volume_ratio(full, full[:, :, ::-1]) == 1.0


class TestSurfaceDistance:
    def test_a_cube_of_3_in_the_middle_of_a_cube_of_5(self):
        # 26 voxels of the inner surface are 1 from the outer; of 98 outer ones 54 are 1 away, 36 √2
        # and 8 √3.
        distance = average_surface_distance(cube(3, 6), cube(2, 7), np.eye(4))

        assert distance == pytest.approx(
            (26 + 54 + 36 * math.sqrt(2) + 8 * math.sqrt(3)) / (26 + 98)
        )

    @pytest.mark.parametrize(
        "affine",
        [np.diag([0.5, 2.0, 5.0, 1.0]), rotated([0.5, 2.0, 5.0])],
        ids=["straight", "oblique"],
    )
    def test_it_is_in_millimetres_by_the_affine(self, affine):
        one, other = np.zeros((9, 9, 9), bool), np.zeros((9, 9, 9), bool)
        one[4, 4, 4] = True
        other[7, 5, 6] = True

        assert average_surface_distance(one, other, affine) == pytest.approx(
            math.sqrt(1.5**2 + 2**2 + 10**2)
        )

    def test_both_ways_are_pooled_by_voxel(self):
        one, other = np.zeros((12, 3, 3), bool), np.zeros((12, 3, 3), bool)
        one[1, 1, 1] = True
        other[1, 1, 1] = other[5, 1, 1] = True  # one way 0; the other way 0 and 4

        assert average_surface_distance(one, other, np.eye(4)) == pytest.approx(4 / 3)

    def test_equal_masks_are_not_apart(self):
        assert average_surface_distance(cube(2, 6), cube(2, 6), rotated([1, 2, 3])) == 0.0

    def test_the_edge_of_the_image_is_no_surface(self):
        # Two tubes through the whole image, in section 3 and 5 voxels wide: without their ends only
        # the section counts.
        narrow, wide = np.zeros((9, 9, 4), bool), np.zeros((9, 9, 4), bool)
        narrow[3:6, 3:6], wide[2:7, 2:7] = True, True

        assert average_surface_distance(narrow, wide, np.diag([1, 1, 50, 1.0])) == pytest.approx(
            (8 + 12 + 4 * math.sqrt(2)) / 24
        )

    def test_no_number_where_a_mask_is_empty(self):
        nothing = np.zeros((9, 9, 9), bool)

        assert math.isnan(average_surface_distance(nothing, cube(2, 5), np.eye(4)))
        assert math.isnan(average_surface_distance(nothing, nothing, np.eye(4)))

    def test_other_shapes_are_refused(self):
        with pytest.raises(InputError):
            average_surface_distance(cube(2, 5), cube(2, 5, size=8), np.eye(4))


class TestPieces:
    def test_voxels_that_share_a_corner_are_one_piece(self):
        mask = np.zeros((5, 5, 5), bool)
        mask[1, 1, 1] = mask[2, 2, 2] = True
        assert count_components(mask) == 1

        mask[4, 4, 4] = True
        assert count_components(mask) == 2
        assert count_components(np.zeros((3, 3, 3), bool)) == 0

    def test_a_piece_without_a_voxel_of_the_reference_is_false(self):
        mask = np.zeros((9, 3, 3), bool)
        mask[0:2], mask[4], mask[6:9] = True, True, True
        reference = np.zeros_like(mask)
        reference[1, 0, 0] = reference[4] = True

        assert count_false_positives(mask, reference) == 1
        assert count_false_positives(mask, np.zeros_like(mask)) == 3

    def test_without_a_reference_all_but_the_largest_piece_are_false(self):
        mask = np.zeros((9, 3, 3), bool)
        mask[0:2], mask[4], mask[6:9] = True, True, True

        assert count_false_positives(mask) == 2
        assert count_false_positives(np.zeros_like(mask)) == 0


class TestGrids:
    def test_a_mask_stored_along_other_axes_is_turned(self):
        data = np.arange(24, dtype=float).reshape(2, 3, 4)
        volume = Volume(data, rotated([1, 2, 3], 0.1))

        turned = on_grid(reorient(volume, "PSR"), volume.grid)

        assert np.array_equal(turned.data, data)

    def test_another_number_of_voxels_is_a_sentence(self):
        one, other = Volume(np.zeros((2, 3, 4)), np.eye(4)), Volume(np.zeros((2, 3, 5)), np.eye(4))

        with pytest.raises(
            InputError, match="'a.nii' has 2 × 3 × 4 voxels and the image 2 × 3 × 5"
        ):
            on_grid(one, other.grid, "'a.nii'")

    def test_another_place_is_a_sentence(self):
        moved = np.eye(4)
        moved[0, 3] = 0.5

        with pytest.raises(InputError, match="elsewhere in the patient"):
            on_grid(Volume(np.zeros((2, 3, 4)), moved), Volume(np.zeros((2, 3, 4)), np.eye(4)).grid)


class TestScore:
    @staticmethod
    def image(tmp_path, **settings) -> Case:
        return Case("sub-01", "T2w", tmp_path / "a.nii.gz", **settings)

    def test_mask_and_reference_are_cut_at_the_threshold(self, tmp_path):
        affine = np.diag([1.0, 2.0, 5.0, 1.0])
        mask = Volume(np.array([[[0.4, 0.6, 0.9]]]), affine)
        reference = Volume(np.array([[[0.0, 0.7, 1.0]]]), affine)

        at_half = score(self.image(tmp_path), "a", mask, reference, 0.5)
        low = score(self.image(tmp_path), "a", mask, reference, 0.4)

        assert at_half.dice == 1.0
        assert low.dice == pytest.approx(0.8)
        assert low.volume_error_percent == pytest.approx(50.0)
        assert at_half.volume_ratio == low.volume_ratio == pytest.approx(1.9 / 1.7)
        assert at_half.volume_ml == pytest.approx(1.9 * 10 / 1000)

    def test_without_a_reference_only_a_whole_field_of_view_has_false_pieces(self, tmp_path):
        data = np.zeros((9, 3, 3))
        data[0:2], data[5] = 1.0, 1.0
        mask = Volume(data, np.eye(4))

        crop = score(self.image(tmp_path), "a", mask, None, 0.5)
        whole = score(self.image(tmp_path, whole_field=True), "a", mask, None, 0.5)

        assert math.isnan(crop.dice)
        assert math.isnan(crop.false_positives)
        assert crop.components == 2
        assert whole.false_positives == 1
