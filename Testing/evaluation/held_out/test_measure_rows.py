"""The measure in rows and as text."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from evaluation.held_out.records import an_image, measure, measured, value
from SoftCordSegLib.evaluation.held_out.measure_rows import measure_rows, measure_text


class TestMeasuring:
    def test_who_was_seen_by_a_bundle_or_its_parents_is_marked_and_apart(self, study):
        rows = measure_rows(measure(study, "0.5.1", "0.5.0"))

        assert value(rows, "dice", contrast="T2star", seen=True).participants == 1
        assert value(rows, "dice", contrast="T2star", seen=False).participants == 1
        assert value(rows, "sd_mm2").seen
        assert (
            value(measure_rows(measure(study, "0.6.0")), "dice", contrast="T2star").participants
            == 2
        )

    def test_an_offset_adds_a_row_and_changes_none(self, study):
        plain, moved = (
            measure_rows(measure(study)),
            measure_rows(measure(study, offset_mm=0.4)),
        )

        others = moved[moved["table"] != "masks, offset taken off"].reset_index(drop=True)
        pd.testing.assert_frame_equal(others, plain)
        assert value(moved, "volume_ratio", table="masks, offset taken off").value > 1.1

    def test_the_tip_is_measured_where_it_is_known(self, study):
        rows = measure_rows(measure(study))

        assert value(rows, "tip_mm").value == pytest.approx(-30.5 + 32.0)
        assert value(rows, "tip_uncertainty_mm").value == 4.0

    def test_the_text_has_every_group_with_its_participants_and_marks_the_seen(self, study):
        text = measure_text([measure(study, "0.5.0", offset_mm=0.1)], ["epi"])

        lines = [line.split() for line in text.splitlines()]
        assert ["T2star", "neck", "compact", "1", "1,", "1"] in [line[:6] for line in lines]
        assert ["T2star", "neck", "compact", "1*", "1,", "1"] in [line[:6] for line in lines]
        assert ["T2star", "neck", "compact", "1", "-", "offset"] in [line[:6] for line in lines]
        assert "No offset is known of epi" in text


class TestParticipants:
    def test_several_images_of_one_participant_count_once(self):
        rows = measure_rows(
            measured(an_image("a", dice=0.8), an_image("a", dice=0.9), an_image("b", dice=0.95))
        )

        row = value(rows, "dice")
        assert (row.participants, row.images) == (2, 3)
        assert row.value == pytest.approx((0.85 + 0.95) / 2)

    def test_a_value_that_is_missing_is_not_a_zero(self):
        rows = measure_rows(
            measured(an_image("a", distance_mm=math.nan), an_image("b", distance_mm=0.5))
        )

        assert (value(rows, "distance_mm").value, value(rows, "distance_mm").participants) == (
            0.5,
            1,
        )
