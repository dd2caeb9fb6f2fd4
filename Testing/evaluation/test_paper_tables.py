"""Tables as they are printed."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

import pytest

from evaluation.study import rows_of
from SoftCordSegLib.evaluation import ImageScore
from SoftCordSegLib.evaluation.csa_frames import frame_of
from SoftCordSegLib.evaluation.paper_tables import contrasts_table, datasets_table, methods_table


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


def frame(scores):
    return frame_of(scores, ImageScore)


SCORES = [
    a_score("PropSeg", "sub-01", "T1w", 0.80, 4.0, 0.3),
    a_score("PropSeg", "sub-02", "T1w", 0.90, -2.0, 0.1),
    a_score("soft_all", "sub-01", "T1w", 0.95, 1.0, 0.05),
    a_score("soft_all", "sub-02", "T1w", 0.97, 1.0, 0.05),
    a_score("soft_all", "sub-03", "T1w", math.nan),
]


class TestTables:
    def test_mean_and_sd_leave_out_what_is_not_known(self):
        scores = [
            a_score("a", "p", "T1w", 1.0),
            a_score("a", "q", "T1w", 3.0, rve=math.nan),
            a_score("a", "r", "T1w", math.nan),
        ]

        (row,) = rows_of(methods_table(frame(scores)).frame)

        assert (row.dice_mean, row.dice_sd, row.dice_n) == (2.0, pytest.approx(math.sqrt(2)), 2)
        assert (row.rve_percent_mean, row.rve_percent_n) == (0.0, 1)
        assert methods_table(frame(scores)).texts() == [
            ["a", "2.000 ± 1.414", "0.00", "0.000 ± 0.000"]
        ]

    def test_table_2_by_hand(self):
        table = methods_table(frame(SCORES))

        assert table.texts() == [
            ["PropSeg", "0.850 ± 0.071", "1.00 ± 4.24", "0.200 ± 0.141"],
            ["soft_all", "0.960 ± 0.014", "1.00 ± 0.00", "0.050 ± 0.000"],
        ]
        assert table.bold() == [[False, False, False], [True, False, True]]  # RVE is alike

    def test_csv_has_mean_sd_and_count(self):
        first, second = csv.DictReader(io.StringIO(methods_table(frame(SCORES)).csv_text()))

        assert first["method"] == "PropSeg"
        assert float(first["rve_percent_sd"]) == pytest.approx(math.sqrt(18), rel=1e-5)
        assert second["dice_n"] == "2"

    def test_latex_escapes_names_and_prints_the_best_bold(self):
        text = methods_table(frame(SCORES)).latex_text()

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

        lines = methods_table(frame(scores)).latex_text().splitlines()

        name = "50\\%\\textasciicircum{}\\{v2\\}\\textasciitilde{}\\$x\\$\\textbackslash{}\\_\\&\\#"
        assert lines[7].startswith(f"{name} & $")
        assert lines[8].endswith(" & -- \\\\")

    def test_in_table_1_methods_compete_within_a_contrast(self):
        scores = [
            *SCORES,
            a_score("PropSeg", "sub-01", "DWI", 0.70),
            a_score("soft_all", "sub-01", "DWI", 0.60),
        ]

        table = contrasts_table(frame(scores))

        assert [tuple(cells[:2]) for cells in table.texts()] == [
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

        assert [tuple(cells[:3]) for cells in datasets_table(frame(scores)).texts()] == [
            ("sci", "2", "a"),
            ("ms", "1", "a"),
        ]
