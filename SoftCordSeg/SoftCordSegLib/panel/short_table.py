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

    @property
    def text(self) -> str:
        """With tabs, for spreadsheets."""
        return "".join("\t".join(line) + "\n" for line in (self.headings, *self.cells))


def short_table(measured, by_slice: bool) -> ShortTable:
    """The rows of a measurement, from above to below.

    Args:
        measured: ``workflows.csa_measure.Measured``.
        by_slice: a row is one slice; else it is a group of them.
    """
    shape = measured.shape
    rows = list(measured.summary)
    if by_slice:
        rows = [row for row in reversed(rows) if row.count]
    headings = [_("Level"), _("Slice") if by_slice else _("Slices"), _("Area mm²")]
    diameters = (("diameter_AP", _("AP mm")), ("diameter_RL", _("RL mm")))
    cells = []
    for row in rows:
        area = number_text(row.mean["area"])
        if not by_slice:
            area = f"{area} ± {number_text(row.std['area'])}"
        cells.append(
            (
                row.name if row.levels else _ABSENT,
                str(row.slices[0]) if by_slice else str(row.count),
                area,
                *(number_text(row.mean[name]) for name, _heading in diameters),
            )
        )
    return ShortTable(
        (*headings, *(heading for _name, heading in diameters)),
        tuple(cells),
        tuple(row.slices for row in rows),
        tuple(position_of(shape, row.slices) for row in rows),
    )


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


def number_text(value: float) -> str:
    """One decimal, or a dash where there is no number."""
    return f"{value:.1f}" if math.isfinite(value) else _ABSENT
