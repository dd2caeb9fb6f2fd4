"""A small study from its files to the paper's numbers, every one of them worked out by hand; see
:mod:`study`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
from scipy import ndimage

from evaluation.study import CONTRASTS, HEIGHT, WIDTHS, a_box, rows_of, write_study
from SoftCordSegLib.errors import Cancelled, InputError, OptionError
from SoftCordSegLib.evaluation import (
    CordRange,
    FolderMethod,
    ScoreOptions,
    evaluate,
    read_cases,
)
from SoftCordSegLib.evaluation.evaluation_summary import summarise
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.reports.evaluation_figures import FigureOptions, draw_figures
from SoftCordSegLib.volume import read_nifti, write_nifti


class Cell(NamedTuple):
    mean: float
    sd: float
    count: int


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The cases, what came out of them, and the folder they lie in."""
    folder = tmp_path_factory.mktemp("study")
    cases = read_cases(write_study(folder))
    methods = [FolderMethod(name, folder / name) for name in ("tall", "aside")]
    return cases, evaluate(cases, methods), folder


@pytest.fixture(scope="module")
def summary(study):
    return summarise(study[1], study[0], ["tall", "aside"])


def cells_of(table):
    """Mean, SD and count of each number, by the words of the row but for the count of failures."""
    words = len(table.labels)
    names = [n for n, label in enumerate(table.labels) if label != "Failed"]
    return {
        tuple(row[at] for at in names): [
            Cell(*row[at : at + 3]) for at in range(words, len(row), 3)
        ]
        for row in table.frame.itertuples(index=False, name=None)
    }


def scores_of(summary, method, **wanted):
    return [
        row
        for row in rows_of(summary.scores)
        if row.method == method and all(getattr(row, key) == value for key, value in wanted.items())
    ]


class TestImages:
    def test_nothing_failed(self, study, summary):
        assert study[1].failures == []
        assert study[1].notes == []
        assert summary.notes == ()
        assert len(summary.scores) == 2 * 3 * 3

    @pytest.mark.parametrize(
        ("contrast", "dice", "rve"),
        [("T1w", 16 / 17, 12.5), ("T2w", 1.0, 0.0), ("T2star", 14 / 15, -12.5)],
    )
    def test_a_row_more_or_less(self, summary, contrast, dice, rve):
        rows = scores_of(summary, "tall", contrast=contrast)

        assert [row.dice for row in rows] == pytest.approx([dice] * 3)
        assert [row.soft_dice for row in rows] == pytest.approx([dice] * 3)
        assert [row.volume_error_percent for row in rows] == pytest.approx([rve] * 3)
        assert [row.volume_ratio for row in rows] == pytest.approx([1 + rve / 100] * 3)

    def test_a_voxel_aside(self, summary):
        for participant, width in WIDTHS.items():
            for row in scores_of(summary, "aside", participant=participant):
                assert row.dice == pytest.approx((width - 1) / width)
                assert row.volume_error_percent == pytest.approx(0.0)

    def test_surfaces_are_apart_by_the_new_row(self, summary):
        # Of the rings 2 w + 12 and 2 w + 14 voxels long, w - 2 and w are 1 mm from the other one.
        for participant, width in WIDTHS.items():
            (row,) = scores_of(summary, "tall", participant=participant, contrast="T1w")
            assert row.surface_distance_mm == pytest.approx((2 * width - 2) / (4 * width + 26))

    def test_pieces_and_times(self, summary):
        assert {(row.components, row.false_positives) for row in rows_of(summary.scores)} == {
            (1, 0.0)
        }
        assert all(math.isnan(row.seconds) for row in rows_of(summary.scores))


