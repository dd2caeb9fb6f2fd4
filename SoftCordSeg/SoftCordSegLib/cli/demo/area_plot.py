"""The area along the cord as a drawing for a page: it takes its colours from the page, light or
dark.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...morphometry import CordShape
    from ...phantom import Phantom

# matplotlib wants real colours: these stand for the page's own, and are replaced in the text of the
# drawing.
_COLOURS = {
    "#010101": "currentColor",
    "#020202": "var(--rule)",
    "#030303": "var(--band)",
    "#040404": "var(--known)",
    "#050505": "var(--accent)",
}
_INK, _RULE, _BAND, _KNOWN, _MEASURED = _COLOURS


def area_svg(shape: CordShape, phantom: Phantom | None, name: str) -> str:
    """Area (mm²) over the distance down the cord (mm), level bands behind, as an inline ``<svg>``.

    Args:
        shape: what was measured.
        phantom: adds the known area as a line; None for a real image.
        name: another one for each drawing of a page.
    """
    import matplotlib
    import numpy as np
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    area = shape.columns["area"]
    there = np.isfinite(area)
    distance = shape.centres_mm[there, 2].max() - shape.centres_mm[:, 2]
    settings = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "font.size": 10,
        **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), _INK),
        "axes.edgecolor": _RULE,
    }
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(9.2, 3.1), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        _draw_bands(axes, shape, distance, there)
        axes.plot(
            distance[there],
            area[there],
            color=_MEASURED,
            linewidth=0 if phantom is not None else 1.2,
            marker="o",
            markersize=4.5 if there.sum() <= 60 else 3.2,
            label="measured",
        )
        if phantom is not None:
            known = phantom.slice_areas_mm2(shape.grid)[shape.slices]
            axes.plot(distance[there], known[there], color=_KNOWN, linewidth=1.4, label="known")
        axes.set_xlabel("Distance down the cord (mm)")
        axes.set_ylabel("Area (mm²)")
        axes.set_ylim(0, 1.12 * float(area[there].max()))
        axes.margins(x=0.01)
        axes.grid(axis="y", color=_RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.tick_params(length=0)
        if phantom is not None:
            axes.legend(loc="lower left", frameon=False, ncols=2)
        text = io.StringIO()
        figure.savefig(
            text, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
        )
    return _for_the_page(text.getvalue())


def _draw_bands(axes, shape: CordShape, distance, there) -> None:
    """Every other vertebral level shaded, each with its name on top."""
    import numpy as np

    from ...morphometry import level_name

    if shape.levels is None:
        return
    step = float(np.median(np.abs(np.diff(distance)))) if len(distance) > 1 else 1.0
    for index, level in enumerate(np.unique(shape.levels[there & (shape.levels > 0)])):
        here = distance[there & (shape.levels == level)]
        start, stop = here.min() - step / 2, here.max() + step / 2
        if index % 2 == 0:
            axes.axvspan(start, stop, color=_BAND, linewidth=0)
        axes.text(
            (start + stop) / 2,
            1.02,
            level_name(int(level)),
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="bottom",
        )


def _for_the_page(svg: str) -> str:
    """Only the ``<svg>`` element, of the page's width, in the page's colours."""
    svg = svg[svg.index("<svg") :]
    head, body = svg.split(">", 1)
    keep = [word for word in head.split('" ') if not word.strip().startswith(("width=", "height="))]
    head = '" '.join(keep)
    for colour, own in _COLOURS.items():
        body = body.replace(colour, own)
    return f'{head} role="img">{body}'
