"""The figures of an evaluation: what is drawn, and that it says what it is."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from evaluation.study import a_box
from SoftCordSegLib.evaluation.paired_tests import PairRow
from SoftCordSegLib.reports.agreement_figures import agreement_figure, all_pairs_figure
from SoftCordSegLib.reports.evaluation_figures import method_colours, timing_figure
from SoftCordSegLib.reports.figure_style import write_figure
from SoftCordSegLib.reports.mask_panels_figure import Panel, panels_figure
from SoftCordSegLib.reports.violin_figures import (
    violin_panels_figure,
    violins_figure,
    within_three_sd,
)
from SoftCordSegLib.volume import reorient


def times(*rows) -> pd.DataFrame:
    """Scores with times: (contrast, seconds) each."""
    frame = pd.DataFrame(rows, columns=["contrast", "seconds"])
    return frame.assign(method="PropSeg")


PALETTE = method_colours(["PropSeg", "soft_all"])


def points_of(axes):
    """Heights of the points, without the triangles."""
    return sorted(y for line in axes.lines if line.get_marker() == "o" for y in line.get_ydata())


def test_a_violin_shows_every_value_and_the_mean():
    values = [1.0, 2.0, 3.0, 4.0, 10.0]

    figure = violins_figure({"PropSeg": values, "soft_all": [2.0, math.nan]}, PALETTE, "CSA (mm²)")

    (axes,) = figure.axes
    means = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "^"]
    assert points_of(axes) == [1.0, 2.0, 2.0, 3.0, 4.0, 10.0]
    assert means == [4.0, 2.0]
    assert len(axes.collections) == 1  # one value has no distribution
    assert axes.get_ylabel() == "CSA (mm²)"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["PropSeg", "soft_all"]


def test_points_of_one_height_stand_side_by_side():
    figure = violins_figure({"PropSeg": [1.0] * 7 + [2.0]}, PALETTE, "x")

    places = [
        x for line in figure.axes[0].lines if line.get_marker() == "o" for x in line.get_xdata()
    ]
    assert len(set(np.round(places, 6))) == 7


def test_outliers_go_only_if_asked():
    values = [1.0, 1.1] * 10 + [9.0]

    kept = violins_figure({"PropSeg": values}, PALETTE, "x")
    dropped = violins_figure({"PropSeg": values}, PALETTE, "x", drop_outliers=True)

    assert max(points_of(kept.axes[0])) == 9.0
    assert max(points_of(dropped.axes[0])) == 1.1


def test_significant_pairs_get_stars():
    pairs = [
        PairRow("PropSeg", "soft_all", 9, p_bonferroni=0.004),
        PairRow("soft_all", "PropSeg", 9, p_bonferroni=0.2),
    ]

    figure = violins_figure(
        {"PropSeg": [1.0, 2.0], "soft_all": [2.0, 3.0]}, PALETTE, "x", pairs=pairs
    )

    assert [text.get_text() for text in figure.axes[0].texts if "*" in text.get_text()] == ["**"]


def test_where_one_method_is_far_off_the_others_are_magnified_in_a_red_frame():
    groups = {"PropSeg": [2.0, 3.0, 30.0], "soft_all": [1.0, 2.0, 1.5]}
    whole, larger = violins_figure(groups, PALETTE, "x", from_zero=True, magnify=True).axes
    assert whole.get_ylim()[1] > 30
    assert larger.get_ylim() == (0, pytest.approx(2.2))
    (frame,) = whole.patches
    assert (frame.get_y(), frame.get_height()) == (0, pytest.approx(2.2))
    assert frame.get_edgecolor() == larger.spines["top"].get_edgecolor()


@pytest.mark.parametrize("errors", [[2.0, 4.0], [], [math.nan]])
def test_nothing_is_magnified_where_no_method_is_far_off(errors):
    groups = {"PropSeg": errors, "soft_all": [1.0, 2.0]}
    assert len(violins_figure(groups, PALETTE, "x", from_zero=True, magnify=True).axes) == 1


def test_panels_of_violins_share_their_scale():
    figure = violin_panels_figure(
        {"PropSeg": {"T1w": [1.0, 9.0]}, "soft_all": {"T1w": [4.0], "T2w": [5.0]}},
        PALETTE,
        "mm²",
    )

    first, second = figure.axes
    assert first.get_ylim() == second.get_ylim()
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["PropSeg", "soft_all"]


def test_agreement_writes_the_line_and_draws_equality():
    values = {"soft_all": pd.DataFrame({"T1w": [1.0, 2.0, 3.0], "T2w": [2.0, 3.0, 5.0]})}

    figure = agreement_figure(values, "T1w", "T2w", PALETTE)

    (axes,) = figure.axes
    (label,) = [text.get_text() for text in axes.get_legend().get_texts()]
    (dashed,) = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert label == "soft_all: y = 1.50x + 0.33, r² = 0.96"
    assert np.array_equal(dashed.get_xdata(), dashed.get_ydata())
    assert axes.get_xlabel() == "CSA on T1w (mm²)"


def test_all_pairs_of_three_contrasts():
    names = ("T1w", "T2w", "DWI")
    table = pd.DataFrame({name: [1.0, 2.0, n + 3.0] for n, name in enumerate(names)})

    figure = all_pairs_figure(table, "#0072b2", "soft_all")

    assert [axes.get_ylabel() for axes in figure.axes] == [
        "CSA on T2w (mm²)",
        "CSA on DWI (mm²)",
        "CSA on DWI (mm²)",
    ]


def test_bars_are_as_high_as_the_mean_time():
    scores = times(("T1w", 10.0), ("T1w", 14.0), ("T2w", math.nan))

    figure = timing_figure(scores, PALETTE)

    assert [bar.get_height() for bar in figure.axes[0].patches] == [12.0]
    assert "(s)" in figure.axes[0].get_ylabel()
    assert timing_figure(times(("T2w", math.nan)), PALETTE) is None


def test_outlines_lie_where_the_mask_ends():
    truth = a_box(6, 8)
    image = truth.with_data(truth.data * 100)

    figure = panels_figure(
        [Panel("sub-01", image, {"soft_all": reorient(truth, "PSR")}, None)],
        ["soft_all"],
        PALETTE,
    )

    plain, outlined = figure.axes
    assert not plain.collections
    vertices = np.concatenate([path.vertices for path in outlined.collections[0].get_paths()])
    assert np.ptp(vertices, axis=0) == pytest.approx([6, 8])  # the box's own edges, mm
    assert (
        np.abs(vertices.max(axis=0) + vertices.min(axis=0)).max() < 1e-6
    )  # its middle is the panel's


def test_a_method_without_a_mask_says_so():
    image = a_box(6, 8)

    figure = panels_figure([Panel("sub-01", image, {}, image)], ["soft_all"], PALETTE)

    assert "no mask" in [text.get_text() for text in figure.axes[1].texts]


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_same_numbers_give_the_same_file(tmp_path, kind):
    for name in ("one", "two"):
        write_figure(
            violins_figure({"PropSeg": [1.0, 2.0]}, PALETTE, "x"), tmp_path / f"{name}.{kind}"
        )

    assert (tmp_path / f"one.{kind}").stat().st_size > 1000
    assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()


def test_methods_keep_their_colours_and_references_are_grey():
    assert method_colours(["a", "b"])["b"] == method_colours(["a", "b", "c"])["b"]
    assert len({*method_colours([str(n) for n in range(8)]).values()}) == 9


def test_values_beyond_three_sd_are_found():
    values = np.array([0.0] * 20 + [10.0])

    assert within_three_sd(values).tolist() == [True] * 20 + [False]
    assert within_three_sd(np.array([1.0, 1.0])).all()
