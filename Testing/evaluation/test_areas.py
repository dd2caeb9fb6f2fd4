"""Areas by slice, their spread over contrasts, errors and drift, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evaluation.study import a_box
from SoftCordSegLib.evaluation import Case, Place, SliceArea, grid_spreads
from SoftCordSegLib.evaluation.areas.csa import ImageArea, image_areas, participant_spreads
from SoftCordSegLib.evaluation.areas.drift import release_differences, release_drifts
from SoftCordSegLib.evaluation.areas.place import C2_C3, usual_place
from SoftCordSegLib.evaluation.areas.slices import slice_areas


def rows(contrast, areas, method="a", grid="g", cut="soft", levels=None):
    """Slices of one image: areas by slice number."""
    known = levels or {}
    return [
        SliceArea(method, "", "sub-01", contrast, contrast, grid, cut, n, known.get(n, 0), area)
        for n, area in areas.items()
    ]


class TestSlices:
    def test_a_straight_box_has_its_own_section_soft_or_cut(self, tmp_path):
        case = Case("sub-01", "T2w", tmp_path / "a.nii.gz", grid="g")
        mask = a_box(6, 8, value=0.6)

        found, notes = slice_areas(case, "a", mask, (None, 0.5), levels={2: 3})

        soft = [row for row in found if row.cut == "soft"]
        binary = [row for row in found if row.cut == "0.5"]
        assert notes == []
        assert [row.slice for row in soft] == [row.slice for row in binary] == [0, 1, 2, 3, 4, 5]
        assert [row.area_mm2 for row in soft] == pytest.approx([0.6 * 48] * 6)
        assert [row.area_mm2 for row in binary] == pytest.approx([48] * 6)
        assert [row.level for row in soft] == [0, 0, 3, 0, 0, 0]

    def test_rescaling_as_sct_does_it_makes_the_maximum_1(self, tmp_path):
        found, _ = slice_areas(
            Case("sub-01", "T2w", tmp_path / "a.nii.gz"),
            "a",
            a_box(6, 8, value=0.6),
            (None,),
            "sct",
        )

        assert [row.area_mm2 for row in found] == pytest.approx([48] * 6)

    def test_a_cut_that_leaves_nothing_is_a_note(self, tmp_path):
        found, notes = slice_areas(
            Case("sub-01", "T2w", tmp_path / "a.nii.gz"), "a", a_box(6, 8, value=0.6), (None, 0.7)
        )

        assert {row.cut for row in found} == {"soft"}
        assert len(notes) == 1
        assert "a.nii.gz" in notes[0]


class TestSpread:
    def test_median_over_the_slices_that_all_have_without_the_ends(self):
        one = rows("T1w", {0: 1.0, 1: 50.0, 2: 60.0, 3: 70.0, 4: 5.0, 5: 9.0})
        other = rows("T2w", {1: 99.0, 2: 62.0, 3: 76.0, 4: 8.0, 5: 99.0})

        (spread,) = grid_spreads([*one, *other], {"g": ["T1w", "T2w"]})

        # Slices 2, 3 and 4 remain; SDs 2/√2, 6/√2, 3/√2; means 61, 73, 6.5.
        assert spread.slices == 3
        assert spread.sd_mm2 == pytest.approx(3 / math.sqrt(2))
        assert spread.sd_percent == pytest.approx(
            100 * sorted([2 / 61, 6 / 73, 3 / 6.5])[1] / math.sqrt(2)
        )
        assert spread.area_mm2 == pytest.approx(np.mean([60, 70, 5, 62, 76, 8]))
        assert spread.by_contrast == "T1w=45.00 T2w=48.67"

    def test_a_contrast_without_cord_leaves_no_number(self):
        (spread,) = grid_spreads(rows("T1w", {0: 1.0, 1: 2.0, 2: 3.0}), {"g": ["T1w", "T2w"]})

        assert math.isnan(spread.sd_mm2)
        assert spread.slices == 0

    def test_a_reference_of_some_contrasts_only_is_left_out(self):
        assert (
            grid_spreads(
                rows("T1w", {0: 1.0, 1: 2.0, 2: 3.0}, method="reference"), {"g": ["T1w", "T2w"]}
            )
            == []
        )


class TestCsa:
    levels = {0: 4, 1: 3, 2: 3, 3: 3, 4: 2, 5: 2}

    def test_levels_are_pooled_by_slice_not_by_level(self):
        areas = {0: 10.0, 1: 50.0, 2: 60.0, 3: 70.0, 4: 80.0, 5: 100.0}
        known = {**areas, 5: 110.0}
        table = [
            *rows("T1w", areas, levels=self.levels),
            *rows("T1w", known, "reference", levels=self.levels),
        ]

        image = next(row for row in image_areas(table, "soft", C2_C3) if row.method == "a")

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

        (image,) = image_areas(table, "0.5", Place(slices=(1, 2), name="slices 1:2"))

        assert image.area_mm2 == pytest.approx(40.0)
        assert math.isnan(image.error_mm2)

    def test_without_levels_the_slices_that_the_grid_has_in_common(self):
        table = [
            *rows("T1w", {0: 9.0, 1: 50.0, 2: 60.0, 3: 9.0}),
            *rows("T2w", {0: 9.0, 1: 54.0, 2: 66.0, 3: 9.0, 4: 9.0}),
        ]
        table += rows("T1w", {2: 63.0, 3: 8.0}, "reference")

        images = {(row.method, row.contrast): row for row in image_areas(table, "soft", Place())}
        (spread,) = participant_spreads([row for row in images.values() if row.method == "a"])

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

        images = image_areas(table, "soft", Place())

        assert len(images) == 2
        assert participant_spreads(images) == []

    def test_c2_c3_only_where_all_levels_are_known(self, tmp_path):
        known = Case("sub-01", "T1w", tmp_path / "a.nii.gz", discs=tmp_path / "d.nii.gz")
        unknown = Case("sub-01", "T2w", tmp_path / "b.nii.gz")

        assert usual_place([known]) == C2_C3
        assert usual_place([known, unknown]).is_common


class TestDrift:
    @staticmethod
    def image(release, participant, area):
        return ImageArea(
            release,
            "",
            participant,
            "T2w",
            "",
            "soft",
            "C2:C3",
            5,
            area,
            math.nan,
            math.nan,
            math.nan,
        )

    def test_each_release_against_the_one_before(self):
        areas = [
            *(
                self.image("v1", name, area)
                for name, area in (("p", 80.0), ("q", 60.0), ("r", 70.0))
            ),
            *(self.image("v2", name, area) for name, area in (("p", 82.0), ("q", 66.0))),
            *(
                self.image("v3", name, area)
                for name, area in (("p", 82.0), ("q", 66.0), ("r", 70.0))
            ),
        ]
        releases = ["v1", "v2", "v3"]

        differences = release_differences(areas, releases, limit_percent=5.0)
        first, second = release_drifts(areas, differences, releases)

        assert [
            (row.participant, row.release, row.flagged) for row in differences if row.flagged
        ] == [("q", "v2", True)]
        assert (first.images, first.missing, first.flagged) == (2, 1, 1)
        assert first.mean_mm2 == pytest.approx(4.0)
        assert first.sd_mm2 == pytest.approx(math.sqrt(8.0))
        assert first.mean_percent == pytest.approx((2.5 + 10.0) / 2)
        assert (second.images, second.missing, second.mean_mm2, second.sd_mm2) == (2, 1, 0.0, 0.0)
