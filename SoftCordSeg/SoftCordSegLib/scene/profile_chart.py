"""The profile's drawing: area to the right, height upward, on the scale of the sagittal view.

Everything is drawn in pixels of its own window, so that a height of the cord is where the sagittal
view beside it shows it: the view's own matrix (:func:`height_row`) gives the pixel.  VTK's charts
have margins of their own and fill only between curves over x; two-dimensional actors have neither
limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..colours import rgb
from .chart_layers import Layers

if TYPE_CHECKING:  # the drawing is there before the packages that measure
    from .cord_profile import AreaProfile

# Of the plot's edges in the window, in heights of a text line.
_LEFT, _RIGHT, _BOTTOM, _LEGEND_LINE = 3.4, 1.0, 3.4, 1.35
_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500)
_BAND_SHARE = 0.22
# A view whose upward direction leans more than this from the patient's does not show heights.
_UPRIGHT = math.cos(math.radians(50))


@dataclass(frozen=True)
class ChartStyle:
    """Colours of the drawing, ``#rrggbb``."""

    background: str
    ink: str
    faint: str
    warning: str


LIGHT = ChartStyle("#ffffff", "#222222", "#b5b5b5", "#9a5b00")
DARK = ChartStyle("#1e1e1e", "#e8e6e1", "#5a5f64", "#e0a84a")


@dataclass(frozen=True)
class ChartWords:
    """The words of the drawing, in the user's language."""

    axis: str = "Area (mm²)"
    height: str = "S mm"
    ends: str = "mask ends"
    begins: str = "mask begins"
    interrupted: str = "interrupted"
    predicted: str = "as predicted"
    empty: str = "The area along the cord\nis drawn here after\nSegment."


@dataclass(frozen=True, eq=False)
class Curve:
    """One mask in the drawing.

    Attributes:
        name: in the legend.
        profile: of the mask.
        colour: ``#rrggbb``.
    """

    name: str
    profile: AreaProfile
    colour: str


@dataclass(frozen=True, eq=False)
class ChartContent:
    """What is drawn.

    Attributes:
        curves: the first is the chosen volume's; its band, breaks and levels are drawn.
        discs: (k, 3) mm, world RAS+.
        slice_mm: (x, y, z) where the cord meets the slice in view; None where it does not.
        slice_rows: of each curve's profile, the row of that slice; None where it has none there.
    """

    curves: Sequence[Curve] = ()
    discs: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    slice_mm: tuple[float, float, float] | None = None
    slice_rows: Sequence[int | None] = ()


def height_row(slice_node) -> np.ndarray | None:
    """How a slice view maps the world to its rows of pixels.

    Returns:
        (4,) so that ``row @ (x, y, z, 1)`` is the pixel from the bottom of the view, from 0, in
        units of the node's dimensions; None for a view whose picture does not stand upright.
    """
    import vtk

    matrix = vtk.vtkMatrix4x4()
    vtk.vtkMatrix4x4.Invert(slice_node.GetXYToRAS(), matrix)
    row = np.array([matrix.GetElement(1, column) for column in range(4)])
    length = np.linalg.norm(row[:3])
    return row if length > 0 and row[2] / length > _UPRIGHT else None