class TestCsa:
    def test_the_mean_over_c2_and_c3(self, summary):
        areas = {
            (row.method, row.participant, row.contrast): row for row in rows_of(summary.cut_areas)
        }

        for participant, width in WIDTHS.items():
            for contrast, more in zip(CONTRASTS, (1, 0, -1)):
                row = areas["tall", participant, contrast]
                assert (row.place, row.cut, row.slices) == ("C2:C3", "soft", 5)
                assert row.area_mm2 == pytest.approx(width * (HEIGHT + more))
                assert row.reference_mm2 == pytest.approx(width * HEIGHT)
                assert row.error_mm2 == pytest.approx(width * more)
                assert row.absolute_error_mm2 == pytest.approx(width * abs(more))
                assert areas["aside", participant, contrast].absolute_error_mm2 == pytest.approx(
                    0.0, abs=1e-9
                )

    def test_the_sd_over_contrasts(self, summary):
        spreads = {(row.method, row.participant): row for row in rows_of(summary.cut_spreads)}

        for participant, width in WIDTHS.items():
            assert spreads["tall", participant].sd_mm2 == pytest.approx(width)
            assert spreads["tall", participant].cv_percent == pytest.approx(12.5)
            assert spreads["reference", participant].sd_mm2 == pytest.approx(0.0, abs=1e-9)

    def test_the_same_cut_at_half(self, study):
        cases, result, _ = study

        at_half = summarise(result, cases, ["tall", "aside"], csa_threshold=0.5)

        assert at_half.cut == "0.5"
        assert sorted(
            row.sd_mm2 for row in rows_of(at_half.cut_spreads) if row.method == "tall"
        ) == pytest.approx([6, 8, 10])

    def test_slice_by_slice_on_one_grid(self, summary):
        rows = {
            (row.method, row.grid): row
            for row in rows_of(summary.grid_spreads)
            if row.cut == "soft"
        }

        for participant, width in WIDTHS.items():
            assert rows["tall", participant].slices == 4
            assert rows["tall", participant].sd_mm2 == pytest.approx(width)
            assert rows["tall", participant].sd_percent == pytest.approx(12.5)

    def test_a_place_without_cord_gives_no_csa_and_says_so(self, study):
        cases, result, _ = study

        summary = summarise(
            result, cases, ["tall", "aside"], cord_range=CordRange(levels=(7,), name="C7")
        )

        assert summary.areas.empty
        assert "No image has cord at C7" in summary.notes[0]
        assert "table2_methods" in {table.name for table in summary.tables}


class TestStatistics:
    def test_the_contrast_matters_to_the_tall_one(self, summary):
        (test,) = [
            test
            for test in rows_of(summary.statistics.anova)
            if test.measure == "CSA" and test.method == "tall"
        ]

        assert test.f == pytest.approx(48.0)
        assert (test.df_conditions, test.df_error) == (2, 4)
        assert test.p == pytest.approx(25**-2)

    def test_where_nothing_differs_it_says_so(self, summary):
        (test,) = [
            test
            for test in rows_of(summary.statistics.anova)
            if test.measure == "CSA" and test.method == "reference"
        ]

        assert math.isnan(test.f)
        assert "no meaning" in test.note

    def test_three_participants_are_too_few_for_wilcoxon(self, summary):
        tests = [
            test
            for test in rows_of(summary.statistics.pairs)
            if test.measure == "CSA" and test.method == "tall"
        ]

        assert [(row.a, row.b) for row in tests] == [
            ("T1w", "T2w"),
            ("T1w", "T2star"),
            ("T2w", "T2star"),
        ]
        assert [row.mean_difference for row in tests] == pytest.approx([8, 16, 8])
        assert [row.p_bonferroni for row in tests] == pytest.approx([0.75] * 3)
        assert all("too few" in row.note for row in tests)

    def test_the_line_of_t1w_and_t2w(self, summary):
        (line,) = [
            test
            for test in rows_of(summary.statistics.lines)
            if test.method == "tall" and (test.x, test.y) == ("T1w", "T2w")
        ]

        assert line.slope == pytest.approx(8 / 9)
        assert line.intercept == pytest.approx(0.0, abs=1e-9)
        assert line.r2 == pytest.approx(1.0)

    def test_methods_are_compared_image_by_image(self, summary):
        (test,) = [
            test
            for test in rows_of(summary.statistics.pairs)
            if test.measure == "absolute CSA error"
        ]

        assert (test.a, test.b, test.pairs) == ("tall", "aside", 9)
        assert test.mean_difference == pytest.approx(48 / 9)
        (test,) = [
            test
            for test in rows_of(summary.statistics.pairs)
            if test.measure == "SD of CSA over contrasts"
        ]
        assert (test.pairs, test.mean_difference) == (3, pytest.approx(8.0))


class TestTables:
    def cells(self, summary, name, *words):
        (table,) = [table for table in summary.tables if table.name == name]
        return cells_of(table)[words]

    def test_table_1(self, summary):
        dice, rve, asd = self.cells(summary, "table1_contrasts", "T1w", "tall")

        distances = [10 / 50, 14 / 58, 18 / 66]
        assert (dice.mean, dice.sd, dice.count) == (
            pytest.approx(16 / 17),
            pytest.approx(0.0, abs=1e-9),
            3,
        )
        assert (rve.mean, rve.sd) == (pytest.approx(12.5), pytest.approx(0.0, abs=1e-9))
        assert asd.mean == pytest.approx(sum(distances) / 3)

    def test_table_2(self, summary):
        dice, rve, _ = self.cells(summary, "table2_methods", "tall")

        assert dice.mean == pytest.approx((16 / 17 + 1 + 14 / 15) / 3)
        assert (rve.mean, rve.count) == (pytest.approx(0.0, abs=1e-9), 9)
        assert rve.sd == pytest.approx(math.sqrt(6 * 12.5**2 / 8))
        assert self.cells(summary, "table2_methods", "aside")[0].mean == pytest.approx(
            (5 / 6 + 7 / 8 + 9 / 10) / 3
        )

    def test_table_3(self, summary):
        dice, *_ = self.cells(summary, "table3_datasets", "all", "3", "aside")

        assert dice.count == 9

    def test_the_table_of_csa(self, summary):
        area, sd, cv, error = self.cells(summary, "table4_csa", "tall")

        assert area.mean == pytest.approx(64.0)
        assert (sd.mean, sd.sd, sd.count) == (pytest.approx(8.0), pytest.approx(2.0), 3)
        assert cv.mean == pytest.approx(12.5)
        assert (error.mean, error.count) == (pytest.approx(48 / 9), 9)
        assert self.cells(summary, "table4_csa", "reference")[3].count == 0

    def test_a_level_that_one_contrast_shows_in_part_is_compared_over_that_part(self, tmp_path):
        """The cord of T1w ends in the middle of C3, where that of the others is wider above."""
        cases = read_cases(write_study(tmp_path))[:3]
        for case in cases:
            mask = a_box(6, HEIGHT)
            mask.data[5:15, 7 : 7 + HEIGHT, 3:] = 1
            if case.contrast == "T1w":
                mask.data[..., 2:] = 0
            write_nifti(mask, tmp_path / "masks" / f"{case.stem}_seg.nii.gz")

        result = evaluate(cases, [FolderMethod("a", tmp_path / "masks")])
        summary = summarise(result, cases, ["a"], cord_range=CordRange((2, 3), name="C2:C3"))

        (spread,) = [one for one in rows_of(summary.cut_spreads) if one.method == "a"]
        assert (spread.contrasts, spread.place) == (3, "C3")
        assert spread.sd_mm2 == pytest.approx(0.0, abs=1e-9)
        assert "The mask ends within C2:C3 in T1w" in spread.notes
        assert any("only the cord that all contrasts show" in note for note in summary.notes)


class TestOptions:
    def test_thresholds_side_by_side(self, tmp_path):
        write_nifti(a_box(6), tmp_path / "a_seg-manual.nii.gz")
        soft = a_box(6, 9, value=0.4)
        soft.data[soft.data > 0] = 0.4
        soft.data[7:13, 7:15] = 0.8
        write_nifti(soft, tmp_path / "masks" / "a_seg.nii.gz")
        (tmp_path / "cases.csv").write_text(
            "participant,contrast,image,reference\nsub-01,T2w,a.nii.gz,a_seg-manual.nii.gz\n",
            encoding="utf-8",
        )
        cases = read_cases(tmp_path / "cases.csv")

        result = evaluate(
            cases, [FolderMethod("a", tmp_path / "masks")], ScoreOptions(thresholds=(0.3,))
        )
        summary = summarise(result, cases, ["a"])

        (table,) = [table for table in summary.tables if table.name == "thresholds"]
        rows = {words[1]: numbers for words, numbers in cells_of(table).items()}
        assert [row.dice for row in rows_of(summary.scores)] == [1.0]
        assert rows["0.3"][0].mean == pytest.approx(16 / 17)
        assert rows["0.5"][0].mean == 1.0
        assert rows["soft"][2].mean == pytest.approx(0.8 * 48 + 0.4 * 6)
        assert rows["0.3"][2].mean == pytest.approx(54)
        assert rows["0.5"][3].mean == pytest.approx(0.0, abs=1e-9)

    def test_releases_of_a_model(self, study):
        cases, result, _ = study

        summary = summarise(result, cases, ["aside", "tall"], drift_limit=10.0)

        (drift,) = rows_of(summary.drifts)
        assert (drift.previous, drift.release, drift.images, drift.flagged) == (
            "aside",
            "tall",
            9,
            6,
        )
        assert drift.mean_mm2 == pytest.approx(0.0, abs=1e-9)
        assert drift.sd_mm2 == pytest.approx(math.sqrt(2 * (36 + 64 + 100) / 8))

    def test_drift_needs_two_releases(self, study):
        with pytest.raises(InputError, match="at least two"):
            summarise(study[1], study[0], ["tall"], drift_limit=5.0)

    def test_a_threshold_out_of_range_is_refused(self):
        with pytest.raises(InputError, match="above 0"):
            ScoreOptions(threshold=0.0)


