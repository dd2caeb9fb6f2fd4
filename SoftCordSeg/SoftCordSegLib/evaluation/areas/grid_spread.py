"""The same cord in several contrasts on one grid: what differs from slice to slice is error.  It
needs no reference.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .slices import REFERENCE, SliceArea, spread_by_slice


@dataclass(frozen=True)
class GridSpread:
    """A row of the table of spreads; NaN where one of the contrasts has no cord.

    Attributes:
        method, dataset, participant, grid, cut: what it is of.
        contrasts: their names.
        slices: number of slices compared.
        area_mm2: mean over slices and contrasts.
        sd_mm2: median over slices of the SD over contrasts (ddof 1).
        sd_percent: median over slices of that SD as part of the slice's mean area, %.
        by_contrast: mean area over the slices, mm², by contrast.
    """

    method: str
    dataset: str
    participant: str
    grid: str
    cut: str
    contrasts: str
    slices: int
    area_mm2: float
    sd_mm2: float
    sd_percent: float
    by_contrast: str


def grid_spreads(rows: Iterable[SliceArea], wanted: dict[str, list[str]]) -> list[GridSpread]:
    """Join the slices of each grid.

    Args:
        rows: of all methods and images.
        wanted: grid to the contrasts it has in the table of cases: one that a method found nothing
            in makes its row NaN.
    """
    groups: dict[tuple, dict[str, dict[int, float]]] = {}
    for row in rows:
        if row.grid and len(wanted.get(row.grid, ())) > 1:
            key = (row.method, row.dataset, row.participant, row.grid, row.cut)
            groups.setdefault(key, {}).setdefault(row.contrast, {})[row.slice] = row.area_mm2
    spreads = [_spread(key, areas, wanted[key[3]]) for key, areas in groups.items()]
    # A reference of some contrasts only is no failure of anybody.
    return [row for row in spreads if row.slices or row.method != REFERENCE]


def _spread(key: tuple, areas: dict[str, dict[int, float]], contrasts: list[str]) -> GridSpread:
    names = " ".join(contrasts)
    if set(areas) != set(contrasts):
        return GridSpread(*key, names, 0, math.nan, math.nan, math.nan, "")
    numbers, table, spread = spread_by_slice({name: areas[name] for name in contrasts})
    if not len(numbers):
        return GridSpread(*key, names, 0, math.nan, math.nan, math.nan, "")
    means = " ".join(f"{name}={mean:.2f}" for name, mean in zip(contrasts, table.mean(axis=1)))
    relative = 100.0 * np.median(spread / table.mean(axis=0))
    return GridSpread(
        *key,
        names,
        len(numbers),
        float(table.mean()),
        float(np.median(spread)),
        float(relative),
        means,
    )
