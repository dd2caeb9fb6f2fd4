"""The stretch of cord that several masks of one participant all show, so that a level that one of
them covers in part is compared over the same part in all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .aggregate import LevelSummary, aggregate
from .cord_shape import CordShape

# Ends of masks are compared by height; two grids do not cut the cord at the same heights.
_NEAR_MM = 0.5


def rows_in_common(
    shapes: Mapping[str, CordShape], groups: Sequence[Sequence[int]]
) -> tuple[dict[str, list[LevelSummary]], list[tuple[int, ...]]]:
    """Measures of groups of levels, each over the heights (S, world) that all masks with slices of
    the group reach.

    Args:
        shapes: by name of the mask, with levels, in one world.
        groups: levels whose slices are taken together, for example ``[(2, 3)]``.

    Returns:
        By name, one row a group that the mask has (``aggregate``); and the groups of which a mask
        shows only a part, so that slices of another were left out.
    """
    rows: dict[str, list[LevelSummary]] = {name: [] for name in shapes}
    partial = []
    for group in map(tuple, groups):
        inside = {name: _has_level(shape, group) for name, shape in shapes.items()}
        members = [name for name in shapes if inside[name].any()]
        low = max((_extent(shapes[name])[0] for name in members), default=0.0)
        high = min((_extent(shapes[name])[1] for name in members), default=0.0)
        for name in members:
            shape = shapes[name]
            heights = shape.centres_mm[:, 2]
            kept = inside[name] & reached_by_all(heights, low, high, _thickness(shape))
            if (inside[name] & ~kept).any() and group not in partial:
                partial.append(group)
            if kept.any():
                stretch = shape.with_levels(np.where(kept, _levels_of(shape), 0))
                rows[name] += aggregate(stretch, levels=group).rows
    return rows, partial


def reached_by_all(
    heights_mm: np.ndarray, low_mm: float, high_mm: float, thickness_mm: float
) -> np.ndarray:
    """Which slices lie between the ends that all masks reach.

    Args:
        heights_mm: of the cord's middle in the slices.
        low_mm, high_mm: the ends.
        thickness_mm: of a slice; one that overlaps an end by half counts.
    """
    reach = 0.5 * thickness_mm + _NEAR_MM
    return (heights_mm >= low_mm - reach) & (heights_mm <= high_mm + reach)


def _has_level(shape: CordShape, group: tuple[int, ...]) -> np.ndarray:
    """(n,) True in slices with an area that are of one of these levels."""
    return np.isin(_levels_of(shape), group) & np.isfinite(shape.columns["area"])


def _levels_of(shape: CordShape) -> np.ndarray:
    """(n,) 0 where there is no level."""
    return np.zeros(len(shape), int) if shape.levels is None else shape.levels


def _extent(shape: CordShape) -> tuple[float, float]:
    """Lowest and highest height of the cord's middle in a slice with an area, mm."""
    heights = shape.centres_mm[np.isfinite(shape.columns["area"]), 2]
    return float(heights.min()), float(heights.max())


def _thickness(shape: CordShape) -> float:
    return float(abs(shape.grid.affine[2, 2]))
