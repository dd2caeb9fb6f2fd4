"""What all figures share: size, axes, and how a figure is written.

matplotlib is imported when a figure is drawn, and used without a screen.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..colours import AXIS, INK, RULE
from ..errors import InputError
from ..files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIGURE_KINDS = ("png", "svg", "pdf")
# What would differ from one run to the next is left out: the same numbers give the same file.
_METADATA = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


def new_figure(
    width: float, height: float, rows: int = 1, columns: int = 1, **settings
) -> tuple[Figure, list[Axes]]:
    """A figure of this size in inches, and its axes, row by row.

    Args:
        width, height: inches.
        rows, columns: of axes.
        settings: of ``Figure.subplots``.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(rows, columns, squeeze=False, **settings).ravel())
    for one in axes:
        plain_axes(one)
    return figure, axes


def plain_axes(axes: Axes) -> None:
    """Two spines, faint horizontal lines, letters that can be read in a column of a paper."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(AXIS)
    axes.grid(axis="y", color=RULE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9, colors=INK, length=3)
    axes.xaxis.label.set_size(10)
    axes.yaxis.label.set_size(10)
    axes.title.set_size(10)


def write_figure(figure: Figure, path: str | Path, dpi: int = 300) -> None:
    """Write a figure atomically; the kind follows the name (.png, .svg, .pdf).

    Raises:
        InputError: another kind.
        OutputError: the folder is not writable or the disk is full.
    """
    import matplotlib

    kind = Path(path).suffix.lstrip(".").lower()
    if kind not in FIGURE_KINDS:
        raise InputError(
            "Figures of this kind cannot be written.", path=path, hint="Use .png, .svg or .pdf."
        )
    with atomic_path(path) as temporary, matplotlib.rc_context({"svg.hashsalt": "softcord"}):
        figure.savefig(temporary, format=kind, dpi=dpi, metadata=_METADATA.get(kind))
