"""Two contrasts of the same participants against each other, with the line through them and the
line of agreement.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..colours import RULE
from ..evaluation.paired_tests import regression
from .figure_style import new_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "osD^vPX*"
# More pairs than this become too small to read on a page.
_MOST_PAIRS = 15


def agreement_figure(
    values: Mapping[str, pd.DataFrame],
    x: str,
    y: str,
    colours: Mapping[str, str],
) -> Figure:
    """The paper's figure 4: one pair of contrasts, all methods.

    Args:
        values: by method CSA, mm²: a row for each participant, a column for each contrast.
        x, y: contrasts.
        colours: by method.
    """
    figure, (axes,) = new_figure(4.8, 4.9)
    for marker, (method, table) in zip(itertools.cycle(_MARKERS), values.items()):
        if x in table and y in table:
            _draw(axes, table, x, y, colours[method], marker, f"{method}: ")
    _square(axes, x, y)
    axes.legend(frameon=False, fontsize=9, loc="upper left", borderaxespad=0.2)
    return figure


def all_pairs_figure(table: pd.DataFrame, colour: str, title: str = "") -> Figure:
    """The paper's figure S1: all pairs of contrasts of one method.

    Args:
        table: CSA, mm²: a row for each participant, a column for each contrast.
        colour: of the method.
        title: its name.
    """
    pairs = list(itertools.combinations(table.columns, 2))[:_MOST_PAIRS]
    columns = min(len(pairs), 3)
    rows = math.ceil(len(pairs) / columns)
    figure, axes = new_figure(3.3 * columns, 3.4 * rows + 0.3, rows, columns)
    for one, (x, y) in zip(axes, pairs):
        _draw(one, table, x, y, colour, "o", "")
        _square(one, x, y)
        one.legend(frameon=False, fontsize=8, loc="upper left", borderaxespad=0.1, handlelength=1.2)
    for one in axes[len(pairs) :]:
        one.set_visible(False)
    if title:
        figure.suptitle(title, fontsize=11, fontweight="bold")
    return figure


def _draw(
    axes: Axes,
    table: pd.DataFrame,
    x: str,
    y: str,
    colour: str,
    marker: str,
    name: str,
) -> None:
    line, both = regression(x, y, table), table[[x, y]].dropna()
    label = f"{name}n = {len(both)}"
    if math.isfinite(line.slope):
        sign = "+" if line.intercept >= 0 else "−"
        label = f"{name}y = {line.slope:.2f}x {sign} {abs(line.intercept):.2f}, r² = {line.r2:.2f}"
        ends = both[x].agg(["min", "max"])
        axes.plot(ends, line.slope * ends + line.intercept, color=colour, linewidth=1.6)
    axes.plot(
        both[x],
        both[y],
        marker,
        color=colour,
        markersize=5,
        alpha=0.75,
        markeredgewidth=0,
        label=label,
    )


def _square(axes: Axes, x: str, y: str) -> None:
    """One scale on both axes, and the dashed line where both contrasts give the same area."""
    axes.grid(axis="both", color=RULE, linewidth=0.7)
    numbers = [*axes.get_xlim(), *axes.get_ylim()]
    low, high = min(numbers), max(numbers)
    high += 0.12 * (high - low)  # room for the legend above the points
    axes.plot([low, high], [low, high], color="black", linestyle="--", linewidth=1.0, zorder=1)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_aspect("equal")
    axes.set_xlabel(f"CSA on {x} (mm²)")
    axes.set_ylabel(f"CSA on {y} (mm²)")
