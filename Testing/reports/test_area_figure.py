"""The figure of areas: along the cord, and over the contrasts of a participant."""

from __future__ import annotations

import numpy as np
import pytest

from morphometry.cords import cylinder, shape_with_areas
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.morphometry import (
    DiscLabel,
    add_levels,
    aggregate,
    measure,
    spread_over_contrasts,
    to_pam50,
)
from SoftCordSegLib.reports.area_figure import contrasts_figure, profile_figure
from SoftCordSegLib.reports.figure_style import write_figure

CORD = cylinder(shape=(34, 30, 20), spacing=(0.8, 0.8, 2.0), radii=(6.0, 4.5))


def rows(areas, levels=(2, 2, 3, 3)):
    return aggregate(shape_with_areas(areas, levels), per_level=True)


def a_labelled_cord():
    discs = [
        DiscLabel(3, tuple(CORD.grid.to_world([17, 28, 14]))),
        DiscLabel(4, tuple(CORD.grid.to_world([17, 28, 7]))),
    ]
    return add_levels(measure(CORD), discs, CORD)


def test_profile_figure_shows_the_area_its_interval_and_the_levels(tmp_path):
    figure = profile_figure({"soft": a_labelled_cord(), "other": measure(CORD)}, title="sub-01")
    axes = figure.axes[0]
    assert [line.get_label() for line in axes.lines] == ["soft", "other"]
    assert [text.get_text() for text in axes.texts] == ["C2", "C3", "C4"]
    assert axes.lines[0].get_ydata() == pytest.approx(a_labelled_cord().columns["area"])
    assert axes.get_ylabel() == "Cross-sectional area, mm²"
    write_figure(figure, tmp_path / "area.png")
    assert (tmp_path / "area.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match=r"Use \.png"):
        write_figure(figure, tmp_path / "area.xyz")
    with pytest.raises(InputError, match="no measure 'volume'"):
        profile_figure(measure(CORD), "volume")


def test_many_slices_are_drawn_as_curves_with_a_band():
    shapes = {
        "a": shape_with_areas(np.linspace(60, 80, 30)),
        "b": shape_with_areas(np.linspace(62, 78, 30)),
    }
    spreads = spread_over_contrasts(
        {name: aggregate(shape) for name, shape in shapes.items()}, by="slices"
    )
    axes = contrasts_figure(spreads).axes[0]
    # Superior on the left: the highest slice comes first.
    assert axes.lines[0].get_ydata() == pytest.approx(np.linspace(80, 60, 30))
    assert axes.get_xticklabels()[0].get_text() == "29"


def test_profile_figure_over_the_templates_slices():
    template = to_pam50(a_labelled_cord())
    axes = profile_figure(template).axes[0]
    left, right = axes.get_xlim()
    known = template.slices[np.isfinite(template.columns["area"])]
    assert (left, right) == pytest.approx((known.max() + 0.5, known.min() - 0.5))
    assert [text.get_text() for text in axes.texts] == ["C2", "C3", "C4"]
    assert "PAM50" in axes.get_xlabel()
    with pytest.raises(InputError, match="cannot share an axis"):
        profile_figure({"a": template, "b": a_labelled_cord()})


def test_contrasts_figure_has_a_series_for_each_image(tmp_path):
    spreads = spread_over_contrasts({"T1w": rows([70, 72, 80, 82]), "T2w": rows([74, 74, 81, 81])})
    figure = contrasts_figure(spreads)
    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert labels == ["T1w", "T2w", "mean ± SD"]
    write_figure(figure, tmp_path / "spread.svg")
    assert "<svg" in (tmp_path / "spread.svg").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="no levels to draw"):
        contrasts_figure([])
