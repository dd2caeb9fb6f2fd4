"""The A-P diameter: turn the slice so that its long axis lies R-L, and measure along A-P near its
middle.

SCT turns the whole refined slice by linear interpolation.  Only two things of the turned slice are
needed: the centroid of its pixels above 0.5, and 30 of its rows.  For the first, a pixel whose four
neighbours in the unturned slice are all above 0.5 is above 0.5 itself, and likewise for below, so
only the pixels along the border are interpolated: the same result, much sooner.
"""

from __future__ import annotations

import math

import numpy as np

from ..slices.refine import FINE_MM

INSIDE = 0.5
# The diameter is the mean over 3 mm around the centre: 30 rows of 0.1 mm.
_HALF_BAND = 15


def diameter_ap(
    fine: np.ndarray,
    inside: np.ndarray,
    corner: tuple[int, int],
    centre: tuple[float, float],
    angle: float,
) -> dict[str, float]:
    """Diameter and its two parts.

    Args:
        fine: (rows R-L, columns A-P) soft values on pixels of 0.1 mm.
        inside: the box of its pixels above 0.5.
        corner: pixel of ``fine`` at which that box begins.
        centre: centroid (row, column) of the pixels above 0.5.
        angle: of the long axis, radians.

    Returns:
        diameter_AP, length_anterior, length_posterior, mm; NaN where turning leaves no pixel above
        0.5.
    """
    cos, sin = math.cos(angle), math.sin(angle)
    top, left, found = _turned_inside(fine, inside, corner, centre, cos, sin)
    by_row, by_column = np.count_nonzero(found, axis=1), np.count_nonzero(found, axis=0)
    count = by_row.sum()
    if count == 0:
        return {"diameter_AP": np.nan, "length_anterior": np.nan, "length_posterior": np.nan}
    row = round(top + float(by_row @ np.arange(len(by_row)) / count))
    column = round(left + float(by_column @ np.arange(len(by_column)) / count))
    rows = np.arange(max(row - _HALF_BAND, 0), min(row + _HALF_BAND, fine.shape[0])) - centre[0]
    columns = np.arange(fine.shape[1]) - centre[1]
    profile = _sample(fine, *_source(rows[:, None], columns[None, :], centre, cos, sin)).mean(
        axis=0
    )
    posterior, anterior = (
        float(profile[:column].sum()) * FINE_MM,
        float(profile[column:].sum()) * FINE_MM,
    )
    return {
        "diameter_AP": posterior + anterior,
        "length_anterior": anterior,
        "length_posterior": posterior,
    }


def _source(row, column, centre: tuple[float, float], cos: float, sin: float):
    """Where in the unturned slice a pixel of the turned one lies; ``row`` and ``column`` are
    relative to the centre.
    """
    return cos * row - sin * column + centre[0], sin * row + cos * column + centre[1]


def turned(fine: np.ndarray, centre: tuple[float, float], angle: float) -> np.ndarray:
    """The whole slice, turned back by ``angle`` (radians) about ``centre``; linear, 0 outside."""
    row, column = np.arange(fine.shape[0]) - centre[0], np.arange(fine.shape[1]) - centre[1]
    return _sample(
        fine, *_source(row[:, None], column[None, :], centre, math.cos(angle), math.sin(angle))
    )


def _turned_inside(
    fine: np.ndarray,
    inside: np.ndarray,
    corner: tuple[int, int],
    centre: tuple[float, float],
    cos: float,
    sin: float,
) -> tuple[int, int, np.ndarray]:
    """First row, first column and the box of pixels above 0.5 of the turned slice."""
    low, high = _turned_box(inside, corner, centre, cos, sin, fine.shape)
    row = np.arange(low[0], high[0] + 1) - centre[0]
    column = np.arange(low[1], high[1] + 1) - centre[1]
    y, x = _source(row[:, None], column[None, :], centre, cos, sin)
    # How many of the four pixels around a point are inside, for points from one pixel before the
    # box to its last pixel.
    padded = np.zeros((inside.shape[0] + 4, inside.shape[1] + 4), dtype=np.uint8)
    padded[2:-2, 2:-2] = inside
    neighbours = padded[:-1, :-1] + padded[1:, :-1] + padded[:-1, 1:] + padded[1:, 1:]
    local_y = np.clip((y - (corner[0] - 2)).astype(np.int32), 0, neighbours.shape[0] - 1)
    local_x = np.clip((x - (corner[1] - 2)).astype(np.int32), 0, neighbours.shape[1] - 1)
    around = neighbours.ravel()[local_y * neighbours.shape[1] + local_x]
    found = around == 4
    border = (around > 0) & ~found
    found[border] = _sample(fine, y[border], x[border]) > INSIDE
    return int(low[0]), int(low[1]), found


def _turned_box(
    inside: np.ndarray,
    corner: tuple[int, int],
    centre: tuple[float, float],
    cos: float,
    sin: float,
    shape: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """First and last (row, column) that the turned region can reach, within the slice."""
    rows = np.flatnonzero(inside.any(axis=1))
    first, last = (
        inside.argmax(axis=1)[rows],
        inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)[rows],
    )
    y = np.concatenate([rows, rows]) + corner[0] - centre[0]
    x = np.concatenate([first, last]) + corner[1] - centre[1]
    reached = np.stack([cos * y + sin * x + centre[0], cos * x - sin * y + centre[1]])
    low = np.floor(reached.min(axis=1)).astype(int) - 2
    high = np.ceil(reached.max(axis=1)).astype(int) + 2
    return np.maximum(low, 0), np.minimum(high, np.array(shape) - 1)


def _sample(values: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Linear interpolation at (y, x), 0 outside the array; what
    ``scipy.ndimage.map_coordinates(order=1)`` gives, sooner.
    """
    rows, columns = values.shape
    y0 = np.clip(y.astype(np.int32), 0, max(rows - 2, 0))
    x0 = np.clip(x.astype(np.int32), 0, max(columns - 2, 0))
    fy, fx = y - y0, x - x0
    index = y0 * columns + x0
    flat = values.ravel()
    down, right = columns if rows > 1 else 0, 1 if columns > 1 else 0
    upper = flat[index] * (1.0 - fx) + flat[index + right] * fx
    lower = flat[index + down] * (1.0 - fx) + flat[index + (down + right)] * fx
    result = upper * (1.0 - fy) + lower * fy
    result[(y < 0) | (y > rows - 1) | (x < 0) | (x > columns - 1)] = 0.0
    return result
