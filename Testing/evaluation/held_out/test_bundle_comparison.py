"""Whether one bundle is better than another in every row."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from evaluation.cords import a_cord
from evaluation.held_out.records import an_image, measure, measured
from SoftCordSegLib.evaluation.held_out import Measuring
from SoftCordSegLib.evaluation.held_out.bundle_comparison import better_in_every_row


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
        assert found.rows["participants"].tolist() == [1]
        assert not better_in_every_row(measured(an_image("s", dice=0.5)), old).is_better

    def test_a_contrast_without_a_mask_is_worse_than_a_large_spread(self, study):
        old = measure(study)
        measuring = Measuring("compact 2", "1" * 64, (), {}, {})
        for case, own, spacing in study:
            mask = a_cord(spacing, -30, 30, wider_mm=own)
            measuring.add(case, mask.with_data(mask.data * (case.contrast != "T2w")))

        found = better_in_every_row(measuring.result(), old)

        assert any(reason.startswith("contrasts b") for reason in found.reasons)
