"""Pictures of a ground truth: axial slices of every contrast, and how the slices were moved."""

from __future__ import annotations

import io
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from ..colours import IMAGE_LETTERS, MASK_OUTLINE, ON_ANY_PAPER, SERIES_ON_ANY, SOFT_OUTLINE
from ..volume import Grid, Volume, reorient, resample

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..groundtruth import GroundTruth

# Slices in a row, and rows; fewer slices get larger tiles.
_MOST_COLUMNS, _LEAST_COLUMNS, _ROWS = 8, 5, 2
_WIDTH_INCHES = 9.6
_TILE_MM, _PIXEL_MM = 26.0, 0.25
_DPI = 110


def slices_png(soft: Volume, mask: Volume, image: Volume | None) -> bytes:
    """Axial slices from the lowest to the highest: above the image, or black, with both outlines;
    below the soft mask.

    Args:
        soft: the ground truth.
        mask: the input mask, outlined at 0.5.
        image: on any grid; None where there is none.

    Returns:
        A PNG file.
    """
    from matplotlib.figure import Figure

    soft, mask = reorient(soft, "LAS"), reorient(mask, "LAS")
    numbers = _chosen_slices(mask)
    rows = 1 if len(numbers) <= _MOST_COLUMNS else _ROWS
    columns = max(-(-len(numbers) // rows), _LEAST_COLUMNS)
    figure = Figure(figsize=(_WIDTH_INCHES, rows * 2 * _WIDTH_INCHES / columns), facecolor="black")
    window = None if image is None else _window(image, soft)
    for index, number in enumerate(numbers):
        tile = _tile(soft, mask, int(number))
        row, column = divmod(index, columns)
        upper = figure.add_axes(_cell(2 * row, column, 2 * rows, columns))
        lower = figure.add_axes(_cell(2 * row + 1, column, 2 * rows, columns))
        _draw_outlines(upper, tile, soft, mask, image, window)
        lower.imshow(_values(soft, tile), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        upper.text(
            0.04, 0.95, str(number), color="white", fontsize=7, va="top", transform=upper.transAxes
        )
        if index == 0:
            for x, y, letter in ((0.03, 0.5, "R"), (0.5, 0.03, "P")):
                lower.text(
                    x,
                    y,
                    letter,
                    color=IMAGE_LETTERS,
                    fontsize=7,
                    ha="center",
                    va="bottom",
                    transform=lower.transAxes,
                )
        for axes in (upper, lower):
            axes.set_axis_off()
    return _png(figure)


def motion_png(truth: GroundTruth) -> bytes | None:
    """Shift and rotation of every contrast, and the number of contrasts averaged, along the
    reference.

    Returns:
        A PNG file; None where there is only the reference.
    """
    from matplotlib.figure import Figure

    moved = [one for one in truth.contrasts if not one.is_reference]
    if not moved:
        return None
    figure = Figure(figsize=(9.6, 2.7), facecolor="none", layout="constrained")
    left, front, turn, count = figure.subplots(1, 4)
    for one, colour in zip(moved, cycle(SERIES_ON_ANY)):
        along = np.arange(len(one.used)) * one.transform.grid.spacing[2]
        style = {"color": colour, "linewidth": 1.3, "label": one.name}
        for axes, values, known in (
            (left, one.transform.shift[:, 0], one.used),
            (front, one.transform.shift[:, 1], one.used),
            (turn, np.degrees(one.transform.angle), one.turned),
        ):
            axes.plot(along, values, alpha=0.35, **{**style, "label": None})
            axes.plot(
                along,
                np.where(known, values, np.nan),
                marker="." if known.sum() < 30 else None,
                markersize=4,
                **style,
            )
    depth = truth.contrasts_per_slice
    count.step(
        np.arange(len(depth)) * truth.average.spacing[2],
        depth,
        where="mid",
        color=ON_ANY_PAPER,
        linewidth=1.3,
    )
    count.set_ylim(0, len(truth.contrasts) + 0.4)
    count.set_yticks(range(len(truth.contrasts) + 1))
    titles = (
        "Shift to the left, mm",
        "Shift to the front, mm",
        "Rotation, °",
        "Contrasts averaged",
    )
    for axes, title in zip((left, front, turn, count), titles):
        _plain(axes, title)
    left.legend(frameon=False, fontsize=7.5, labelcolor=ON_ANY_PAPER, loc="best")
    return _png(figure)


def _chosen_slices(mask: Volume) -> np.ndarray:
    """Segmented slices, evenly apart, no more than fit."""
    numbers = np.flatnonzero((np.asarray(mask.data) > 0).any(axis=(0, 1)))
    most = _MOST_COLUMNS * _ROWS
    return (
        numbers
        if len(numbers) <= most
        else numbers[np.linspace(0, len(numbers) - 1, most).round().astype(int)]
    )


def _tile(soft: Volume, mask: Volume, number: int) -> Grid:
    """A fine square of one slice around the cord: first axis to the Left, second to the
    Anterior.
    """
    section = np.asarray(mask.data[:, :, number], dtype=float)
    i, j = np.indices(section.shape)
    middle = np.array([(i * section).sum(), (j * section).sum()]) / section.sum()
    count = int(_TILE_MM / _PIXEL_MM)
    affine = soft.affine.copy()
    affine[:3, :2] *= _PIXEL_MM / soft.spacing[:2]
    start = middle - _TILE_MM / 2 / soft.spacing[:2]
    affine[:3, 3] = soft.grid.to_world([*start, number])
    return Grid((count, count, 1), affine)


def _values(volume: Volume, tile: Grid, order: int = 1) -> np.ndarray:
    """Rows from anterior to posterior, columns from the patient's right to the left: as
    radiologists look.
    """
    return resample(volume, tile, order=order, outside=0.0).data[:, :, 0].T[::-1]


def _draw_outlines(
    axes: Axes, tile: Grid, soft: Volume, mask: Volume, image: Volume | None, window
) -> None:
    if image is None:
        axes.imshow(np.zeros(tile.shape[:2]), cmap="gray", vmin=0, vmax=1)
    else:
        axes.imshow(
            _values(image, tile),
            cmap="gray",
            vmin=window[0],
            vmax=window[1],
            interpolation="nearest",
        )
    for volume, level, colour, width in (
        (mask, 0.5, MASK_OUTLINE, 1.1),
        (soft, 0.5, SOFT_OUTLINE, 1.1),
    ):
        # The input's own voxels are to be seen as they are.
        values = _values(volume, tile, order=0 if volume is mask else 1)
        if values.min() < level < values.max():
            axes.contour(values, [level], colors=[colour], linewidths=width)


def _window(image: Volume, soft: Volume) -> tuple[float, float]:
    """Black and white of the display: percentiles of the image around the cord."""
    step = np.maximum(1.0 / soft.spacing, 1.0).round().astype(int)
    inside = np.argwhere(np.asarray(soft.data) > 0)
    if len(inside) == 0:
        return float(np.min(image.data)), float(np.max(image.data)) + 1e-6
    margin = np.ceil(_TILE_MM / 2 / soft.spacing).astype(int) * [1, 1, 0]
    start, stop = inside.min(axis=0) - margin, inside.max(axis=0) + margin + 1
    grid = soft.grid.crop(start, stop).with_spacing(soft.spacing * step)
    values = resample(image, grid, order=1).data
    low, high = np.percentile(values, [1, 99.5])
    return float(low), float(max(high, low + 1e-6))


def _cell(row: int, column: int, rows: int, columns: int) -> tuple[float, float, float, float]:
    """Left, bottom, width and height in the figure."""
    gap = 0.004
    return (
        column / columns + gap / 2,
        1 - (row + 1) / rows + gap / 2,
        1 / columns - gap,
        1 / rows - gap,
    )


def _plain(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=9, color=ON_ANY_PAPER, loc="left")
    axes.set_xlabel("mm from the lowest slice", fontsize=7.5, color=ON_ANY_PAPER)
    axes.set_facecolor("none")
    axes.tick_params(colors=ON_ANY_PAPER, labelsize=7.5, length=2)
    axes.axhline(0, color=ON_ANY_PAPER, linewidth=0.5, alpha=0.6)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(ON_ANY_PAPER)


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=_DPI, facecolor=figure.get_facecolor())
    return stream.getvalue()
