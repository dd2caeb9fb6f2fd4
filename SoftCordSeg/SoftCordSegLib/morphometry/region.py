"""Shape of one refined slice: the ellipse of equal moments, solidity, and the diameter along the A-P axis.

The definitions are those of ``skimage.measure.regionprops`` that SCT uses, on the pixels above 0.5.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from .refine import FINE_MM

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
_INSIDE = 0.5
# The A-P diameter is the mean over 3 mm around the centre: 30 rows of 0.1 mm.
_HALF_BAND = 15


def region_measures(fine: np.ndarray) -> dict[str, float] | None:
    """Measures of one slice.

    Args:
        fine: (rows R-L, columns A-P) soft values on pixels of 0.1 mm.

    Returns:
        Diameters and lengths in mm, orientation in degrees (-90 to 90, from the R-L axis), eccentricity and solidity in [0, 1];
        None where no pixel is above 0.5.
    """
    inside = fine > _INSIDE
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
    measures.update(_diameter_ap(fine, centre, orientation))
    return measures


def folded_angle(degrees: float) -> float:
    """Any angle of an axis, in degrees, folded into [0, 90]."""
    degrees = abs(degrees) % 180.0
    return 180.0 - degrees if degrees > 90.0 else degrees


def _moments(inside: np.ndarray) -> tuple[int, tuple[float, float], tuple[float, float, float]]:
    """Count, centroid (row, column) and inertia tensor (a, b, c) = [[a, b], [b, c]] of the True pixels."""
    by_row = inside.sum(axis=1, dtype=np.float64)
    by_column = inside.sum(axis=0, dtype=np.float64)
    row, column = np.arange(len(by_row), dtype=float), np.arange(len(by_column), dtype=float)
    count = float(by_row.sum())
    row_mean, column_mean = by_row @ row / count, by_column @ column / count
    row, column = row - row_mean, column - column_mean
    mixed = row @ (inside.astype(np.float32) @ column.astype(np.float32)).astype(float)
    return int(count), (row_mean, column_mean), (by_column @ column**2 / count, -mixed / count, by_row @ row**2 / count)


def _orientation(a: float, b: float, c: float) -> float:
    """Angle of the long axis from the rows' direction, radians in (-π/2, π/2], scikit-image's convention."""
    if a == c:
        return math.pi / 4 if b < 0 else -math.pi / 4
    return 0.5 * math.atan2(-2.0 * b, c - a)


def _diameter_ap(fine: np.ndarray, centre: tuple[float, float], orientation: float) -> dict[str, float]:
    """Turn the slice so that its long axis lies R-L, and measure along A-P near its middle."""
    turned = _turned(fine, centre, orientation)
    inside = turned > _INSIDE
    by_row, by_column = inside.sum(axis=1), inside.sum(axis=0)
    count = by_row.sum()
    if count == 0:
        return {"diameter_AP": np.nan, "length_anterior": np.nan, "length_posterior": np.nan}
    row = round(float(by_row @ np.arange(len(by_row)) / count))
    column = round(float(by_column @ np.arange(len(by_column)) / count))
    profile = turned[max(row - _HALF_BAND, 0) : row + _HALF_BAND].mean(axis=0)
    posterior, anterior = float(profile[:column].sum()) * FINE_MM, float(profile[column:].sum()) * FINE_MM
    return {"diameter_AP": posterior + anterior, "length_anterior": anterior, "length_posterior": posterior}


def _turned(fine: np.ndarray, centre: tuple[float, float], angle: float) -> np.ndarray:
    """``fine`` rotated by -``angle`` (radians) about ``centre``, linear, 0 outside."""
    cos, sin = math.cos(angle), math.sin(angle)
    matrix = np.array([[cos, -sin], [sin, cos]])
    offset = np.array(centre) - matrix @ np.array(centre)
    return ndimage.affine_transform(fine, matrix, offset, order=1, mode="constant", prefilter=False)


def convex_count(inside: np.ndarray) -> int:
    """Number of pixels in the convex hull of the True pixels, each taken as a diamond of half-diagonal 0.5 (scikit-image's)."""
    rows = np.flatnonzero(inside.any(axis=1))
    first = inside.argmax(axis=1)[rows]
    last = inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)[rows]
    low = _bound(rows, first, inside.shape[0])
    high = -_bound(rows, -last, inside.shape[0])
    # Pixel columns c with low <= 2 c <= high, in doubled coordinates.
    spans = np.floor(high / 2.0 + 1e-9) - np.ceil(low / 2.0 - 1e-9) + 1
    return int(np.maximum(spans, 0.0)[rows[0] : rows[-1] + 1].sum())


def _bound(rows: np.ndarray, edge: np.ndarray, height: int) -> np.ndarray:
    """(height,) convex lower bound of the pixels' edges, in doubled coordinates (columns x 2), at each row."""
    points: list[tuple[int, int]] = []
    u = np.concatenate([2 * rows - 1, 2 * rows, 2 * rows + 1])
    v = np.concatenate([2 * edge, 2 * edge - 1, 2 * edge])
    order = np.lexsort((v, u))
    for x, y in zip(u[order].tolist(), v[order].tolist()):
        if points and points[-1][0] == x:
            continue  # of the points at one height the lowest came first
        while len(points) > 1:
            (x0, y0), (x1, y1) = points[-2], points[-1]
            if (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) > 0:
                break
            points.pop()
        points.append((x, y))
    hull = np.array(points, dtype=float)
    return np.interp(2.0 * np.arange(height), hull[:, 0], hull[:, 1])
