"""How much each position along the cord looks like a disc, when no disc is known.

Nothing is assumed about contrast.  A disc is narrow: its two end plates are edges near its middle,
and none is further away, while it is the other way round in a vertebral body.  And discs look like
their neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from .disc_patterns import STEP_MM, DiscPatterns

# Discs are inclined to the cord: rows (0.5 mm) per column (0.5 mm).
_SLOPES = np.arange(-0.4, 0.41, 0.1)
# Edges are looked for over the vertebral body, along lines smoothed over 1.5 mm.
_FRONT = slice(int(8 / STEP_MM), int(22 / STEP_MM))
_SMOOTHING = 1.5 / STEP_MM
_NEAR_MM, _FAR_MM = (1.0, 4.5), (4.5, 8.0)
# Two discs of one image are at least so far apart.
APART_MM = 8.0
_NEIGHBOURS = 2


def log_narrowness(spine_values: np.ndarray) -> np.ndarray:
    """(n,) log of the edges near a position against those further away, at the best inclination:
    about 1.2 at a disc, about 0 elsewhere; NaN where the image does not reach.

    Args:
        spine_values: (n, m) of the straightened spine with even contrast.
    """
    best = np.full(len(spine_values), -np.inf)
    for slope in _SLOPES:
        best = np.fmax(best, _narrowness(_edges(spine_values, slope)))
    return np.where(np.isfinite(best), best, np.nan)


def _edges(values: np.ndarray, slope: float) -> np.ndarray:
    """(n,) mean edge along lines of this slope; NaN where one leaves the image."""
    columns = np.arange(values.shape[1])[_FRONT]
    rows = np.arange(len(values))
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    lines, inside = [], np.ones(len(values), dtype=bool)
    for column in columns:
        at = rows + slope * (column - columns.mean())
        lines.append(np.interp(at, rows, filled[:, column]))
        inside &= np.interp(at, rows, known[:, column].astype(float)) >= 1.0
    smooth = ndimage.gaussian_filter1d(np.stack(lines, axis=1), _SMOOTHING, axis=1, mode="nearest")
    return np.where(inside, np.abs(np.gradient(smooth, axis=0)).mean(axis=1), np.nan)


def _narrowness(edges: np.ndarray) -> np.ndarray:
    reach = int(_FAR_MM[1] / STEP_MM)
    away = np.abs(np.arange(-reach, reach + 1)) * STEP_MM
    near = ((away >= _NEAR_MM[0]) & (away < _NEAR_MM[1])).astype(float)
    far = ((away >= _FAR_MM[0]) & (away <= _FAR_MM[1])).astype(float)
    padded = np.pad(edges, reach, constant_values=np.nan)
    near_mean = np.convolve(padded, near / near.sum(), mode="valid")
    far_mean = np.convolve(padded, far / far.sum(), mode="valid")
    return np.log(np.maximum(near_mean, 1e-12) / np.maximum(far_mean, 1e-12))


def likeness_to_neighbours(patterns: DiscPatterns, rows: Sequence[int]) -> np.ndarray:
    """(n,) mean correlation of each position with the nearest discs, itself left out; NaN where
    the image does not reach or no disc is found.

    Args:
        patterns: of the image.
        rows: of the discs that were found.
    """
    found = [(row, patch) for row in rows if (patch := patterns.patch(row)) is not None]
    if not found:
        return np.full(len(patterns), np.nan)
    correlations = np.stack([patterns.correlate(patch).best for _, patch in found])
    places = np.array([row for row, _ in found])
    away = np.abs(np.arange(len(patterns))[None] - places[:, None]) * STEP_MM
    away = np.where(away < APART_MM, np.inf, away)
    nearest = np.argsort(away, axis=0)[:_NEIGHBOURS]
    chosen = np.take_along_axis(correlations, nearest, axis=0)
    usable = np.isfinite(np.take_along_axis(away, nearest, axis=0))
    weight = np.maximum(usable.sum(axis=0), 1)
    mean = np.where(usable, chosen, 0.0).sum(axis=0) / weight
    return np.where(usable.any(axis=0), mean, np.nan)