class TestTrouble:
    def test_one_bad_image_does_not_stop_the_others(self, tmp_path):
        cases = read_cases(write_study(tmp_path))
        (tmp_path / "tall" / "sub-01_T1w_seg.nii.gz").unlink()
        write_nifti(a_box(6, slices=7), tmp_path / "tall" / "sub-02_T1w_seg.nii.gz")
        (tmp_path / "data" / "sub-03_T1w_seg-manual.nii.gz").write_bytes(b"nothing")

        methods = [FolderMethod(name, tmp_path / name) for name in ("tall", "aside")]
        result = evaluate(cases, methods)
        summary = summarise(result, cases, ["tall", "aside"])

        assert [(one.method, one.image.name) for one in result.failures] == [
            ("tall", "sub-01_T1w.nii.gz"),
            ("tall", "sub-02_T1w.nii.gz"),
            ("reference", "sub-03_T1w.nii.gz"),
        ]
        assert "no mask" in str(result.failures[0].error)
        assert "24 × 24 × 7" in str(result.failures[1].error)
        assert len(scores_of(summary, "tall")) == 6
        assert summary.notes[0].startswith("tall lacks 3 of 9 images")

    def test_an_empty_mask_scores_0_and_has_no_area(self, tmp_path):
        cases = read_cases(write_study(tmp_path))
        empty = a_box(6)
        write_nifti(empty.with_data(empty.data * 0), tmp_path / "tall" / "sub-01_T1w_seg.nii.gz")

        result = evaluate(cases, [FolderMethod("tall", tmp_path / "tall")])
        summary = summarise(result, cases, ["tall"])

        (row,) = scores_of(summary, "tall", participant="sub-01", contrast="T1w")
        assert (row.dice, row.volume_error_percent, row.components) == (0.0, -100.0, 0)
        assert math.isnan(row.surface_distance_mm)
        assert len([one for one in rows_of(summary.cut_areas) if one.method == "tall"]) == 8
        assert any("sub-01_T1w.nii.gz" in note for note in result.notes)
        assert summary.notes[0].startswith("tall found nothing in 1 of its images")

    def test_failures_stand_in_the_row_and_count_in_the_ranking(self, tmp_path):
        """Where it finds something, "easy" is perfect."""
        cases = read_cases(write_study(tmp_path))
        for case in cases:
            mask = read_nifti(case.reference)
            if case.contrast == "T1w":
                mask.data[:] = 0
            write_nifti(mask, tmp_path / "easy" / f"{case.stem}_seg.nii.gz")
        (tmp_path / "easy" / "sub-01_T2w_seg.nii.gz").unlink()

        methods = [FolderMethod(name, tmp_path / name) for name in ("aside", "easy")]
        result = evaluate(cases, methods)
        tables = {one.name: one for one in summarise(result, cases, ["aside", "easy"]).tables}

        agreement, csa = tables["table2_methods"], tables["table4_csa"]
        assert [row[:2] for row in agreement.texts()] == [["aside", "0 of 9"], ["easy", "4 of 9"]]
        assert agreement.bold()[0] == [True, True, True]
        assert agreement.bold()[1] == [False, False, False]
        assert [row[1] for row in csa.texts()] == ["–", "0 of 9", "4 of 9"]
        by_contrast = {tuple(row[:2]): row for row in tables["table1_contrasts"].texts()}
        assert by_contrast["T1w", "easy"][-1] == "–"  # no distance to nothing

    def test_methods_of_one_name_are_refused(self, study):
        cases, _, folder = study

        with pytest.raises(OptionError, match="two methods"):
            evaluate(cases, [FolderMethod("a", folder), FolderMethod("a", folder)])
        with pytest.raises(OptionError, match="reference"):
            evaluate(cases, [FolderMethod("reference", folder)])

    @pytest.mark.parametrize(
        ("spoil", "sentence"),
        [
            (lambda data: data * np.linspace(1.3, 1.4, data.shape[0])[:, None, None], "above 1"),
            (lambda data: data - 1, "has values from"),
            (lambda data: np.round(data) * (1 + np.arange(data.shape[2]) % 3), "a label image"),
        ],
    )
    def test_what_is_no_mask_is_refused_and_the_others_are_done(self, tmp_path, spoil, sentence):
        cases = read_cases(write_study(tmp_path))
        mask, reference = tmp_path / "tall/sub-01_T1w_seg.nii.gz", cases[1].reference
        for path in (mask, reference):
            write_nifti(read_nifti(path).with_data(spoil(read_nifti(path).data)), path)

        result = evaluate(
            cases[:3],
            [FolderMethod("tall", tmp_path / "tall")],
        )

        assert [row.contrast for row in result.images] == ["T2star"]
        first, second = (one.error.sentence for one in result.failures)
        assert first.startswith("'sub-01_T1w_seg.nii.gz': ")
        assert second.startswith("The reference 'sub-01_T2w_seg-manual.nii.gz': ")
        assert sentence in first
        assert sentence in second

    def test_the_swing_of_a_spline_and_another_scale_are_no_reason_to_refuse(self, tmp_path):
        cases = read_cases(write_study(tmp_path))[:1]
        path = tmp_path / "tall/sub-01_T1w_seg.nii.gz"
        data = read_nifti(path).data.astype(np.float32)

        def scores(values):
            write_nifti(read_nifti(path).with_data(values), path)
            result = evaluate(cases, [FolderMethod("tall", tmp_path / "tall")])
            assert result.failures == []
            return [one.dice for one in result.images]

        swinging = data - 0.1 * ndimage.laplace(data)
        assert 1.05 < swinging.max() < 1.5
        assert swinging.min() < -0.05
        assert scores(data) == scores(swinging) == scores(255 * data)

    def test_stopping_stops(self, study):
        cases, _, folder = study

        with pytest.raises(Cancelled):
            evaluate(
                cases,
                [FolderMethod("tall", folder / "tall")],
                progress=Progress(is_cancelled=lambda: True),
            )


