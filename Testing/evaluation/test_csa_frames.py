"""CSA by image, its spread over contrasts and its error, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evaluation.study import rows_of
from SoftCordSegLib.evaluation import CordRange, SliceArea
from SoftCordSegLib.evaluation.csa_frames import (
    frame_of,
    grid_spreads,
    image_areas,
    participant_spreads,
)
from SoftCordSegLib.evaluation.slice_areas import C2_C3


def rows(contrast, areas, method="a", grid="g", cut="soft", levels=None):
    """Slices of one image: areas by slice number."""
    known = levels or {}
    return [
        SliceArea(method, "", "sub-01", contrast, contrast, grid, cut, n, known.get(n, 0), area)
        for n, area in areas.items()
    ]


def areas(table, cord_range):
    return rows_of(image_areas(frame_of(table, SliceArea), cord_range))


def spreads(table, contrasts_of):
    return rows_of(grid_spreads(frame_of(table, SliceArea), contrasts_of))


class TestSpread:
    def test_median_over_the_slices_that_all_have_without_the_ends(self):
        one = rows("T1w", {0: 1.0, 1: 50.0, 2: 60.0, 3: 70.0, 4: 5.0, 5: 9.0})
        other = rows("T2w", {1: 99.0, 2: 62.0, 3: 76.0, 4: 8.0, 5: 99.0})

        (spread,) = spreads([*one, *other], {"g": ["T1w", "T2w"]})

        # Slices 2, 3 and 4 remain; SDs 2/√2, 6/√2, 3/√2; means 61, 73, 6.5.
        assert spread.slices == 3
        assert spread.sd_mm2 == pytest.approx(3 / math.sqrt(2))
        assert spread.sd_percent == pytest.approx(
            100 * sorted([2 / 61, 6 / 73, 3 / 6.5])[1] / math.sqrt(2)
        )
        assert spread.area_mm2 == pytest.approx(np.mean([60, 70, 5, 62, 76, 8]))
        assert spread.by_contrast == "T1w=45.00 T2w=48.67"

    def test_a_contrast_without_cord_leaves_no_number(self):
        (spread,) = spreads(rows("T1w", {0: 1.0, 1: 2.0, 2: 3.0}), {"g": ["T1w", "T2w"]})

        assert math.isnan(spread.sd_mm2)
        assert spread.slices == 0

    def test_a_reference_of_some_contrasts_only_is_left_out(self):
        assert (
            spreads(
                rows("T1w", {0: 1.0, 1: 2.0, 2: 3.0}, method="reference"), {"g": ["T1w", "T2w"]}
            )
            == []
        )


class TestCsa:
    levels = {0: 4, 1: 3, 2: 3, 3: 3, 4: 2, 5: 2}

    def test_levels_are_pooled_by_slice_not_by_level(self):
        own = {0: 10.0, 1: 50.0, 2: 60.0, 3: 70.0, 4: 80.0, 5: 100.0}
        known = {**own, 5: 110.0}
        table = [
            *rows("T1w", own, levels=self.levels),
            *rows("T1w", known, "reference", levels=self.levels),
        ]

        image = next(row for row in areas(table, C2_C3) if row.method == "a")

        assert image.slices == 5
        assert image.area_mm2 == pytest.approx(72.0)
        assert image.reference_mm2 == pytest.approx(74.0)
        assert image.error_mm2 == pytest.approx(-2.0)
        assert image.absolute_error_mm2 == pytest.approx(2.0)

    def test_slices_and_the_cut_that_was_asked_for(self):
        table = [
            *rows("T1w", {0: 1.0, 1: 2.0, 2: 6.0}),
            *rows("T1w", {0: 10.0, 1: 20.0, 2: 60.0}, cut="0.5"),
        ]

        _, image = areas(table, CordRange(slices=(1, 2), name="slices 1:2"))

        assert image.area_mm2 == pytest.approx(40.0)
        assert math.isnan(image.error_mm2)

    def test_without_levels_the_slices_that_the_grid_has_in_common(self):
        table = [
            *rows("T1w", {0: 9.0, 1: 50.0, 2: 60.0, 3: 9.0}),
            *rows("T2w", {0: 9.0, 1: 54.0, 2: 66.0, 3: 9.0, 4: 9.0}),
        ]
        table += rows("T1w", {2: 63.0, 3: 8.0}, "reference")

        images = {(row.method, row.contrast): row for row in areas(table, CordRange())}
        frame = image_areas(frame_of(table, SliceArea), CordRange())
        (spread,) = rows_of(participant_spreads(frame[frame["method"] == "a"]))

        assert images["a", "T1w"].area_mm2 == pytest.approx(55.0)
        assert images["a", "T2w"].area_mm2 == pytest.approx(60.0)
        assert images["a", "T1w"].error_mm2 == pytest.approx(-3.0)  # slice 2 alone is in both
        assert spread.sd_mm2 == pytest.approx(5 / math.sqrt(2))
        assert spread.cv_percent == pytest.approx(100 * 5 / math.sqrt(2) / 57.5)

    def test_images_on_no_common_grid_are_not_compared_slice_by_slice(self):
        table = [
            *rows("T1w", {0: 9.0, 1: 50.0, 2: 9.0}, grid=""),
            *rows("T2w", {0: 9.0, 1: 54.0, 2: 9.0}, grid=""),
        ]

        images = image_areas(frame_of(table, SliceArea), CordRange())

        assert len(images) == 2
        assert len(participant_spreads(images)) == 0
