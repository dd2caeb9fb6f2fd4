"""Figures: the area along the cord with its levels, and one subject in several contrasts.

matplotlib is imported when a figure is drawn, and used without a screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...files import atomic_path
from ..levels.names import level_name
from ..shape.cord_shape import UNITS, CordShape
from .contrasts import ContrastSpread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BAND = ("#eef2f6", "#ffffff")
# Okabe and Ito's colours, which colour-blind readers can tell apart too.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_TITLES = {
    "area": "Cross-sectional area",
    "diameter_AP": "A-P diameter",
    "diameter_RL": "R-L diameter",
}
_UNIT_SIGNS = {"mm2": "mm²", "deg": "°", "1": ""}
_ALONG = "position along S-I, mm (superior on the left)"
_ALONG_PAM50 = "slice of the PAM50 template (superior on the left)"
_PLACES = {
    "slices": "slices (superior on the left)",
    "pmj": "distance from the pontomedullary junction",
}
# Slices this far apart are points; a line alone would look like more than was measured.
_SPARSE_MM = 2.5
# More places than this are drawn as curves.
_MOST_PLACES = 16


def profile_figure(
    shapes: CordShape | Mapping[str, CordShape], measure: str = "area", title: str = ""
) -> Figure:
    """One measure along the cord, from its upper end to its lower, with bands for the levels.

    Args:
        shapes: one cord, or several of one subject by name; they are laid side by side in the
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
            " axis."
        )
    figure, axes = _new_figure(7.0, title)
    for (name, shape), colour in zip(named.items(), _endless(_COLOURS)):
        if measure not in shape.columns:
            raise InputError(
                f"There is no measure '{measure}'. Choose one of: {', '.join(shape.columns)}."
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

    Few places are drawn as points with error bars, many (slices) as curves with a band.

    Raises:
        InputError: nothing to draw.
    """
    spreads = list(spreads)
    if not spreads:
        raise InputError(
            "There are no levels to draw. Mark the discs in at least one of the images."
        )
    many = len(spreads) > _MOST_PLACES
    if spreads[0].by == "slices":
        spreads = spreads[::-1]
    figure, axes = _new_figure(7.5 if many else min(max(4.0, 0.7 * len(spreads) + 2.5), 9.0), title)
    (_draw_curves if many else _draw_points)(axes, spreads)
    if spreads[0].by in _PLACES:
        axes.set_xlabel(_PLACES[spreads[0].by])
    axes.set_ylabel(_label(measure))
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def write_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure atomically; the kind follows the name (.png, .svg, .pdf).

    Raises:
        InputError: a kind that is not known.
        OutputError: the folder is not writable or the disk is full.
    """
    kinds = figure.canvas.get_supported_filetypes()
    kind = Path(path).suffix.lstrip(".").lower()
    if kind not in kinds:
        raise InputError(
            f"'{path}' is no kind of figure that can be written. Use .png, .svg or .pdf."
        )
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=300)


def _new_figure(width: float, title: str) -> tuple[Figure, object]:
    """A figure of ``width`` inches with plain axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    if title:
        axes.set_title(title, fontsize=10)
    return figure, axes


def _endless(colours: tuple[str, ...]) -> Iterable[str]:
    while True:
        yield from colours


def _is_on_pam50(shape: CordShape) -> bool:
    """Slices of the template have no place in the patient."""
    return bool(np.isnan(shape.centres_mm[:, 2]).all())


def _along(shape: CordShape) -> np.ndarray:
    """(n,) where each slice is drawn: mm along S-I, or the number of the template's slice."""
    return shape.slices.astype(float) if _is_on_pam50(shape) else shape.centres_mm[:, 2]


def _reach(curves: list[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """Lowest and highest place that has a value, with half a slice to spare."""
    places = [along[np.isfinite(along) & np.isfinite(values)] for along, values in curves]
    step = max((_step(along) for along, _ in curves), default=1.0)
    joined = np.concatenate(places) if any(map(len, places)) else np.zeros(1)
    return float(joined.min() - step / 2), float(joined.max() + step / 2)


def _step(along: np.ndarray) -> float:
    known = along[np.isfinite(along)]
    return float(np.abs(np.diff(known)).mean()) if len(known) > 1 else 1.0


def _draw_levels(axes, shape: CordShape | None, reach: tuple[float, float]) -> None:
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
        places = along[(shape.levels == level) & (along >= reach[0]) & (along <= reach[1])]
        if not len(places):
            continue
        axes.axvspan(
            places.min() - half,
            places.max() + half,
            color=_BAND[(level - top) % 2],
            zorder=-10,
            linewidth=0,
        )
        axes.annotate(
            level_name(level),
            (places.mean(), 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, -3),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=8,
            color="#506070",
        )


def _images(spreads: list[ContrastSpread]) -> list[str]:
    return list(dict.fromkeys(image for spread in spreads for image in spread.values))


def _draw_points(axes, spreads: list[ContrastSpread]) -> None:
    at = np.arange(len(spreads))
    images = _images(spreads)
    for number, (image, colour) in enumerate(zip(images, _endless(_COLOURS))):
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


def _draw_curves(axes, spreads: list[ContrastSpread]) -> None:
    at = np.arange(len(spreads))
    for image, colour in zip(_images(spreads), _endless(_COLOURS)):
        axes.plot(
            at,
            [spread.values.get(image, np.nan) for spread in spreads],
            linewidth=1.2,
            color=colour,
            label=image,
        )
    mean, sd = (np.array([getattr(spread, name) for spread in spreads]) for name in ("mean", "sd"))
    axes.fill_between(
        at, mean - sd, mean + sd, color="#808080", alpha=0.3, linewidth=0, label="mean ± SD"
    )
    shown = np.linspace(0, len(spreads) - 1, 9).round().astype(int)
    axes.set_xticks(shown, [spreads[index].name for index in shown])
    axes.margins(x=0)


def _label(measure: str) -> str:
    unit = UNITS.get(measure, "")
    unit = _UNIT_SIGNS.get(unit, unit)
    return f"{_TITLES.get(measure, measure.replace('_', ' '))}{', ' + unit if unit else ''}"
