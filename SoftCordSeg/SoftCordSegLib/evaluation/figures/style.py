"""The look that all figures share, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...files import atomic_path
from ..areas.slices import REFERENCE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind readers can tell apart too; grey is for references, as
# in the paper.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#000000")
_REFERENCE_COLOUR = "#7f7f7f"
INK = "#222222"
RULE = "#dddddd"
_DPI = 200


def colours(methods: Sequence[str]) -> dict[str, str]:
    """A colour for each method, the same in all figures; methods beyond the eighth share colours
    with the first ones.
    """
    named = [method for method in methods if method != REFERENCE]
    found = {method: _COLOURS[index % len(_COLOURS)] for index, method in enumerate(named)}
    return {**found, REFERENCE: _REFERENCE_COLOUR}


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
        plain(one)
    return figure, axes


def plain(axes: Axes) -> None:
    """Two spines, quiet lines across, letters that can be read in a column of a paper."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#888888")
    axes.grid(axis="y", color=RULE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9, colors=INK, length=3)
    axes.xaxis.label.set_size(10)
    axes.yaxis.label.set_size(10)
    axes.title.set_size(10)


def write_figure(figure: Figure, folder: Path, name: str, kinds: Sequence[str]) -> list[Path]:
    """Write it once for each kind ("png", "svg", "pdf").

    Raises:
        OutputError: the folder is not writable or the disk is full.
    """
    import matplotlib

    written = []
    for kind in kinds:
        path = folder / f"{name}.{kind}"
        # No date and no random names in the file: the same numbers give the same file.
        with atomic_path(path) as temporary, matplotlib.rc_context({"svg.hashsalt": "softcord"}):
            metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
            figure.savefig(temporary, format=kind, dpi=_DPI, facecolor="white", metadata=metadata)
        written.append(path)
    return written
