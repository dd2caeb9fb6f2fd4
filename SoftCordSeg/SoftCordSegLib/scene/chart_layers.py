"""Lines, bands and words of a drawing in the pixels of a window, with VTK's two-dimensional
actors: made once, and used again for the next drawing.
"""

from __future__ import annotations

import numpy as np

_JUSTIFICATION = {"left": 0, "centre": 1, "right": 2}
_VERTICAL = {"bottom": 0, "middle": 1, "top": 2}
_DASH, _GAP = 5.0, 4.0
_DOT, _DOT_GAP = 2.5, 2.5
_CIRCLE = np.stack([f(np.linspace(0, 2 * np.pi, 16, endpoint=False)) for f in (np.cos, np.sin)], 1)


class Layers:
    """Draws in the order of the calls between :meth:`begin` and :meth:`end`.

    Args:
        renderer: ``vtkRenderer``.
    """

    def __init__(self, renderer):
        self._renderer = renderer
        self._shapes: list = []
        self._texts: list = []
        self._used_shapes = self._used_texts = 0
        self._grown = False  # shapes were added after texts
        self._text_px = 12.0
        self._background = (1.0, 1.0, 1.0)

    def begin(self, background, text_px: float) -> None:
        """Start a new drawing."""
        self._background, self._text_px = background, text_px
        self._renderer.SetBackground(*background)
        self._used_shapes = self._used_texts = 0

    def end(self) -> None:
        """Hide what the last drawing had more than this one."""
        for actor in self._shapes[self._used_shapes :]:
            actor.VisibilityOff()
        for actor in self._texts[self._used_texts :]:
            actor.VisibilityOff()
        if self._grown:
            # A renderer draws in the order in which it was given things: words over everything.
            self._grown = False
            for actor in self._texts:
                self._renderer.RemoveViewProp(actor)
                self._renderer.AddViewProp(actor)

    def close(self) -> None:
        """Take everything out of the renderer."""
        for actor in (*self._shapes, *self._texts):
            self._renderer.RemoveViewProp(actor)
        self._shapes, self._texts = [], []

    def line(self, x: np.ndarray, y: np.ndarray, colour, width: float) -> None:
        """A line through points; a point alone is a spot."""
        points = _crisp(np.column_stack([x, y]), width)
        if len(points) == 1:
            self.spot(float(x[0]), float(y[0]), width, colour, colour)
        elif len(points):
            self._polygons(*_thick(points[:-1], points[1:], width), colour)

    def dashes(self, start, stop, colour, width: float) -> None:
        """A dashed line between two points."""
        points = _crisp(np.array([start, stop], float), width)
        self._polygons(*_thick(*_pieces(points, _DASH, _GAP), width), colour)

    def dotted(self, x: np.ndarray, y: np.ndarray, colour, width: float) -> None:
        """A line of short pieces through points."""
        points = np.column_stack([x, y])
        if len(points) == 1:
            self.spot(float(x[0]), float(y[0]), width, colour, colour)
        elif len(points):
            self._polygons(*_thick(*_pieces(points, _DOT, _DOT_GAP), width), colour)

    def band(self, low: np.ndarray, high: np.ndarray, y: np.ndarray, colour) -> None:
        """The area between two curves over the same heights."""
        if len(y) > 1:
            left, right = np.column_stack([low, y]), np.column_stack([high, y])
            corners = np.stack([left[:-1], right[:-1], right[1:], left[1:]], axis=1)
            self._polygons(corners.reshape(-1, 2), 4, colour)

    def rectangle(self, low, high, colour) -> None:
        """A filled rectangle."""
        corners = [(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])]
        self._polygons(np.array(corners, float), 4, colour)

    def spot(self, x: float, y: float, radius: float, colour, rim) -> None:
        """A disc with a rim."""
        for size, shade in ((radius + 1, rim), (radius, colour)):
            self._polygons(np.array([x, y]) + size * _CIRCLE, len(_CIRCLE), shade)

    def text(self, words: str, at, colour, across: str, along: str, behind: bool = False) -> None:
        """Words beside a point: ``across`` "left", "centre" or "right" of the words is there, and
        ``along`` their "bottom", "middle" or "top"; ``behind`` covers what they are written over.
        """
        import vtk

        if self._used_texts == len(self._texts):
            actor = vtk.vtkTextActor()
            actor.SetTextScaleModeToNone()
            self._renderer.AddViewProp(actor)
            self._texts.append(actor)
        actor = self._texts[self._used_texts]
        self._used_texts += 1
        style = actor.GetTextProperty()
        style.SetFontFamilyToArial()
        style.SetFontSize(self._font_size())
        style.SetColor(*colour)
        style.SetJustification(_JUSTIFICATION[across])
        style.SetVerticalJustification(_VERTICAL[along])
        style.SetBackgroundColor(*self._background)
        style.SetBackgroundOpacity(0.8 if behind else 0.0)
        actor.SetInput(words)
        actor.SetPosition(round(at[0]), round(at[1]))
        actor.VisibilityOn()

    def _dpi(self) -> int:
        window = self._renderer.GetRenderWindow()
        return window.GetDPI() if window is not None else 72

    def _font_size(self) -> int:
        # VTK counts in points of the window's own resolution.
        return max(int(round(self._text_px * 72.0 / self._dpi())), 1)

    def _polygons(self, points: np.ndarray, corners: int, colour) -> None:
        """Filled polygons of ``corners`` points each, one after the other."""
        import vtk
        from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray

        if self._used_shapes == len(self._shapes):
            actor = vtk.vtkActor2D()
            actor.SetMapper(vtk.vtkPolyDataMapper2D())
            self._renderer.AddViewProp(actor)
            self._shapes.append(actor)
            self._grown = bool(self._texts)
        actor = self._shapes[self._used_shapes]
        self._used_shapes += 1
        flat = np.zeros((len(points), 3))
        flat[:, :2] = points
        count = len(points) // corners
        data = vtk.vtkPolyData()
        data.SetPoints(vtk.vtkPoints())
        data.GetPoints().SetData(numpy_to_vtk(flat, deep=True))
        cells = vtk.vtkCellArray()
        cells.SetData(
            numpy_to_vtkIdTypeArray(np.arange(count + 1, dtype=np.int64) * corners, deep=True),
            numpy_to_vtkIdTypeArray(np.arange(len(points), dtype=np.int64), deep=True),
        )
        data.SetPolys(cells)
        actor.GetMapper().SetInputData(data)
        actor.GetProperty().SetColor(*colour)
        actor.VisibilityOn()


