"""Rows of the measure, and whether one bundle is better than another in every one of them."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from evaluation.cords import a_cord
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.evaluation import Case
from SoftCordSegLib.evaluation.held_out import (
    Measured,
    Measuring,
    better_in_every_row,
    measure_rows,
    measure_text,
    read_tips,
)
from SoftCordSegLib.evaluation.held_out.image_measures import ImageMeasures, Tip
from SoftCordSegLib.volume import write_nifti


def an_image(participant, contrast="T2w", seen=False, offset=None, **values):
    return ImageMeasures(
        f"{participant}_{contrast}",
        participant,
        contrast,
        "neck",
        "set",
        "",
        seen,
        values,
        offset or {},
    )


def measured(*images, bundle="compact 1", spreads=(), rescans=()):
    return Measured(bundle, "0" * 64, tuple(images), tuple(spreads), tuple(rescans))


def value(rows, measure, **wanted):
    (row,) = [
        row
        for row in rows
        if row.measure == measure and all(getattr(row, key) == one for key, one in wanted.items())
    ]
    return row


@pytest.fixture
def study(tmp_path):
    """Cases of two people and masks of them: one with a scan and a rescan, one with two contrasts,
    and a drawn mask each.
    """
    drawn = a_cord((0.5, 3.0), -30, 30)
    drawn = drawn.with_data((drawn.data >= 0.5).astype(np.float32))
    write_nifti(drawn, tmp_path / "drawn.nii.gz", np.float32)
    common = {"region": "neck", "dataset": "set", "whole_field": True}
    return [
        (
            Case(
                "a",
                "T2star",
                tmp_path / "1.nii.gz",
                tmp_path / "drawn.nii.gz",
                session="run-1",
                **common,
            ),
            0.0,
            (0.5, 3.0),
        ),
        (Case("a", "T2star", tmp_path / "2.nii.gz", session="run-2", **common), 0.2, (0.5, 3.0)),
        (
            Case(
                "b",
                "T2star",
                tmp_path / "3.nii.gz",
                tmp_path / "drawn.nii.gz",
                seen_by=("0.5.0",),
                **common,
            ),
            0.0,
            (0.5, 3.0),
        ),
        (Case("b", "T2w", tmp_path / "4.nii.gz", seen_by=("0.5.0",), **common), 0.3, (1.0, 1.0)),
        (Case("c", "T1w", tmp_path / "5.nii.gz", tip=True, **common), 0.0, (1.0, 1.0)),
    ]


def measure(study, versions, offsets=None, wider_mm=0.0):
    tips = {study[4][0].image.resolve(): Tip(-32.0, 4.0, 30.0)}
    measuring = Measuring("compact 1", "0" * 64, versions, offsets or {}, tips)
    for case, own, spacing in study:
        measuring.add(case, a_cord(spacing, -30, 30, wider_mm=own + wider_mm))
    return measuring.result()


class TestMeasuring:
    def test_contrasts_and_rescans_are_found_by_person_and_session(self, study):
        found = measure(study, {"0.6.0"})

        (spread,) = found.spreads
        (rescan,) = found.rescans
        assert (spread.participant, spread.contrasts, spread.seen) == (
            "b",
            ("T2star", "T2w"),
            False,
        )
        assert spread.spread.sd_mm2 == pytest.approx(
            2 * math.pi * 5.2 * 0.3 / math.sqrt(2), rel=0.15
        )
        assert (rescan.participant, rescan.visit) == ("a", "")
        assert rescan.difference_mm2 == pytest.approx(2 * math.pi * 5.3 * 0.2, rel=0.15)

    def test_who_was_seen_by_a_bundle_or_its_parents_is_marked_and_apart(self, study):
        rows = measure_rows(measure(study, {"0.5.1", "0.5.0"}))

        assert value(rows, "dice", contrast="T2star", seen=True).people == 1
        assert value(rows, "dice", contrast="T2star", seen=False).people == 1
        assert value(rows, "sd_mm2").seen
        assert value(measure_rows(measure(study, {"0.6.0"})), "dice", contrast="T2star").people == 2

    def test_an_offset_adds_a_row_and_changes_none(self, study):
        plain, moved = (
            measure_rows(measure(study, ())),
            measure_rows(measure(study, (), {"set": 0.4})),
        )

        assert [row for row in moved if row.table != "masks, offset taken off"] == plain
        assert value(moved, "volume_ratio", table="masks, offset taken off").value > 1.1

    def test_the_tip_is_measured_where_it_is_known(self, study):
        rows = measure_rows(measure(study, ()))

        assert value(rows, "tip_mm").value == pytest.approx(-30.5 + 32.0)
        assert value(rows, "tip_uncertainty_mm").value == 4.0

    def test_records_survive_the_file(self, study):
        found = measure(study, {"0.5.0"}, {"set": 0.1})

        again = Measured.from_json(json.loads(json.dumps(found.to_json())))

        assert again == found
        with pytest.raises(InputError, match="no measure of a bundle"):
            Measured.from_json({"bundle": "compact"})

    def test_the_text_has_every_group_with_its_people_and_marks_the_seen(self, study):
        text = measure_text([measure(study, {"0.5.0"}, {"set": 0.1})], ["epi"])

        lines = [line.split() for line in text.splitlines()]
        assert ["T2star", "neck", "compact", "1", "1,", "1"] in [line[:6] for line in lines]
        assert ["T2star", "neck", "compact", "1*", "1,", "1"] in [line[:6] for line in lines]
        assert ["T2star", "neck", "compact", "1", "-", "offset"] in [line[:6] for line in lines]
        assert "No offset is known of epi" in text


class TestPeople:
    def test_several_images_of_one_person_count_once(self):
        rows = measure_rows(
            measured(an_image("a", dice=0.8), an_image("a", dice=0.9), an_image("b", dice=0.95))
        )

        row = value(rows, "dice")
        assert (row.people, row.images) == (2, 3)
        assert row.value == pytest.approx((0.85 + 0.95) / 2)

    def test_a_value_that_is_missing_is_not_a_zero(self):
        rows = measure_rows(
            measured(an_image("a", distance_mm=math.nan), an_image("b", distance_mm=0.5))
        )

        assert (value(rows, "distance_mm").value, value(rows, "distance_mm").people) == (0.5, 1)


class TestBetter:
    OLD = measured(
        an_image("a", dice=0.9, volume_ratio=0.8, pieces=0.0),
        an_image("b", "EPI", dice=0.8, volume_ratio=1.1),
    )

    def changed(self, a=None, b=None):
        first, second = self.OLD.images
        return measured(
            replace(first, values={**first.values, **(a or {})}),
            replace(second, values={**second.values, **(b or {})}),
        )

    def test_better_in_one_row_and_worse_in_none_is_better(self):
        found = better_in_every_row(self.changed(a={"dice": 0.91}), self.OLD)

        assert found.is_better
        assert found.reasons == ()

    def test_the_same_is_not_better(self):
        assert not better_in_every_row(self.OLD, self.OLD).is_better

    @pytest.mark.parametrize(
        ("group", "worse"),
        [
            ("a", {"dice": 0.89}),
            ("b", {"dice": 0.79}),
            ("a", {"volume_ratio": 0.7}),
            ("a", {"volume_ratio": 1.3}),
            ("a", {"pieces": 1.0}),
            ("a", {"dice": math.nan}),
        ],
    )
    def test_one_row_that_is_worse_is_enough(self, group, worse):
        better = {"dice": 0.99, "volume_ratio": 1.0}
        changes = {"a": dict(better), "b": dict(better)}
        changes[group].update(worse)

        found = better_in_every_row(self.changed(**changes), self.OLD)

        assert not found.is_better
        assert found.reasons

    def test_a_tolerance_forgives_a_small_loss(self):
        new = self.changed(a={"dice": 0.899}, b={"dice": 0.9})

        assert not better_in_every_row(new, self.OLD).is_better
        assert better_in_every_row(new, self.OLD, {"dice": 0.005}).is_better

    def test_an_image_that_has_no_value_any_more_is_worse(self):
        assert not better_in_every_row(
            measured(replace(self.OLD.images[0], values={"dice": 0.99})), self.OLD
        ).is_better

    def test_whom_one_of_them_saw_decides_nothing(self):
        old = measured(an_image("a", dice=0.9), an_image("s", dice=0.99, seen=True))
        new = measured(an_image("a", dice=0.91), an_image("s", dice=0.5))

        found = better_in_every_row(new, old)

        assert found.is_better
        assert [row.row.people for row in found.rows] == [1]
        assert not better_in_every_row(measured(an_image("s", dice=0.5)), old).is_better

    def test_a_contrast_without_a_mask_is_worse_than_a_large_spread(self, study):
        old = measure(study, ())
        measuring = Measuring("compact 2", "1" * 64, (), {}, {})
        for case, own, spacing in study:
            mask = a_cord(spacing, -30, 30, wider_mm=own)
            measuring.add(case, mask.with_data(mask.data * (case.contrast != "T2w")))

        found = better_in_every_row(measuring.result(), old)

        assert any(reason.startswith("contrasts b") for reason in found.reasons)


def test_tips_that_cannot_be_seen_are_left_out(tmp_path):
    table = tmp_path / "tips.csv"
    table.write_text(
        "file,cord_visible,tip_S,tip_uncertainty_mm,top_S\na.nii.gz,yes,10,4,90\nb.nii.gz,unsure,,,\n"
    )

    assert read_tips(table) == {(tmp_path / "a.nii.gz").resolve(): Tip(10.0, 4.0, 90.0)}
    table.write_text("file\na\n")
    with pytest.raises(InputError, match="no table of tips"):
        read_tips(table)
