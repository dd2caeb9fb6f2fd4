"""Two contrasts of the same participants against each other, with the line through them and the
line of agreement.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..colours import RULE
from ..evaluation import ImageArea, regression
from ..evaluation.statistics.rows import complete
from .figure_style import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "osD^vPX*"
# More pairs than this become too small to read on a page.
_MOST_PAIRS = 15


def agreement_figure(
    values: Mapping[str, Mapping[str, Mapping[object, float]]],
    x: str,
    y: str,
    colours: Mapping[str, str],
) -> Figure:
    """The paper's figure 4: one pair of contrasts, all methods.

    Args:
        values: method to contrast to CSA by participant, mm².
        x, y: contrasts.
        colours: by method.
    """
    figure, (axes,) = new_figure(4.8, 4.9)
    for marker, (method, contrasts) in zip(itertools.cycle(_MARKERS), values.items()):
        if x in contrasts and y in contrasts:
            _draw(axes, contrasts, x, y, colours[method], marker, f"{method}: ")
    _square(axes, x, y)
    axes.legend(frameon=False, fontsize=9, loc="upper left", borderaxespad=0.2)
    return figure


def all_pairs_figure(
    contrasts: Mapping[str, Mapping[object, float]], colour: str, title: str = ""
) -> Figure:
    """The paper's figure S1: all pairs of contrasts of one method.

    Args:
        contrasts: contrast to CSA by participant, mm².
        colour: of the method.
        title: its name.
    """
    pairs = list(itertools.combinations(contrasts, 2))[:_MOST_PAIRS]
    columns = min(len(pairs), 3)
    rows = math.ceil(len(pairs) / columns)
    figure, axes = new_figure(3.3 * columns, 3.4 * rows + 0.3, rows, columns)
    for one, (x, y) in zip(axes, pairs):
        _draw(one, contrasts, x, y, colour, "o", "")
        _square(one, x, y)
        one.legend(frameon=False, fontsize=8, loc="upper left", borderaxespad=0.1, handlelength=1.2)
    for one in axes[len(pairs) :]:
        one.set_visible(False)
    if title:
        figure.suptitle(title, fontsize=11, fontweight="bold")
    return figure


def _draw(
    axes: Axes,
    contrasts: Mapping[str, Mapping[object, float]],
    x: str,
    y: str,
    colour: str,
    marker: str,
    name: str,
) -> None:
    line = regression(x, y, contrasts)
    _, table = complete({x: contrasts[x], y: contrasts[y]})
    label = f"{name}n = {len(table)}"
    if math.isfinite(line.slope):
        sign = "+" if line.intercept >= 0 else "−"
        label = f"{name}y = {line.slope:.2f}x {sign} {abs(line.intercept):.2f}, r² = {line.r2:.2f}"
        ends = np.array([table[:, 0].min(), table[:, 0].max()])
        axes.plot(ends, line.slope * ends + line.intercept, color=colour, linewidth=1.6)
    axes.plot(
        table[:, 0],
        table[:, 1],
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


def participants(rows: Sequence[ImageArea]) -> dict[str, dict[str, dict[object, float]]]:
    """Method to contrast to CSA by participant, from areas that can be compared."""
    found: dict[str, dict[str, dict[object, float]]] = {}
    for row in rows:
        if row.is_comparable:
            found.setdefault(row.method, {}).setdefault(row.contrast, {})[
                row.dataset, row.participant
            ] = row.area_mm2
    return found
