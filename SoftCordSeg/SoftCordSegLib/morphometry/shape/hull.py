"""How many pixels the convex hull of a region has: what solidity needs, without drawing the
hull.
"""

from __future__ import annotations

import numpy as np


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
    # A point on or above the line between its neighbours is no corner; a corner never is.  So
    # dropping all such points at once is safe, and when none is left what remains is convex.
    while len(u) > 2:
        corner = (v[2:] - v[1:-1]) * (u[1:-1] - u[:-2]) > (v[1:-1] - v[:-2]) * (u[2:] - u[1:-1])
        if corner.all():
            break
        keep = np.concatenate([[True], corner, [True]])
        u, v = u[keep], v[keep]
    return np.interp(at, u, v)