class ProfileChart:
    """Draws into a renderer whenever it renders.

    Args:
        renderer: ``vtkRenderer`` of a window that shows nothing else.
        style, words: see there.

    Attributes:
        content: what is drawn; set it, then render.
        row: (4,) maps the world to pixels of this window, see :func:`height_row`; None fits the
            cord into the window.
        before_drawing: called without arguments before every drawing, to set what depends on the
            window's size; None for nothing.
        text_px: height of a text, pixels.
    """

    def __init__(self, renderer, style: ChartStyle = LIGHT, words: ChartWords | None = None):
        self.style, self.words = style, words or ChartWords()
        self.content = ChartContent()
        self.row: np.ndarray | None = None
        self.before_drawing: Callable[[], None] | None = None
        self.text_px = 12.0
        self._renderer = renderer
        self._layers = Layers(renderer)
        self._drawing = False
        self._tag = renderer.AddObserver("StartEvent", self._on_render)

    def close(self) -> None:
        """Leave the renderer as it was."""
        self._renderer.RemoveObserver(self._tag)
        self._layers.close()

    @property
    def plot(self) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) of the plot in the window, pixels; it reaches to the top."""
        width, height = self._renderer.GetSize()
        line = self.text_px
        below = _BOTTOM + _LEGEND_LINE * len(self._legend(self.content.curves))
        return _LEFT * line, below * line, max(width - _RIGHT * line, 1.0), float(height)

    def pixels_of(self, positions_mm: np.ndarray) -> np.ndarray:
        """(n,) rows of pixels, from the bottom, of world positions (n, 3)."""
        row = self.row if self.row is not None else self._fitted_row()
        return np.asarray(positions_mm, float).reshape(-1, 3) @ row[:3] + row[3]

    def position_at(self, pixel: float) -> tuple[float, float, float] | None:
        """The middle of the cord, of the slice nearest to a row of pixels; None without a cord."""
        if not self.content.curves:
            return None
        profile = self.content.curves[0].profile
        row = profile.row_near(self.pixels_of(profile.positions_mm), pixel)
        return None if row is None else tuple(profile.positions_mm[row].tolist())

    def _fitted_row(self) -> np.ndarray:
        """The cord from top to bottom of the plot, where no view says where heights are."""
        _, bottom, _, top = self.plot
        heights = [curve.profile.positions_mm[:, 2] for curve in self.content.curves]
        heights = np.concatenate(heights) if heights else np.zeros(0)
        if not len(heights):
            heights = np.array([0.0, 1.0])
        low, high = heights.min() - 5.0, heights.max() + 5.0
        scale = (top - bottom) / (high - low)
        return np.array([0.0, 0.0, scale, bottom - scale * low])

    def _on_render(self, _caller=None, _event=None) -> None:
        if self._drawing:
            return
        self._drawing = True
        try:
            if self.before_drawing is not None:
                self.before_drawing()
            self.draw()
        finally:
            self._drawing = False

    def draw(self) -> None:
        """Make the drawing anew for the window as it is; done at every render."""
        self._layers.begin(rgb(self.style.background), self.text_px)
        curves = [curve for curve in self.content.curves if len(curve.profile)]
        if not curves:
            self._draw_empty()
        else:
            ticks, end = self._area_ticks(curves)
            heights = [self.pixels_of(curve.profile.positions_mm) for curve in curves]
            self._draw_discs()
            self._draw_curves(curves, heights, end)
            self._draw_breaks(curves[0])
            self._draw_slice(curves, end)
            self._draw_axes(ticks, end)
            self._draw_levels(curves[0], heights[0])
            self._draw_legend(curves)
        self._layers.end()

    # --- scale
    # ----------------------------------------------------------------------------------------------

    def _area_ticks(self, curves: Sequence[Curve]) -> tuple[np.ndarray, float]:
        """Round numbers from 0 on, as close as their words allow; and the end of the axis."""
        left, _, right, _ = self.plot
        reach = [curve.profile.area for curve in curves]
        reach += [curves[0].profile.area_high, curves[0].profile.predicted]
        highest = max(float(np.nanmax(np.append(values, 1.0))) for values in reach)
        end = 10.0 * math.ceil(1.03 * highest / 10.0)
        apart = (2.4 * self.text_px) * end / (right - left)
        step = next((step for step in _STEPS if step >= apart), _STEPS[-1])
        return np.arange(0.0, end + 1e-6, step), end

    def _x(self, areas, end: float) -> np.ndarray:
        left, _, right, _ = self.plot
        return left + np.asarray(areas, float) * ((right - left) / end)

    # --- parts
    # ----------------------------------------------------------------------------------------------

    def _draw_empty(self) -> None:
        width, height = self._renderer.GetSize()
        self._layers.text(
            self.words.empty, (width / 2, height / 2), rgb(self.style.ink), "centre", "middle"
        )

    def _draw_discs(self) -> None:
        left, _, right, _ = self.plot
        for y in self.pixels_of(self.content.discs):
            self._layers.dashes((left, y), (right, y), rgb(self.style.faint), 1.0)

    def _draw_curves(self, curves, heights, end: float) -> None:
        ground = np.array(rgb(self.style.background))
        main = curves[0]
        band = tuple(ground + _BAND_SHARE * (np.array(rgb(main.colour)) - ground))
        for piece in main.profile.pieces:
            low, high = main.profile.area_low[piece], main.profile.area_high[piece]
            known = np.isfinite(low) & np.isfinite(high)
            y = heights[0][piece][known]
            self._layers.band(self._x(low[known], end), self._x(high[known], end), y, band)
        for curve, rows in reversed(list(zip(curves, heights))):
            width = 2.0 if curve is main else 1.5
            for piece in curve.profile.pieces:
                x = self._x(curve.profile.area[piece], end)
                self._layers.line(x, rows[piece], rgb(curve.colour), width)
        self._draw_predicted(main, heights[0], end)

    def _draw_predicted(self, main: Curve, rows: np.ndarray, end: float) -> None:
        for piece in _runs(np.isfinite(main.profile.predicted)):
            x = self._x(main.profile.predicted[piece], end)
            self._layers.dotted(x, rows[piece], rgb(self.style.ink), 1.5)

    def _draw_breaks(self, main: Curve) -> None:
        left, _, right, _ = self.plot
        for one in main.profile.breaks:
            colour = rgb(self.style.warning if one.sure else self.style.ink)
            edges = [one.position_mm] if one.again_mm is None else [one.position_mm, one.again_mm]
            rows = self.pixels_of(np.array(edges))
            for y in rows:
                draw = self._layers.line if one.sure else self._layers.dotted
                draw(np.array([left, right]), np.array([y, y]), colour, 2.0)
            if one.again_mm is not None:
                words, place, along = self.words.interrupted, float(rows.mean()), "middle"
            elif one.upper:
                words, place, along = self.words.begins, float(rows[0]) + 2, "bottom"
            else:
                words, place, along = self.words.ends, float(rows[0]) - 3, "top"
            self._layers.text(words, (right, place), colour, "right", along, behind=True)

    def _draw_slice(self, curves, end: float) -> None:
        if self.content.slice_mm is None:
            return
        left, _, right, _ = self.plot
        ink = rgb(self.style.ink)
        y = float(self.pixels_of(self.content.slice_mm)[0])
        self._layers.line(np.array([left, right]), np.array([y, y]), ink, 1.0)
        values = []
        for curve, row in zip(self.content.curves, self.content.slice_rows):
            if row is not None and row < len(curve.profile):
                area = float(curve.profile.area[row])
                x = float(self._x(area, end))
                self._layers.spot(x, y, 0.3 * self.text_px, rgb(curve.colour), ink)
                values.append((curve, area))
        for n, (curve, area) in enumerate(values):
            words = f"{area:.1f}" if len(curves) == 1 else f"{curve.name} {area:.1f}"
            above = n == 0
            at = y + 3 if above else y - 3 - (n - 1) * 1.25 * self.text_px
            place = ("left", "bottom" if above else "top")
            self._layers.text(words, (left + 4, at), ink, *place, behind=True)

    def _draw_axes(self, ticks: np.ndarray, end: float) -> None:
        left, bottom, right, top = self.plot
        ink, line = rgb(self.style.ink), self.text_px
        width, _ = self._renderer.GetSize()
        # What lies below the axis is hidden: the axis has the place.
        self._layers.rectangle((0, 0), (width, bottom - 1), rgb(self.style.background))
        self._layers.line(np.array([left, left]), np.array([bottom, top]), ink, 1.0)
        self._layers.line(np.array([left, right]), np.array([bottom, bottom]), ink, 1.0)
        for value, x in zip(ticks, self._x(ticks, end)):
            self._layers.line(np.array([x, x]), np.array([bottom - 4, bottom]), ink, 1.0)
            self._layers.text(f"{value:g}", (x, bottom - 6), ink, "centre", "top")
        self._layers.text(
            self.words.axis, ((left + right) / 2, bottom - 6 - 1.2 * line), ink, "centre", "top"
        )

    def _draw_levels(self, main: Curve, rows: np.ndarray) -> None:
        left, bottom, _, top = self.plot
        ink = rgb(self.style.ink)
        for y in self.pixels_of(self.content.discs):
            if bottom <= y <= top:
                self._layers.line(np.array([left - 4, left]), np.array([y, y]), ink, 1.0)
        names = self._level_heights(main.profile, rows) or self._height_ticks()
        for name, y in names:
            if bottom + 0.4 * self.text_px < y < top - 0.4 * self.text_px:
                self._layers.text(name, (left - 7, y), ink, "right", "middle")

    def _level_heights(self, profile: AreaProfile, rows: np.ndarray) -> list[tuple[str, float]]:
        """Each level's name, in the middle of what is seen of it."""
        _, bottom, _, top = self.plot
        levels = np.array(profile.levels)
        found = []
        for name in dict.fromkeys(profile.levels):
            seen = rows[(levels == name) & (rows >= bottom) & (rows <= top)]
            if name and len(seen) and np.ptp(seen) > 0.8 * self.text_px:
                found.append((name, float(seen.min() + seen.max()) / 2))
        return found

    def _height_ticks(self) -> list[tuple[str, float]]:
        """Heights in mm, where no discs say the levels."""
        left, bottom, _, top = self.plot
        row = self.row if self.row is not None else self._fitted_row()
        if abs(row[2]) < 0.999 * np.linalg.norm(row[:3]):
            return []  # an oblique view: its rows are not heights in the patient
        step = next((s for s in _STEPS if s * row[2] >= 3 * self.text_px), _STEPS[-1])
        main = self.content.curves[0].profile.positions_mm
        # Sagittal views are unrotated here: the other two coordinates do not matter.
        offset = float(row[:2] @ main[0, :2] + row[3])
        first, last = (bottom - offset) / row[2], (top - offset) / row[2]
        values = np.arange(math.ceil(first / step), math.floor(last / step) + 1) * step
        ticks = [(f"{value:g}", float(value * row[2] + offset)) for value in values]
        for _, y in ticks:
            self._layers.line(
                np.array([left - 4, left]), np.array([y, y]), rgb(self.style.ink), 1.0
            )
        self._layers.text(
            self.words.height,
            (left - 7, bottom - 6),
            rgb(self.style.ink),
            "right",
            "top",
        )
        return ticks

    def _draw_legend(self, curves: Sequence[Curve]) -> None:
        """Below the axis, where no curve is, from the edge of the view: names are long."""
        _, bottom, _, _ = self.plot
        left = 0.5 * self.text_px
        ink, line = rgb(self.style.ink), _LEGEND_LINE * self.text_px
        for n, (name, colour, dotted) in enumerate(self._legend(curves)):
            y = bottom - _BOTTOM * self.text_px - (n + 0.2) * line
            x = np.array([left, left + 1.6 * self.text_px])
            draw = self._layers.dotted if dotted else self._layers.line
            draw(x, np.array([y, y]), colour, 2.0)
            self._layers.text(name, (left + 2.0 * self.text_px, y), ink, "left", "middle")

    def _legend(self, curves: Sequence[Curve]) -> list[tuple[str, tuple, bool]]:
        """(name, colour, dotted) of each curve; one curve alone needs no legend."""
        entries = [(curve.name, rgb(curve.colour), False) for curve in curves]
        if curves and np.isfinite(curves[0].profile.predicted).any():
            entries.append((self.words.predicted, rgb(self.style.ink), True))
        return entries if len(entries) > 1 else []


def _runs(chosen: np.ndarray) -> list[slice]:
    """The stretches of True, each with one neighbour on either side, so that a line joins on."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], chosen.astype(int), [0]])))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2])]
