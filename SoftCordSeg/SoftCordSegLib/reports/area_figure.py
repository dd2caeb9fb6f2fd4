"""The figure of areas: a measure along the cord with its levels, and one participant in several
contrasts.

matplotlib is imported when a figure is drawn, and used without a screen.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from ..colours import LEVEL_BANDS, LEVEL_NAMES, SERIES, SPREAD_BAND
from ..errors import InputError
from ..morphometry import UNITS, ContrastSpread, CordShape, level_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TITLES = {
    "area": "Cross-sectional area",
    "diameter_AP": "A-P diameter",
    "diameter_RL": "R-L diameter",
}
_UNIT_SIGNS = {"mm2": "mm²", "deg": "°", "1": ""}
_ALONG = "position along S-I, mm (superior on the left)"
_ALONG_PAM50 = "slice of the PAM50 template (superior on the left)"
_AXES = {
    "slices": "slices (superior on the left)",
    "pmj": "distance from the pontomedullary junction",
}
# Slices this far apart are points; a line alone would look like more than was measured.
_SPARSE_MM = 2.5
# More levels (or slices, or distances) than this are drawn as curves.
_MOST_POINTS = 16


def profile_figure(
    shapes: CordShape | Mapping[str, CordShape], measure: str = "area", title: str = ""
) -> Figure:
    """One measure along the cord, from its upper end to its lower, with bands for the levels.

    Args:
        shapes: one cord, or several of one participant by name; they are laid side by side in the
            world's S-I direction, or on PAM50's slices if they were brought there
            (:func:`~.pam50.to_pam50`).
        measure: which column.  For the area of one cord the interval of the soft mask is shaded
            where it was measured.
        title: of the figure.

    Raises:
        InputError: a measure that the cord does not have; some shapes on PAM50's slices and some
            not.
    """
    named = dict(shapes) if isinstance(shapes, Mapping) else {"": shapes}
    on_template = {_is_on_pam50(shape) for shape in named.values()}
    if len(on_template) > 1:
        raise InputError(
            "Some of the cords are on PAM50's slices and some are not, so they cannot share an"
            " axis.",
            hint="Bring all of them to PAM50's slices, or none.",
        )
    figure, axes = _new_figure(7.0, title)
    for (name, shape), colour in zip(named.items(), cycle(SERIES)):
        if measure not in shape.columns:
            raise InputError(
                f"There is no measure '{measure}'.",
                hint=f"Choose one of: {', '.join(shape.columns)}.",
            )
        along = _along(shape)
        sparse = not _is_on_pam50(shape) and shape.grid.spacing[2] >= _SPARSE_MM
        axes.plot(
            along,
            shape.columns[measure],
            label=name or _TITLES.get(measure, measure),
            linewidth=1.4,
            color=colour,
            marker="o" if sparse else "",
            markersize=3.5,
        )
        if len(named) == 1 and measure == "area" and "area_low" in shape.columns:
            low, high = shape.columns["area_low"], shape.columns["area_high"]
            axes.fill_between(
                along,
                low,
                high,
                color=colour,
                alpha=0.15,
                linewidth=0,
                label="within contours 0.75 to 0.25 of the mask",
            )
            axes.legend(frameon=False, fontsize=8, loc="lower left")
    reach = _reach([(_along(shape), shape.columns[measure]) for shape in named.values()])
    _draw_levels(
        axes, next((shape for shape in named.values() if shape.levels is not None), None), reach
    )
    axes.set_xlim(reach[1], reach[0])
    axes.set_xlabel(_ALONG_PAM50 if on_template == {True} else _ALONG)
    axes.set_ylabel(_label(measure))
    if len(named) > 1:
        axes.legend(frameon=False, fontsize=8)
    return figure


def contrasts_figure(
    spreads: Iterable[ContrastSpread], measure: str = "area", title: str = ""
) -> Figure:
    """Each image at each level (or slice, or distance), with the mean and the SD over the images.

    A few are drawn as points with error bars, many (slices) as curves with a band.

    Raises:
        InputError: nothing to draw.
    """
    spreads = list(spreads)
    if not spreads:
        raise InputError(
            "There are no levels to draw.", hint="Mark the discs in at least one of the images."
        )
    many = len(spreads) > _MOST_POINTS
    if spreads[0].by == "slices":
        spreads = spreads[::-1]
    figure, axes = _new_figure(7.5 if many else min(max(4.0, 0.7 * len(spreads) + 2.5), 9.0), title)
    (_draw_curves if many else _draw_points)(axes, spreads)
    if spreads[0].by in _AXES:
        axes.set_xlabel(_AXES[spreads[0].by])
    axes.set_ylabel(_label(measure))
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


# matplotlib wants real colours: these stand for the page's own, and are replaced in the text of the
# drawing.
_INK, _RULE, _BAND, _KNOWN, _MEASURED = (f"#{n:02}{n:02}{n:02}" for n in range(1, 6))
_PAGE_VARIABLES = {_RULE: "rule", _BAND: "band", _KNOWN: "known", _MEASURED: "accent"}


def area_svg(shape: CordShape, known: np.ndarray | None, name: str) -> str:
    """Area (mm²) over the distance down the cord (mm), level bands behind, as an inline ``<svg>``
    that takes its colours from the page, light or dark.

    Args:
        shape: what was measured.
        known: (n,) the true area of each measured slice, mm², added as a line; None for a real
            image.
        name: different for each drawing of a page.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    area = shape.columns["area"]
    measured = np.isfinite(area)
    distance = shape.centres_mm[measured, 2].max() - shape.centres_mm[:, 2]
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
        _draw_bands(axes, shape, distance, measured)
        axes.plot(
            distance[measured],
            area[measured],
            color=_MEASURED,
            linewidth=0 if known is not None else 1.2,
            marker="o",
            markersize=4.5 if measured.sum() <= 60 else 3.2,
            label="measured",
        )
        if known is not None:
            axes.plot(
                distance[measured], known[measured], color=_KNOWN, linewidth=1.4, label="known"
            )
        axes.set_xlabel("Distance down the cord (mm)")
        axes.set_ylabel("Area (mm²)")
        axes.set_ylim(0, 1.12 * float(area[measured].max()))
        axes.margins(x=0.01)
        axes.grid(axis="y", color=_RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.tick_params(length=0)
        if known is not None:
            axes.legend(loc="lower left", frameon=False, ncols=2)
        text = io.StringIO()
        figure.savefig(
            text, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
        )
    return _for_the_page(text.getvalue())


def _draw_bands(axes: Axes, shape: CordShape, distance: np.ndarray, measured: np.ndarray) -> None:
    """Every other vertebral level shaded, each with its name on top."""
    if shape.levels is None:
        return
    step = float(np.median(np.abs(np.diff(distance)))) if len(distance) > 1 else 1.0
    for index, level in enumerate(np.unique(shape.levels[measured & (shape.levels > 0)])):
        here = distance[measured & (shape.levels == level)]
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
    kept = [word for word in head.split('" ') if not word.strip().startswith(("width=", "height="))]
    head = '" '.join(kept)
    body = body.replace(_INK, "currentColor")
    for colour, variable in _PAGE_VARIABLES.items():
        body = body.replace(colour, f"var(--{variable})")
    return f'{head} role="img">{body}'


def _new_figure(width: float, title: str) -> tuple[Figure, Axes]:
    """A figure of ``width`` inches with plain axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    if title:
        axes.set_title(title, fontsize=10)
    return figure, axes


def _is_on_pam50(shape: CordShape) -> bool:
    """Slices of the template have no position in the patient."""
    return bool(np.isnan(shape.centres_mm[:, 2]).all())


def _along(shape: CordShape) -> np.ndarray:
    """(n,) where each slice is drawn: mm along S-I, or the number of the template's slice."""
    return shape.slices.astype(float) if _is_on_pam50(shape) else shape.centres_mm[:, 2]


def _reach(curves: list[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """Lowest and highest position that has a value, with half a slice to spare."""
    positions = [along[np.isfinite(along) & np.isfinite(values)] for along, values in curves]
    step = max((_step(along) for along, _ in curves), default=1.0)
    joined = np.concatenate(positions) if any(map(len, positions)) else np.zeros(1)
    return float(joined.min() - step / 2), float(joined.max() + step / 2)


def _step(along: np.ndarray) -> float:
    known = along[np.isfinite(along)]
    return float(np.abs(np.diff(known)).mean()) if len(known) > 1 else 1.0


def _draw_levels(axes: Axes, shape: CordShape | None, reach: tuple[float, float]) -> None:
    """Bands and names of the vertebral levels behind the curve, where the curve reaches."""
    if shape is None:
        return
    along = _along(shape)
    half = _step(along) / 2
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.07 * (high - low))  # room for the names
    reached = shape.levels[(shape.levels > 0) & (along >= reach[0]) & (along <= reach[1])]
    top = (
        reached.min() if len(reached) else 0
    )  # the uppermost is tinted: above it there may be cord without a level
    for level in sorted(set(shape.levels.tolist()) - {0}):
        within = along[(shape.levels == level) & (along >= reach[0]) & (along <= reach[1])]
        if not len(within):
            continue
        axes.axvspan(
            within.min() - half,
            within.max() + half,
            color=LEVEL_BANDS[(level - top) % 2],
            zorder=-10,
            linewidth=0,
        )
        axes.annotate(
            level_name(level),
            (within.mean(), 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, -3),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=8,
            color=LEVEL_NAMES,
        )


def _images(spreads: list[ContrastSpread]) -> list[str]:
    return list(dict.fromkeys(image for spread in spreads for image in spread.values))


def _draw_points(axes: Axes, spreads: list[ContrastSpread]) -> None:
    at = np.arange(len(spreads))
    images = _images(spreads)
    for number, (image, colour) in enumerate(zip(images, cycle(SERIES))):
        aside = (number - (len(images) - 1) / 2) * min(0.1, 0.6 / len(images))
        values = [spread.values.get(image, np.nan) for spread in spreads]
        axes.plot(at + aside, values, "o", markersize=4.5, color=colour, label=image)
    axes.errorbar(
        at,
        [spread.mean for spread in spreads],
        yerr=[0.0 if np.isnan(spread.sd) else spread.sd for spread in spreads],
        fmt="_k",
        markersize=12,
        capsize=3,
        linewidth=1,
        label="mean ± SD",
        zorder=0,
    )
    axes.set_xticks(at, [spread.name for spread in spreads])
    axes.set_xlim(-0.6, len(spreads) - 0.4)


def _draw_curves(axes: Axes, spreads: list[ContrastSpread]) -> None:
    at = np.arange(len(spreads))
    for image, colour in zip(_images(spreads), cycle(SERIES)):
        axes.plot(
            at,
            [spread.values.get(image, np.nan) for spread in spreads],
            linewidth=1.2,
            color=colour,
            label=image,
        )
    mean, sd = (np.array([getattr(spread, name) for spread in spreads]) for name in ("mean", "sd"))
    axes.fill_between(
        at, mean - sd, mean + sd, color=SPREAD_BAND, alpha=0.3, linewidth=0, label="mean ± SD"
    )
    shown = np.linspace(0, len(spreads) - 1, 9).round().astype(int)
    axes.set_xticks(shown, [spreads[index].name for index in shown])
    axes.margins(x=0)


def _label(measure: str) -> str:
    unit = UNITS.get(measure, "")
    unit = _UNIT_SIGNS.get(unit, unit)
    return f"{_TITLES.get(measure, measure.replace('_', ' '))}{', ' + unit if unit else ''}"
