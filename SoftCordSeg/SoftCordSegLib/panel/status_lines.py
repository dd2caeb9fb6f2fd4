"""The line below the controls of a section that says what happened, or what to do next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import qt
import slicer
from slicer.i18n import tr as _

from ..colours import ERROR_ON_DARK, ERROR_ON_LIGHT, WARNING_ON_DARK, WARNING_ON_LIGHT

# Of the lightness from 0 to 255 of the ground that text is written on.
_DARK_BELOW = 128
_WARNING_SIGN = "⚠"


@dataclass(frozen=True)
class Line:
    """What a status line says.

    Attributes:
        text: one or more sentences; "" for nothing.
        warning: something to look at; in another colour, behind a sign.
        error: something that did not work; in another colour.
        show: called by the button [Show]; None for no button.
    """

    text: str = ""
    warning: bool = False
    error: bool = False
    show: Callable[[], None] | None = None


class StatusLine:
    """The controls ``cord<Section>Status`` and ``cord<Section>Show``.

    What was said about an action goes before what is said of the state (:attr:`resting`).

    Args:
        ui: the controls by name.
        section: for example "Levels".
        guard: the panel's, for what the button does.
    """

    def __init__(self, ui, section: str, guard):
        self._label = getattr(ui, f"cord{section}Status")
        self._button = getattr(ui, f"cord{section}Show")
        self._section, self._guard = section, guard
        # An empty line keeps the pin beside it in its place.
        self._keeps_place = hasattr(ui, f"cord{section}Pin")
        self._said, self._resting = Line(), Line()
        self._button.connect("clicked()", self._on_show)
        self._draw()

    @property
    def is_error(self) -> bool:
        """Whether an error is shown."""
        return self._said.error

    def say(self, line: Line) -> None:
        """Say this until something else is said; an empty line leaves :attr:`resting`."""
        self._said = line
        self._draw()

    def rest(self, line: Line) -> None:
        """What is shown where nothing was said."""
        self._resting = line
        self._draw()

    def _draw(self) -> None:
        line = self._line
        style = f"color: {_colour(line)};" if line.error or line.warning else ""
        if self._label.styleSheet != style:
            self._label.styleSheet = style
        text = f"{_WARNING_SIGN} {line.text}" if line.text and line.warning else line.text
        if self._label.text != text:
            self._label.text = text
        self._label.visible = bool(text) or self._keeps_place
        self._button.visible = line.show is not None

    @property
    def _line(self) -> Line:
        return self._said if self._said.text else self._resting

    def _on_show(self) -> None:
        show = self._line.show
        if show is not None:
            with self._guard(
                _("The place could not be shown."), refresh=False, section=self._section
            ):
                show()


def error_style() -> str:
    """The style of a label that says what is wrong beside a control."""
    return f"color: {_colour(Line(error=True))};"


def _colour(line: Line) -> str:
    dark = slicer.app.palette().color(qt.QPalette.Window).lightness() < _DARK_BELOW
    if line.error:
        return ERROR_ON_DARK if dark else ERROR_ON_LIGHT
    return WARNING_ON_DARK if dark else WARNING_ON_LIGHT
