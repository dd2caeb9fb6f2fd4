"""Violins with every point and the mean as a triangle, as in the paper: by method, by contrast, and
by release of a model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..colours import ABSENT, INK, MAGNIFIED, VERMILLION
from .figure_style import new_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..evaluation.paired_tests import PairRow

# A curve through fewer points would say more than they do.
_FEWEST_FOR_VIOLIN = 5
_WIDTH = 0.8
# Brackets for more pairs than this hide the violins; the table has them all.
_MOST_BRACKETS = 6
# Groups whose highest value goes this many times into the highest of all can hardly be told apart.
_FAR = 2.5
# Releases that are shown.
_LAST_RELEASES = 5


def violins_figure(
    groups: Mapping[str, Sequence[float]],
    colours: Mapping[str, str],
    label: str,
    *,
    title: str = "",
    pairs: Sequence[PairRow] = (),
    drop_outliers: bool = False,
    from_zero: bool = False,
    magnify: bool = False,
    ceiling: float | None = None,
    digits: int = 2,
) -> Figure:
    """One violin a group, side by side.

    Args:
        groups: name to values; those that are not finite are left out.
        colours: by name.
        label: of the values, with their unit.
        title: of the figure.
        pairs: tests whose significant pairs get a bracket with the paper's stars.
        drop_outliers: leave out values with |z| ≥ 3, as the paper did in its violins.
        from_zero: the axis starts at 0.
        magnify: where one group reaches far beyond the others, show what they share, from 0 up,
            once more and larger, in a red frame beside the whole (paper figure 9).
        ceiling: the highest value that can be: no ticks above it.
        digits: of the means that are written beside them.
    """
    known = {name: _finite(values, drop_outliers) for name, values in groups.items()}
    longest = max((len(name) for name in known), default=0)
    width, height = max(3.6, 1.15 * len(known) + 1.4), 4.2 + (0.5 if longest > 10 else 0)
    reach = _reach_of_most(known) if magnify else None
    columns = 1 if reach is None else 2
    figure, (axes, *larger) = new_figure(columns * width, height, columns=columns)
    draw_violins(axes, known, colours, digits)
    axes.set_ylabel(label)
    if title:
        axes.set_title(title)
    if from_zero:
        axes.set_ylim(bottom=0)
    _brackets(axes, list(known), [row for row in pairs if row.stars])
    if ceiling is not None:
        low, high = axes.get_ylim()
        axes.set_yticks([tick for tick in axes.get_yticks() if low <= tick <= ceiling + 1e-9])
        axes.set_ylim(low, high)
    for one in larger:
        draw_violins(one, known, colours, digits)
        _frame(axes, one, reach)
    return figure


def violin_panels_figure(
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    colours: Mapping[str, str],
    label: str,
    *,
    drop_outliers: bool = False,
    from_zero: bool = False,
) -> Figure:
    """A panel a method, one below the other on one scale; in each a violin for every contrast.

    Args:
        panels: method to contrast to values.
        colours: by method.
        label, drop_outliers, from_zero: as for :func:`violins_figure`.
    """
    contrasts = list(dict.fromkeys(name for groups in panels.values() for name in groups))
    width = max(4.2, 1.05 * len(contrasts) + 1.4)
    figure, axes = new_figure(
        width, 2.1 * len(panels) + 0.5, rows=len(panels), sharex=True, sharey=True
    )
    for one, (method, groups) in zip(axes, panels.items()):
        known = {name: _finite(groups.get(name, ()), drop_outliers) for name in contrasts}
        draw_violins(one, known, dict.fromkeys(contrasts, colours[method]))
        one.set_title(method, loc="left", fontweight="bold")
        if from_zero:
            one.set_ylim(bottom=0)
    figure.supylabel(label, fontsize=10)
    return figure


def drift_figure(
    areas: pd.DataFrame,
    differences: pd.DataFrame,
    releases: Sequence[str],
    colours: Mapping[str, str],
    limit: float,
) -> Figure:
    """The last five releases: above CSA, below the difference to the release before, in per cent,
    with the limit.

    Args:
        areas: of all releases.
        differences: between neighbours.
        releases: the oldest first.
        colours: by release.
        limit: beyond which images are flagged, per cent.
    """
    shown = list(releases)[-_LAST_RELEASES:]
    figure, (above, below) = new_figure(max(4.6, 1.3 * len(shown) + 1.5), 6.2, rows=2, sharex=True)
    own = {name: areas.loc[areas["method"] == name, "area_mm2"].to_numpy() for name in shown}
    draw_violins(above, own, colours)
    above.set_ylabel("CSA (mm²)")
    moved = {
        name: differences.loc[differences["release"] == name, "difference_percent"].to_numpy()
        for name in shown
    }
    draw_violins(below, moved, colours)
    below.axhline(0, color=INK, linewidth=0.8)
    for side in (-limit, limit):
        below.axhline(side, color=VERMILLION, linewidth=1.0, linestyle="--")
    below.set_ylabel("Difference to the\nprevious release (%)")
    below.annotate(
        f"limit {limit:g} %",
        (1, limit),
        xycoords=("axes fraction", "data"),
        xytext=(0, 2),
        textcoords="offset points",
        ha="right",
        fontsize=9,
        color=VERMILLION,
    )
    return figure


def draw_violins(
    axes: Axes, groups: Mapping[str, Sequence[float]], colours: Mapping[str, str], digits: int = 2
) -> None:
    """Bodies, points, means with their numbers (to ``digits``); a group of few points, or all
    alike, has no body.
    """
    for at, (name, values) in enumerate(groups.items()):
        if not len(values):
            axes.annotate(
                "no values",
                (at, 0.5),
                xycoords=("data", "axes fraction"),
                ha="center",
                fontsize=9,
                color=ABSENT,
            )
            continue
        if len(values) >= _FEWEST_FOR_VIOLIN and np.ptp(values) > 0:
            body = axes.violinplot([values], [at], widths=_WIDTH, showextrema=False)["bodies"][0]
            body.set(facecolor=colours[name], edgecolor=colours[name], alpha=0.3, linewidth=1.0)
        axes.plot(
            at + _swarm(values),
            values,
            "o",
            markersize=3.6,
            color=colours[name],
            alpha=0.75,
            markeredgewidth=0,
            zorder=3,
        )
        mean = float(np.mean(values))
        axes.plot(
            at,
            mean,
            "^",
            markersize=9,
            color="white",
            markeredgecolor=INK,
            markeredgewidth=1.1,
            zorder=4,
        )
        text = f"{mean:.{digits}f}".replace("-", "−")
        box = {
            "boxstyle": "round,pad=0.12",
            "facecolor": "white",
            "edgecolor": "none",
            "alpha": 0.75,
        }
        beside = {"xytext": (11, 0), "textcoords": "offset points", "va": "center"}
        axes.annotate(text, (at, mean), fontsize=9, color=INK, zorder=5, bbox=box, **beside)
    long = any(len(name) > 10 for name in groups)
    turned = {"rotation": 25, "ha": "right", "rotation_mode": "anchor"} if long else {}
    axes.set_xticks(range(len(groups)), list(groups), **turned)
    axes.set_xlim(-0.6, max(len(groups) - 0.4, 0.6))


def _reach_of_most(groups: Mapping[str, np.ndarray]) -> float | None:
    """How far up those groups reach that the highest value dwarfs; None where they are fewer than
    half.
    """
    highest = [float(np.max(values)) for values in groups.values() if len(values)]
    dwarfed = [value for value in highest if value * _FAR <= max(highest)]
    return 1.1 * max(dwarfed) if 2 * len(dwarfed) >= len(highest) > 0 and max(dwarfed) > 0 else None


def _frame(axes: Axes, larger: Axes, reach: float) -> None:
    """Cut ``larger`` at ``reach``, and frame it and the part of ``axes`` that it shows."""
    from matplotlib.patches import Rectangle

    larger.set_ylim(0, reach)
    larger.set_title("Magnified", color=MAGNIFIED)
    larger.spines[:].set(visible=True, color=MAGNIFIED)
    axes.add_patch(
        Rectangle(
            (0, 0),
            1,
            reach,
            transform=axes.get_yaxis_transform(),
            fill=False,
            edgecolor=MAGNIFIED,
            clip_on=False,
        )
    )


def _finite(values: Sequence[float], drop_outliers: bool) -> np.ndarray:
    finite = np.array([value for value in values if math.isfinite(value)], float)
    return finite[within_three_sd(finite)] if drop_outliers and len(finite) else finite


def within_three_sd(values: np.ndarray) -> np.ndarray:
    """Which values have |z| < 3 (population SD, as scipy's zscore): the paper removed the others
    from its violins only.
    """
    sd = values.std()
    return np.abs(values - values.mean()) < 3.0 * sd if sd > 0 else np.ones(len(values), bool)


def _swarm(values: Sequence[float]) -> np.ndarray:
    """Sideways offsets that keep points of nearly one height apart: the same for the same
    values.
    """
    values = np.asarray(values, float)
    height = np.ptp(values) / 22 or 1.0
    bins = np.floor((values - values.min()) / height).astype(int)
    step = min(
        0.07, 0.7 * _WIDTH / np.bincount(bins).max()
    )  # as wide as the violin where there are most
    offsets = np.zeros(len(values))
    for one in np.unique(bins):
        members = np.flatnonzero(bins == one)
        members = members[np.argsort(values[members], kind="stable")]
        side = np.arange(len(members))
        offsets[members] = step * ((side + 1) // 2) * np.where(side % 2, 1, -1)
    return offsets


def _brackets(axes: Axes, names: list[str], pairs: list[PairRow]) -> None:
    """Lines with stars above the violins, the nearest neighbours lowest; those that do not overlap
    share a height.
    """
    spans = [
        (*sorted((names.index(row.a), names.index(row.b))), row)
        for row in pairs
        if row.a in names and row.b in names
    ]
    spans = sorted(spans, key=lambda span: (span[1] - span[0], span[2].p_bonferroni))[
        :_MOST_BRACKETS
    ]
    low, high = axes.get_ylim()
    step = 0.075 * (high - low)
    shelves: list[list[tuple[int, int]]] = []
    for left, right, row in spans:
        shelf = next(
            (
                n
                for n, taken in enumerate(shelves)
                if all(right <= a or b <= left for a, b in taken)
            ),
            len(shelves),
        )
        if shelf == len(shelves):
            shelves.append([])
        shelves[shelf].append((left, right))
        top, start, end = high + step * (shelf + 0.2), left + 0.06, right - 0.06
        axes.plot(
            [start, start, end, end],
            [top - step / 5, top, top, top - step / 5],
            color=INK,
            linewidth=1.0,
        )
        axes.annotate(
            row.stars,
            ((start + end) / 2, top),
            xytext=(0, -2),
            textcoords="offset points",
            ha="center",
            fontsize=11,
        )
    if shelves:
        axes.set_ylim(low, high + step * (len(shelves) + 0.6))
