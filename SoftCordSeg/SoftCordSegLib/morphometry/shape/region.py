"""Shape of one refined slice: the ellipse of equal moments, solidity, and the diameter along the
A-P axis.

The definitions are those of ``skimage.measure.regionprops`` that SCT uses, on the pixels above 0.5.
"""

from __future__ import annotations

import math

import numpy as np

from ..slices.refine import FINE_MM
from .diameter import INSIDE, diameter_ap
from .hull import convex_count

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