def _crisp(points: np.ndarray, width: float) -> np.ndarray:
    """A horizontal or upright line on whole pixels: it would be blurred between two."""
    for axis in (0, 1):
        if np.ptp(points[:, axis]) == 0:
            half = 0.5 * (int(round(width)) % 2)
            points[:, axis] = np.floor(points[:, axis] + 0.5 - half) + half
    return points


def _thick(starts: np.ndarray, stops: np.ndarray, width: float) -> tuple[np.ndarray, int]:
    """Line pieces as polygons: the corners (4 n, 2), and 4.  Pieces are a little longer than they
    are, so that they overlap where a line bends.
    """
    along = stops - starts
    length = np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    along = along / length
    side = 0.5 * width * np.column_stack([-along[:, 1], along[:, 0]])
    longer = np.where(length > width, 0.25 * width, 0.0) * along
    starts, stops = starts - longer, stops + longer
    corners = np.stack([starts - side, stops - side, stops + side, starts + side], axis=1)
    return corners.reshape(-1, 2), 4


def _pieces(points: np.ndarray, dash: float, gap: float) -> tuple[np.ndarray, np.ndarray]:
    """The dashes along a line: their starts and stops, each (n, 2)."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    along = np.append(0.0, np.cumsum(steps))
    starts = np.arange(0.0, max(along[-1], 1e-6), dash + gap)
    stops = np.minimum(starts + dash, along[-1])

    def at(distance):
        return np.column_stack([np.interp(distance, along, points[:, n]) for n in (0, 1)])

    return at(starts), at(stops)
