"""The palette: segments, plots, pages and figures take their colours from here.

Colours that tell things apart are Okabe and Ito's, which colour-blind readers can tell apart too.
All are written as ``#rrggbb``; :func:`rgb` gives what VTK takes.
"""

from __future__ import annotations

from collections.abc import Iterable

BLUE, VERMILLION, GREEN = "#0072b2", "#d55e00", "#009e73"
PURPLE, ORANGE, SKY = "#cc79a7", "#e69f00", "#56b4e9"
BROWN, BLACK, WHITE = "#8c6d31", "#000000", "#ffffff"

# The series of a plot, in this order. The first six can be seen on light and on dark ground.
SERIES_ON_ANY = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
SERIES = (*SERIES_ON_ANY, BROWN, BLACK)
REFERENCE = "#7f7f7f"  # grey is for references, as in the paper

# In the scene, and over images.
# Masks, one colour each in slices, 3D, profile, tables and legends: the first mask of a scene gets
# the first.  Purple is left out: it is near the colour of the edits.
MASKS = (ORANGE, GREEN, SKY, VERMILLION, BLUE)
DISC = "#ff731a"
BOX = "#bfd9ff"  # pale: it frames the cord, and should not outshine it
EDITS = "#ff00ff"  # the corrections by hand; nothing else is magenta
SOFT_OUTLINE, MASK_OUTLINE, REFERENCE_OUTLINE = "#35d0dd", "#ffb000", "#ffe14d"
IMAGE_LETTERS = "#9aa2aa"
MAGNIFIED = "#c00000"  # the frame of what is shown once more and larger

# Figures on white.
INK, AXIS, ABSENT, RULE = "#222222", "#888888", "#888888", "#dddddd"
LEVEL_BANDS, LEVEL_NAMES, SPREAD_BAND = ("#eef2f6", "#ffffff"), "#506070", "#808080"
# Figures on a page, which may be light or dark.
ON_ANY_PAPER = "#858d95"

# Pages: CSS variables by name. Words on the colours of verdicts are white.
VERDICTS = {"pass": "#2c7a4b", "fail": "#b3372f", "artifact": "#9a5b00"}
LIGHT_PAGE = {
    "paper": "#fbfaf7",
    "ink": "#1d2126",
    "soft": "#5d656e",
    "rule": "#d9d6cf",
    "band": "#efece4",
    "accent": "#0e7c86",
    "known": "#1d2126",
    "warn": "#9a5b00",
    "card": "#ffffff",
}
DARK_PAGE = {
    "paper": "#14171a",
    "ink": "#e8e6e1",
    "soft": "#9aa2aa",
    "rule": "#33383d",
    "band": "#1d2226",
    "accent": "#4fc3cd",
    "known": "#e8e6e1",
    "warn": "#e0a84a",
    "card": "#1a1e22",
}

# Text in the panel, 4.5:1 on Slicer's light style (#efefef) and on its dark one (#323232).
ERROR_ON_LIGHT, ERROR_ON_DARK = "#b3261e", "#ff9e96"
WARNING_ON_LIGHT, WARNING_ON_DARK = "#7a4a00", "#f0b060"


def hexadecimal(colour: Iterable[float]) -> str:
    """The inverse of :func:`rgb`, rounded to 256 steps a channel."""
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in colour)


def rgb(colour: str) -> tuple[float, float, float]:
    """Red, green and blue of ``#rrggbb``, each in [0, 1]."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue
