"""Figures: the area along the cord with its levels, and one subject in several contrasts.

matplotlib is imported when a figure is drawn, and used without a screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..files import atomic_path
from .contrasts import ContrastSpread
from .names import level_name
from .shape import UNITS, CordShape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BAND = ("#eef2f6", "#ffffff")
_TITLES = {"area": "Cross-sectional area", "diameter_AP": "A-P diameter", "diameter_RL": "R-L diameter"}
_UNIT_SIGNS = {"mm2": "mm²", "deg": "°", "1": ""}


def profile_figure(shapes: CordShape | Mapping[str, CordShape], measure: str = "area", title: str = "") -> Figure:
    """One measure along the cord, from its upper end to its lower, with bands for the levels.

    Args:
        shapes: one cord, or several of one subject by name; they are laid side by side in the world's S-I direction.
        measure: which column; for the area the interval of the soft mask is shaded where it was measured.
        title: of the figure.

    Raises:
        InputError: a measure that the cord does not have.
    """
    from matplotlib.figure import Figure

    named = shapes if isinstance(shapes, Mapping) else {"": shapes}
    figure = Figure(figsize=(7.0, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for name, shape in named.items():
        if measure not in shape.columns:
            raise InputError(f"There is no measure '{measure}'. Choose one of: {', '.join(shape.columns)}.")
        height = shape.centres_mm[:, 2]
        (line,) = axes.plot(height, shape.columns[measure], label=name or None, linewidth=1.6)
        if measure == "area" and "area_low" in shape.columns:
            low, high = shape.columns["area_low"], shape.columns["area_high"]
            axes.fill_between(height, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
    _draw_levels(axes, next((shape for shape in named.values() if shape.levels is not None), None))
    axes.set_xlabel("position along S-I, mm (superior on the left)")
    axes.set_ylabel(_label(measure))
    axes.invert_xaxis()
    axes.margins(x=0)
    if title:
        axes.set_title(title)
    if len(named) > 1:
        axes.legend(frameon=False)
    return figure


def contrasts_figure(spreads: Iterable[ContrastSpread], measure: str = "area", title: str = "") -> Figure:
    """One point an image at each level, with the mean and the SD over the images.

    Raises:
        InputError: nothing to draw.
    """
    from matplotlib.figure import Figure

    spreads = list(spreads)
    if not spreads:
        raise InputError("There are no levels to draw. Mark the discs in at least one of the images.")
    figure = Figure(figsize=(max(4.0, 1.1 * len(spreads) + 2.5), 3.6), layout="constrained")
    axes = figure.add_subplot()
    images = list(dict.fromkeys(image for spread in spreads for image in spread.values))
    for number, image in enumerate(images):
        aside = (number - (len(images) - 1) / 2) * 0.1
        axes.plot(
            np.arange(len(spreads)) + aside,
            [spread.values.get(image, np.nan) for spread in spreads],
            "o",
            markersize=5,
            label=image,
        )
    axes.errorbar(
        range(len(spreads)),
        [spread.mean for spread in spreads],
        yerr=[0.0 if np.isnan(spread.sd) else spread.sd for spread in spreads],
        fmt="_k",
        markersize=14,
        capsize=4,
        label="mean ± SD",
        zorder=0,
    )
    axes.set_xticks(range(len(spreads)), [spread.name for spread in spreads])
    axes.set_ylabel(_label(measure))
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    if title:
        axes.set_title(title)
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
        raise InputError(f"'{path}' is no kind of figure that can be written. Use .png, .svg or .pdf.")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=150)


def _draw_levels(axes, shape: CordShape | None) -> None:
    """Bands and names of the vertebral levels behind the curve."""
    if shape is None:
        return
    height = shape.centres_mm[:, 2]
    half = np.abs(np.gradient(height)).mean() / 2 if len(height) > 1 else 0.5
    for number, level in enumerate(sorted(set(shape.levels) - {0})):
        reached = height[shape.levels == level]
        axes.axvspan(reached.min() - half, reached.max() + half, color=_BAND[number % 2], zorder=-10, linewidth=0)
        axes.annotate(
            level_name(int(level)),
            (reached.mean(), 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, -3),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=8,
            color="#506070",
        )


def _label(measure: str) -> str:
    unit = UNITS.get(measure, "")
    unit = _UNIT_SIGNS.get(unit, unit)
    return f"{_TITLES.get(measure, measure.replace('_', ' '))}{', ' + unit if unit else ''}"