def test_every_figure_is_drawn(study, tmp_path):
    cases, result, _ = study
    summary = summarise(result, cases, ["aside", "tall"], drift_limit=10.0)

    drawn = draw_figures(summary, result, cases, tmp_path, FigureOptions(("png",)))

    names = {path.stem for one in drawn for path in one.paths}
    assert names == {
        "csa_by_contrast",
        "csa_sd_by_method",
        "csa_error_by_method",
        "csa_error_by_contrast",
        "csa_agreement",
        "csa_agreement_reference",
        "csa_agreement_tall",
        "csa_agreement_aside",
        "csa_drift",
        "dice_by_method",
        "panels",
    }
    assert all(path.stat().st_size > 2000 for one in drawn for path in one.paths)


def test_an_image_that_cannot_be_shown_does_not_cost_the_figures(tmp_path):
    cases = read_cases(write_study(tmp_path))
    image = read_nifti(cases[0].image)
    image.data[0, 0, 0] = math.nan
    write_nifti(image, cases[0].image)
    result = evaluate(cases, [FolderMethod("tall", tmp_path / "tall")])
    assert result.failures == []  # masks in folders are measured without the image

    drawn = draw_figures(
        summarise(result, cases, ["tall"]),
        result,
        cases,
        tmp_path,
        FigureOptions(("png",), panels=2),
    )

    (panels,) = [one for one in drawn if one.paths[0].stem == "panels"]
    assert "Not shown: sub-01_T1w.nii.gz." in panels.caption
    assert "NaN" in panels.caption
    assert panels.paths[0].stat().st_size > 2000


def test_a_pair_without_areas_costs_its_figure_only(tmp_path):
    cases = [case for case in read_cases(write_study(tmp_path)) if case.contrast != "T1w"]
    result = evaluate(cases, [FolderMethod("tall", tmp_path / "tall")])
    options = FigureOptions(("png",), pair=("T1w", "T2w"), panels=1)

    drawn = draw_figures(summarise(result, cases, ["tall"]), result, cases, tmp_path, options)

    names = {path.stem for one in drawn for path in one.paths}
    assert {"csa_by_contrast", "panels"} <= names
    assert "csa_agreement" not in names
    assert result.notes == [
        "There is no contrast 'T1w' with a CSA. The contrasts are: T2w, T2star."
    ]
