"""Scores of one image against a mask drawn by hand, on the stretch that was drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evaluation.cords import a_cord
from evaluation.study import a_box
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.evaluation.held_out.drawn_scores import (
    calibration_error,
    drawn_scores,
    offset_scores,
    read_offsets,
    signed_distance,
    tip_error,
    undrawn_scores,
)
from SoftCordSegLib.volume import Volume, reorient


def only_slices(volume, *numbers):
    data = np.zeros_like(volume.data)
    data[..., numbers] = volume.data[..., numbers]
    return volume.with_data(data)


class TestDrawn:
    def test_slices_beyond_the_drawn_ones_cost_nothing_and_are_told_apart(self):
        whole, drawn = a_box(6, slices=10), only_slices(a_box(6, slices=10), 2, 3, 4, 5)

        scores = drawn_scores(whole, drawn, {}, {})

        assert (scores["dice"], scores["volume_ratio"], scores["distance_mm"]) == (1.0, 1.0, 0.0)
        assert (scores["missed_mm"], scores["surplus_mm"], scores["beyond_mm"]) == (0.0, 0.0, 6.0)

    def test_missed_and_surplus_lengths_are_along_the_cord(self):
        mask, drawn = only_slices(a_box(6), 0, 1, 3), only_slices(a_box(6), 0, 1, 2, 4, 5)

        scores = drawn_scores(mask, drawn, {3: 1.5}, {2: 1.25, 4: 1.25, 5: 2.0})

        assert scores["missed_mm"] == pytest.approx(1.25 + 1.25 + 2.0)
        assert scores["surplus_mm"] == pytest.approx(1.5)

    def test_a_piece_elsewhere_is_counted_and_a_lost_row_costs_dice(self):
        mask = a_box(6, height=7)
        data = mask.data.copy()
        data[0, 0, 0] = 1

        scores = drawn_scores(mask.with_data(data), a_box(6, height=8), {}, {})

        assert scores["pieces"] == 1
        assert scores["dice"] == pytest.approx(2 * 42 * 6 / (42 * 6 + 1 + 48 * 6))
        assert scores["nothing_found"] == 0

    def test_an_empty_mask_is_no_dice_and_the_whole_length_missed(self):
        scores = drawn_scores(a_box(6, value=0.0), a_box(6), {}, {})

        assert (
            scores["dice"],
            scores["volume_ratio"],
            scores["missed_mm"],
            scores["nothing_found"],
        ) == (0.0, 0.0, 6.0, 1.0)
        assert math.isnan(scores["distance_mm"])

    def test_where_there_is_no_cord_all_that_was_found_is_wrong(self):
        scores = undrawn_scores(
            only_slices(a_box(6), 0, 3), {0: 2.0}, whole_field=True, without_cord=True
        )

        assert scores == {"surplus_mm": 3.0, "pieces": 2.0}

    def test_without_a_drawn_mask_only_a_whole_field_tells_of_pieces(self):
        two = only_slices(a_box(6), 0, 3)

        assert undrawn_scores(two, {}, whole_field=True, without_cord=False) == {
            "nothing_found": 0.0,
            "pieces": 1.0,
        }
        assert undrawn_scores(two, {}, whole_field=False, without_cord=False) == {
            "nothing_found": 0.0
        }


class TestCalibration:
    def test_values_that_are_the_frequency_are_calibrated(self):
        soft = np.repeat([0.1, 0.5, 0.9], 1000)
        known = np.concatenate([np.arange(1000) < 1000 * part for part in (0.1, 0.5, 0.9)])

        assert calibration_error(soft, known) == pytest.approx(0.0, abs=1e-9)
        assert calibration_error(soft, known | (soft == 0.5)) == pytest.approx(0.5 / 3)

    def test_plain_voxels_do_not_count(self):
        soft, known = np.repeat([0.0, 1.0], 500), np.zeros(1000, bool)

        assert math.isnan(calibration_error(soft, known))


class TestTip:
    def test_the_lowest_voxel_counts_down_to_its_lower_face(self):
        mask = only_slices(a_box(6), 2, 3, 4, 5)

        assert tip_error(mask, tip_s_mm=1.5, top_s_mm=5.5) == pytest.approx(0.0)
        assert tip_error(reorient(mask, "IPL"), tip_s_mm=3.5, top_s_mm=5.5) == pytest.approx(-2.0)

    def test_an_empty_mask_misses_all_of_the_cord(self):
        assert tip_error(a_box(6, value=0.2), tip_s_mm=20.0, top_s_mm=100.0) == 80.0


class TestOffset:
    def test_the_edge_lies_between_voxels(self):
        mask = np.zeros((9, 9, 1), bool)
        mask[3:6, 3:6] = True

        found = signed_distance(mask, np.array([0.5, 0.5, 5.0]))

        assert found[2, 4, 0] == pytest.approx(0.25)
        assert found[3, 4, 0] == pytest.approx(-0.25)
        assert found[4, 4, 0] == pytest.approx(-0.75)

    def test_a_reference_drawn_too_far_out_is_as_good_once_that_is_taken_off(self):
        mask, drawn = a_cord((0.5, 5.0), -20, 20), a_cord((0.5, 5.0), -20, 20, wider_mm=0.6)
        drawn = drawn.with_data((drawn.data >= 0.5).astype(np.float32))

        before, after = offset_scores(mask, drawn, 0.0), offset_scores(mask, drawn, 0.6)
        wrong_way = offset_scores(mask, drawn, -0.6)

        assert before["volume_ratio"] == pytest.approx((5.0 / 5.6) ** 2, abs=0.05)
        assert after["volume_ratio"] == pytest.approx(1.0, abs=0.03)
        assert after["dice"] > 0.98 > 0.95 > before["dice"] > wrong_way["dice"]
        assert after["distance_mm"] < 0.15 < before["distance_mm"]

    def test_offsets_are_read_and_a_missing_file_knows_none(self, tmp_path):
        (tmp_path / "offsets.csv").write_text(
            "dataset,offset_mm,people,images\nerrsm,0.35,2,2\n", encoding="utf-8"
        )
        (tmp_path / "wrong.csv").write_text("dataset,offset\nerrsm,0.35\n", encoding="utf-8")

        assert read_offsets(tmp_path / "offsets.csv") == {"errsm": 0.35}
        assert read_offsets(tmp_path / "none.csv") == {}
        with pytest.raises(InputError, match="not a table of offsets"):
            read_offsets(tmp_path / "wrong.csv")

    def test_an_empty_prediction_has_a_row_too(self):
        drawn = a_box(6)

        assert (
            offset_scores(Volume(np.zeros_like(drawn.data), drawn.affine), drawn, 0.2)["dice"]
            == 0.0
        )
