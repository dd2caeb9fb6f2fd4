"""The table in the panel: the few columns that fit and are asked for, with one decimal; all columns
are in the scene's tables and in the CSV.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from slicer.i18n import tr as _

_ABSENT = "–"  # an en dash
_NEAR_MM = 0.5
_DIAMETERS = ("diameter_AP", "diameter_RL")


@dataclass(frozen=True)
class ShortTable:
    """A table as it is seen.

    Attributes:
        headings: of the columns, with units.
        cells: (rows) of texts.
        slices: of each row, numbers of its slices; for the row of the current slice.
        positions: of each row, the middle of the cord in its middle slice (mm, RAS), or None.
    """

    headings: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    slices: tuple[tuple[int, ...], ...]
    positions: tuple[tuple[float, float, float] | None, ...]

    def row_of(self, number: int | None) -> int | None:
        """The row that a slice is in; None where it is in none."""
        return next((row for row, slices in enumerate(self.slices) if number in slices), None)

    @property
    def text(self) -> str:
        """With tabs, for spreadsheets."""
        return "".join("\t".join(line) + "\n" for line in (self.headings, *self.cells))


def table_by_slice(shape) -> ShortTable:
    """One row a slice that has an area, from above to below.

    Args:
        shape: ``morphometry.CordShape``.
    """
    from ..morphometry import level_name

    rows = np.flatnonzero(np.isfinite(shape.columns["area"]))[::-1]
    levels = np.zeros(len(shape), int) if shape.levels is None else shape.levels
    measures = [shape.columns[name] for name in ("area", *_DIAMETERS)]
    cells = tuple(
        (
            level_name(int(levels[n])) if levels[n] else _ABSENT,
            str(int(shape.slices[n])),
            *(number_text(values[n]) for values in measures),
        )
        for n in rows
    )
    slices = tuple((int(shape.slices[n]),) for n in rows)
    headings = (_("Level"), _("Slice"), *_measure_headings())
    return ShortTable(headings, cells, slices, tuple(position_of(shape, one) for one in slices))


def table_by_group(measured) -> ShortTable:
    """One row a level, or a range of them, from above to below.

    Args:
        measured: ``workflows.csa_measure.Measured`` with such a summary.
    """
    cells = tuple(
        (
            range_text(row.name) if row.levels else _ABSENT,
            str(row.count),
            mean_text(row),
            *(number_text(row.mean[name]) for name in _DIAMETERS),
        )
        for row in measured.summary
    )
    slices = tuple(row.slices for row in measured.summary)
    return ShortTable(
        (_("Level"), _("Slices"), *_measure_headings()),
        cells,
        slices,
        tuple(position_of(measured.shape, one) for one in slices),
    )


def _measure_headings() -> tuple[str, ...]:
    return _("Area mm²"), _("AP mm"), _("RL mm")


def position_of(shape, slices: Sequence[int]) -> tuple[float, float, float] | None:
    """The middle of the cord (mm, RAS) in the middle one of some slices; None where they have no
    cord.
    """
    index = np.asarray(slices) - shape.slices[0]
    index = index[(index >= 0) & (index < len(shape))]
    index = index[np.isfinite(shape.columns["area"][index])]
    if not len(index):
        return None
    x, y, z = shape.centres_mm[index[len(index) // 2]]
    return float(x), float(y), float(z)


def slice_at(shape, height_mm: float) -> int | None:
    """The number of the slice in which the cord's middle is at a height (S, world); None where the
    cord does not reach it.
    """
    heights = np.where(np.isfinite(shape.columns["area"]), shape.centres_mm[:, 2], np.inf)
    away = np.abs(heights - height_mm)
    nearest = int(away.argmin())
    inside = away[nearest] <= 0.5 * abs(shape.grid.affine[2, 2]) + _NEAR_MM
    return int(shape.slices[nearest]) if inside else None


def mean_text(row) -> str:
    """Mean and SD of the area of a row, without unit."""
    area = number_text(row.mean["area"])
    return area if area == _ABSENT else f"{area} ± {number_text(row.std['area'])}"


def range_text(name: str) -> str:
    """A range of levels, "C2:C3", as a reader writes it."""
    return name.replace(":", "–")


def number_text(value: float) -> str:
    """One decimal, or a dash where there is no number."""
    return f"{value:.1f}" if math.isfinite(value) else _ABSENT
