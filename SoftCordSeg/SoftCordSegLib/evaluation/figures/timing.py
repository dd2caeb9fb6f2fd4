"""How long methods take: bars by contrast."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..masks.score import ImageScore
from ..tables.table import MeanSd
from .style import INK, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Methods that differ by more than this are drawn on a logarithmic axis.
_MOST_APART = 20.0


def timing_figure(scores: Sequence[ImageScore], colours: Mapping[str, str]) -> Figure | None:
    """Mean inference time with its SD, by contrast and method; None where no time is known."""
    timed = [row for row in scores if math.isfinite(row.seconds)]
    if not timed:
        return None
    contrasts, methods = (
        list(dict.fromkeys(getattr(row, key) for row in timed)) for key in ("contrast", "method")
    )
    figure, (axes,) = new_figure(max(4.2, 0.26 * len(contrasts) * (len(methods) + 0.8) + 1.6), 3.8)
    width = 0.8 / len(methods)
    means = []
    for number, method in enumerate(methods):
        bars = [
            MeanSd.of([r.seconds for r in timed if (r.method, r.contrast) == (method, name)])
            for name in contrasts
        ]
        places = [at + (number - (len(methods) - 1) / 2) * width for at in range(len(contrasts))]
        means += [bar.mean for bar in bars if bar.count]
        axes.bar(
            places, [bar.mean for bar in bars], 0.92 * width, color=colours[method], label=method
        )
        spread = [(place, bar) for place, bar in zip(places, bars) if math.isfinite(bar.sd)]
        if spread:
            x, y = [place for place, _ in spread], [bar.mean for _, bar in spread]
            low = [min(bar.sd, 0.98 * bar.mean) for _, bar in spread]  # no time is below 0
            high = [bar.sd for _, bar in spread]
            axes.errorbar(x, y, [low, high], fmt="none", ecolor=INK, capsize=2.5, linewidth=1)
    if max(means) > _MOST_APART * min(means):
        axes.set_yscale("log")
    long = any(len(name) > 10 for name in contrasts)
    turned = {"rotation": 25, "ha": "right", "rotation_mode": "anchor"} if long else {}
    axes.set_xticks(range(len(contrasts)), contrasts, **turned)
    axes.set_ylabel("Inference time (s)")
    if len(methods) > 1:
        axes.legend(
            frameon=False,
            fontsize=9,
            ncols=min(len(methods), 3),
            loc="lower left",
            bbox_to_anchor=(0, 1),
        )
    else:
        axes.set_title(methods[0], loc="left", fontweight="bold")
    return figure
