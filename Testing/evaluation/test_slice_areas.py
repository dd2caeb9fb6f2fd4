"""Areas of every slice of a mask."""

from __future__ import annotations

import pytest

from evaluation.study import a_box
from SoftCordSegLib.evaluation import Case, usual_range
from SoftCordSegLib.evaluation.slice_areas import C2_C3, slice_areas


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


def test_c2_c3_only_where_all_levels_are_known(tmp_path):
    known = Case("sub-01", "T1w", tmp_path / "a.nii.gz", discs=tmp_path / "d.nii.gz")
    unknown = Case("sub-01", "T2w", tmp_path / "b.nii.gz")

    assert usual_range([known]) == C2_C3
    assert usual_range([known, unknown]).is_common
