"""CSA by release of a model: the last releases side by side, and what each moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..areas.csa import ImageArea
from ..areas.drift import ReleaseDifference
from .style import INK, new_figure
from .violins import draw_violins

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAST_RELEASES = 5


def drift_figure(
    areas: Sequence[ImageArea],
    differences: Sequence[ReleaseDifference],
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
    shown = list(releases)[-LAST_RELEASES:]
    figure, (above, below) = new_figure(max(4.6, 1.3 * len(shown) + 1.5), 6.2, rows=2, sharex=True)
    draw_violins(
        above,
        {name: [row.area_mm2 for row in areas if row.method == name] for name in shown},
        colours,
    )
    above.set_ylabel("CSA (mm²)")
    moved = {
        name: [row.difference_percent for row in differences if row.release == name]
        for name in shown
    }
    draw_violins(below, moved, colours)
    below.axhline(0, color=INK, linewidth=0.8)
    for side in (-limit, limit):
        below.axhline(side, color="#d55e00", linewidth=1.0, linestyle="--")
    below.set_ylabel("Difference to the\nprevious release (%)")
    below.annotate(
        f"limit {limit:g} %",
        (1, limit),
        xycoords=("axes fraction", "data"),
        xytext=(0, 2),
        textcoords="offset points",
        ha="right",
        fontsize=9,
        color="#d55e00",
    )
    return figure
