"""Tables as they are printed, and figures: what is drawn, and that it says what it is."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

import numpy as np
import pytest

from evaluation.study import a_box
from SoftCordSegLib.evaluation import ImageScore
from SoftCordSegLib.evaluation.figures.agreement import agreement_figure, all_pairs_figure
from SoftCordSegLib.evaluation.figures.panels import Panel, panels_figure
from SoftCordSegLib.evaluation.figures.style import colours, write_figure
from SoftCordSegLib.evaluation.figures.timing import timing_figure
from SoftCordSegLib.evaluation.figures.violins import violin_panels_figure, violins_figure
from SoftCordSegLib.evaluation.statistics.rows import PairRow
from SoftCordSegLib.evaluation.tables.paper import contrasts_table, datasets_table, methods_table
from SoftCordSegLib.evaluation.tables.table import MeanSd
from SoftCordSegLib.volume import reorient


def a_score(method, participant, contrast, dice, rve=0.0, asd=0.0, dataset="", seconds=math.nan):
    return ImageScore(
        method,
        dataset,
        participant,
        contrast,
        "i",
        0.5,
        dice,
        dice,
        rve,
        asd,
        1.0,
        1.0,
        1,
        0.0,
        seconds,
    )


SCORES = [
    a_score("PropSeg", "sub-01", "T1w", 0.80, 4.0, 0.3),
    a_score("PropSeg", "sub-02", "T1w", 0.90, -2.0, 0.1),
    a_score("soft_all", "sub-01", "T1w", 0.95, 1.0, 0.05),
    a_score("soft_all", "sub-02", "T1w", 0.97, 1.0, 0.05),
    a_score("soft_all", "sub-03", "T1w", math.nan),
]


class TestTables:
    def test_mean_and_sd_leave_out_what_is_not_known(self):
        cell = MeanSd.of([1.0, 3.0, math.nan])

        assert (cell.mean, cell.sd, cell.count) == (2.0, pytest.approx(math.sqrt(2)), 2)
        assert cell.text(1) == "2.0 ± 1.4"
        assert MeanSd.of([3.0]).text(2) == "3.00"
        assert MeanSd.of([math.nan]).text(2) == "–"

    def test_table_2_by_hand(self):
        table = methods_table(SCORES)

        assert table.texts() == [
            ["PropSeg", "0.850 ± 0.071", "1.00 ± 4.24", "0.200 ± 0.141"],
            ["soft_all", "0.960 ± 0.014", "1.00 ± 0.00", "0.050 ± 0.000"],
        ]
        assert table.bold() == [[False, False, False], [True, False, True]]  # RVE is alike

    def test_csv_has_mean_sd_and_count(self):
        first, second = csv.DictReader(io.StringIO(methods_table(SCORES).csv_text()))

        assert first["method"] == "PropSeg"
        assert float(first["rve_percent_sd"]) == pytest.approx(math.sqrt(18), rel=1e-5)
        assert second["dice_n"] == "2"

    def test_latex_escapes_names_and_prints_the_best_bold(self):
        text = methods_table(SCORES).latex_text()

        assert (
            "soft\\_all & $\\mathbf{0.960 \\pm 0.014}$ & $1.00 \\pm 0.00$ & $\\mathbf{0.050 \\pm"
            " 0.000}$ \\\\" in text
        )
        assert "RVE, \\%" in text
        assert text.count("\\begin") == text.count("\\end") == 2

    def test_latex_needs_no_other_package_for_cells_and_names(self):
        scores = [
            a_score("50%^{v2}~$x$\\_&#", "sub-01", "T2w", 0.9),
            replace(SCORES[0], surface_distance_mm=math.nan),
        ]

        lines = methods_table(scores).latex_text().splitlines()

        name = "50\\%\\textasciicircum{}\\{v2\\}\\textasciitilde{}\\$x\\$\\textbackslash{}\\_\\&\\#"
        assert lines[7].startswith(f"{name} & $")
        assert lines[8].endswith(" & -- \\\\")

    def test_in_table_1_methods_compete_within_a_contrast(self):
        scores = [
            *SCORES,
            a_score("PropSeg", "sub-01", "DWI", 0.70),
            a_score("soft_all", "sub-01", "DWI", 0.60),
        ]

        table = contrasts_table(scores)

        assert [words for words, _ in table.rows] == [
            ("T1w", "PropSeg"),
            ("T1w", "soft_all"),
            ("DWI", "PropSeg"),
            ("DWI", "soft_all"),
        ]
        assert [marks[0] for marks in table.bold()] == [False, True, True, False]

    def test_table_3_counts_participants_of_each_data_set(self):
        scores = [
            a_score("a", "p", "T2w", 0.9, dataset="sci"),
            a_score("a", "q", "T2w", 0.8, dataset="sci"),
            a_score("a", "q", "T1w", 0.8, dataset="sci"),
            a_score("a", "p", "UNI", 0.7, dataset="ms"),
        ]

        assert [words for words, _ in datasets_table(scores).rows] == [
            ("sci", "2", "a"),
            ("ms", "1", "a"),
        ]


class TestFigures:
    palette = colours(["PropSeg", "soft_all"])

    def points_of(self, axes):
        """Heights of the points, without the triangles."""
        return sorted(
            y for line in axes.lines if line.get_marker() == "o" for y in line.get_ydata()
        )

    def test_a_violin_shows_every_value_and_the_mean(self):
        values = [1.0, 2.0, 3.0, 4.0, 10.0]

        figure = violins_figure(
            {"PropSeg": values, "soft_all": [2.0, math.nan]}, self.palette, "CSA (mm²)"
        )

        (axes,) = figure.axes
        means = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "^"]
        assert self.points_of(axes) == [1.0, 2.0, 2.0, 3.0, 4.0, 10.0]
        assert means == [4.0, 2.0]
        assert len(axes.collections) == 1  # one value has no distribution
        assert axes.get_ylabel() == "CSA (mm²)"
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["PropSeg", "soft_all"]

    def test_points_of_one_height_stand_side_by_side(self):
        figure = violins_figure({"PropSeg": [1.0] * 7 + [2.0]}, self.palette, "x")

        places = [
            x for line in figure.axes[0].lines if line.get_marker() == "o" for x in line.get_xdata()
        ]
        assert len(set(np.round(places, 6))) == 7

    def test_outliers_go_only_if_asked(self):
        values = [1.0, 1.1] * 10 + [9.0]

        kept = violins_figure({"PropSeg": values}, self.palette, "x")
        dropped = violins_figure({"PropSeg": values}, self.palette, "x", drop_outliers=True)

        assert max(self.points_of(kept.axes[0])) == 9.0
        assert max(self.points_of(dropped.axes[0])) == 1.1

    def test_significant_pairs_get_stars(self):
        pairs = [
            PairRow("PropSeg", "soft_all", 9, p_bonferroni=0.004),
            PairRow("soft_all", "PropSeg", 9, p_bonferroni=0.2),
        ]

        figure = violins_figure(
            {"PropSeg": [1.0, 2.0], "soft_all": [2.0, 3.0]}, self.palette, "x", pairs=pairs
        )

        assert [text.get_text() for text in figure.axes[0].texts if "*" in text.get_text()] == [
            "**"
        ]

    def test_where_one_method_is_far_off_the_others_are_magnified_in_a_red_frame(self):
        groups = {"PropSeg": [2.0, 3.0, 30.0], "soft_all": [1.0, 2.0, 1.5]}
        whole, larger = violins_figure(groups, self.palette, "x", from_zero=True, magnify=True).axes
        assert whole.get_ylim()[1] > 30
        assert larger.get_ylim() == (0, pytest.approx(2.2))
        (frame,) = whole.patches
        assert (frame.get_y(), frame.get_height()) == (0, pytest.approx(2.2))
        assert frame.get_edgecolor() == larger.spines["top"].get_edgecolor()

    @pytest.mark.parametrize("errors", [[2.0, 4.0], [], [math.nan]])
    def test_nothing_is_magnified_where_no_method_is_far_off(self, errors):
        groups = {"PropSeg": errors, "soft_all": [1.0, 2.0]}
        assert (
            len(violins_figure(groups, self.palette, "x", from_zero=True, magnify=True).axes) == 1
        )

    def test_panels_of_violins_share_their_scale(self):
        figure = violin_panels_figure(
            {"PropSeg": {"T1w": [1.0, 9.0]}, "soft_all": {"T1w": [4.0], "T2w": [5.0]}},
            self.palette,
            "mm²",
        )

        first, second = figure.axes
        assert first.get_ylim() == second.get_ylim()
        assert [axes.get_title(loc="left") for axes in figure.axes] == ["PropSeg", "soft_all"]

    def test_agreement_writes_the_line_and_draws_equality(self):
        values = {"soft_all": {"T1w": {1: 1.0, 2: 2.0, 3: 3.0}, "T2w": {1: 2.0, 2: 3.0, 3: 5.0}}}

        figure = agreement_figure(values, "T1w", "T2w", self.palette)

        (axes,) = figure.axes
        (label,) = [text.get_text() for text in axes.get_legend().get_texts()]
        (dashed,) = [line for line in axes.lines if line.get_linestyle() == "--"]
        assert label == "soft_all: y = 1.50x + 0.33, r² = 0.96"
        assert np.array_equal(dashed.get_xdata(), dashed.get_ydata())
        assert axes.get_xlabel() == "CSA on T1w (mm²)"

    def test_all_pairs_of_three_contrasts(self):
        contrasts = {
            name: {1: 1.0, 2: 2.0, 3: n + 3.0} for n, name in enumerate(("T1w", "T2w", "DWI"))
        }

        figure = all_pairs_figure(contrasts, "#0072b2", "soft_all")

        assert [axes.get_ylabel() for axes in figure.axes] == [
            "CSA on T2w (mm²)",
            "CSA on DWI (mm²)",
            "CSA on DWI (mm²)",
        ]

    def test_bars_are_as_high_as_the_mean_time(self):
        scores = [
            a_score("PropSeg", "p", "T1w", 1, seconds=10.0),
            a_score("PropSeg", "q", "T1w", 1, seconds=14.0),
        ]

        figure = timing_figure([*scores, a_score("PropSeg", "p", "T2w", 1)], self.palette)

        assert [bar.get_height() for bar in figure.axes[0].patches] == [12.0]
        assert "(s)" in figure.axes[0].get_ylabel()
        assert timing_figure([a_score("PropSeg", "p", "T2w", 1)], self.palette) is None

    def test_outlines_lie_where_the_mask_ends(self):
        truth = a_box(6, 8)
        image = truth.with_data(truth.data * 100)

        figure = panels_figure(
            [Panel("sub-01", image, {"soft_all": reorient(truth, "PSR")}, None)],
            ["soft_all"],
            self.palette,
        )

        plain, outlined = figure.axes
        assert not plain.collections
        vertices = np.concatenate([path.vertices for path in outlined.collections[0].get_paths()])
        assert np.ptp(vertices, axis=0) == pytest.approx([6, 8])  # the box's own edges, mm
        assert (
            np.abs(vertices.max(axis=0) + vertices.min(axis=0)).max() < 1e-6
        )  # its middle is the panel's

    def test_a_method_without_a_mask_says_so(self):
        image = a_box(6, 8)

        figure = panels_figure([Panel("sub-01", image, {}, image)], ["soft_all"], self.palette)

        assert "no mask" in [text.get_text() for text in figure.axes[1].texts]

    @pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
    def test_the_same_numbers_give_the_same_file(self, tmp_path, kind):
        for name in ("one", "two"):
            write_figure(
                violins_figure({"PropSeg": [1.0, 2.0]}, self.palette, "x"), tmp_path, name, [kind]
            )

        assert (tmp_path / f"one.{kind}").stat().st_size > 1000
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()

    def test_methods_keep_their_colours_and_references_are_grey(self):
        assert colours(["a", "b"])["b"] == colours(["a", "b", "c"])["b"]
        assert len({*colours([str(n) for n in range(8)]).values()}) == 9
