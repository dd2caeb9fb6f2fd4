"""Shape of one refined slice: the ellipse of equal moments, solidity, and the diameter along the
A-P axis.

The definitions are those of ``skimage.measure.regionprops`` that SCT uses, on the pixels above 0.5.

For the A-P diameter SCT turns the whole refined slice by linear interpolation, so that its long
axis lies R-L, and measures along A-P near its middle.  Only two things of the turned slice are
needed: the centroid of its pixels above 0.5, and 30 of its rows.  For the first, a pixel whose four
neighbours in the unturned slice are all above 0.5 is above 0.5 itself, and likewise for below, so
only the pixels along the border are interpolated: the same result, much faster.
"""

from __future__ import annotations

import math

import numpy as np

from .area import FINE_MM

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


def _source(
    row: np.ndarray, column: np.ndarray, centre: tuple[float, float], cos: float, sin: float
) -> tuple[np.ndarray, np.ndarray]:
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
    ``scipy.ndimage.map_coordinates(order=1)`` gives, faster.
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


def convex_count(inside: np.ndarray) -> int:
    """Number of pixels in the convex hull of the True pixels.

    Each pixel is taken as a diamond of half-diagonal 0.5, and pixels whose centre is inside or on
    the hull count (``skimage.morphology.convex_hull_image`` with its offset coordinates).

    Args:
        inside: (rows, columns) bool; at least one True in its first and last row.
    """
    rows = np.flatnonzero(inside.any(axis=1))
    first = inside.argmax(axis=1)[rows]
    last = inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)[rows]
    # Everything in doubled coordinates, so that corners of diamonds are whole numbers.
    at = 2 * np.arange(rows[0], rows[-1] + 1)
    low, high = _lower_bound(rows, first, at), -_lower_bound(rows, -last, at)
    spans = np.floor(high / 2.0 + 1e-9) - np.ceil(low / 2.0 - 1e-9) + 1.0
    return int(np.maximum(spans, 0.0).sum())


def _lower_bound(rows: np.ndarray, edge: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The lower convex hull, at heights ``at``, of diamonds around pixels (rows, edge)."""
    u = np.concatenate([2 * rows - 1, 2 * rows, 2 * rows + 1])
    v = np.concatenate([2 * edge, 2 * edge - 1, 2 * edge])
    order = np.lexsort((v, u))
    u, v = u[order], v[order]
    lowest = np.concatenate([[True], np.diff(u) > 0])
    u, v = u[lowest], v[lowest]
    # A point on or above the line between its neighbours is not a corner; a corner never is.  So
    # all such points can be dropped at once, and when there are none the rest is convex.
    while len(u) > 2:
        corner = (v[2:] - v[1:-1]) * (u[1:-1] - u[:-2]) > (v[1:-1] - v[:-2]) * (u[2:] - u[1:-1])
        if corner.all():
            break
        keep = np.concatenate([[True], corner, [True]])
        u, v = u[keep], v[keep]
    return np.interp(at, u, v)


REGION_KEYS = (
    "diameter_AP",
    "diameter_AP_ellipse",
    "diameter_RL",
    "length_anterior",
    "length_posterior",
    "eccentricity",
    "orientation",
    "solidity",
)


def region_measures(fine: np.ndarray) -> dict[str, float] | None:
    """Measures of one slice.

    Args:
        fine: (rows R-L, columns A-P) soft values on pixels of 0.1 mm.

    Returns:
        Diameters and lengths in mm, orientation in degrees (-90 to 90, from the R-L axis),
        eccentricity and solidity in [0, 1]; None where no pixel is above 0.5.
    """
    inside = fine > INSIDE
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if len(rows) == 0:
        return None
    top, left = rows[0], columns[0]
    inside = inside[top : rows[-1] + 1, left : columns[-1] + 1]
    count, centre, (a, b, c) = _moments(inside)
    centre = centre[0] + top, centre[1] + left
    orientation = _orientation(a, b, c)
    middle, spread = (a + c) / 2.0, math.hypot((a - c) / 2.0, b)
    large, small = middle + spread, max(middle - spread, 0.0)
    across, along = 4.0 * math.sqrt(large) * FINE_MM, 4.0 * math.sqrt(small) * FINE_MM
    if not folded_angle(math.degrees(orientation)) < 45.0:
        across, along = along, across
    measures = {
        "diameter_AP_ellipse": along,
        "diameter_RL": across,
        "eccentricity": math.sqrt(1.0 - small / large) if large > 0 else 0.0,
        "orientation": math.degrees(orientation),
        "solidity": count / convex_count(inside),
    }
    measures.update(diameter_ap(fine, inside, (top, left), centre, orientation))
    return measures


def folded_angle(degrees: float) -> float:
    """Any angle of an axis, in degrees, folded into [0, 90]."""
    degrees = abs(degrees) % 180.0
    return 180.0 - degrees if degrees > 90.0 else degrees


def _moments(inside: np.ndarray) -> tuple[int, tuple[float, float], tuple[float, float, float]]:
    """Count, centroid (row, column) and inertia tensor (a, b, c) = [[a, b], [b, c]] of the True
    pixels.
    """
    by_row = np.count_nonzero(inside, axis=1).astype(float)
    by_column = np.count_nonzero(inside, axis=0).astype(float)
    row, column = np.arange(len(by_row), dtype=float), np.arange(len(by_column), dtype=float)
    count = float(by_row.sum())
    row_mean, column_mean = by_row @ row / count, by_column @ column / count
    row, column = row - row_mean, column - column_mean
    mixed = row @ (inside.astype(float) @ column)
    return (
        int(count),
        (row_mean, column_mean),
        (by_column @ column**2 / count, -mixed / count, by_row @ row**2 / count),
    )


def _orientation(a: float, b: float, c: float) -> float:
    """Angle of the long axis from the rows' direction, radians in (-π/2, π/2], scikit-image's
    convention.
    """
    if a == c:
        return math.pi / 4 if b < 0 else -math.pi / 4
    return 0.5 * math.atan2(-2.0 * b, c - a)
