"""From slices to levels and ranges: mean, standard deviation and sum, with SCT's rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import InputError
from .cord_shape import CordShape
from .level_names import level_name, level_ranges, slice_ranges
from .row_notes import row_note

_SUMMED = ("length",)


@dataclass(frozen=True)
class LevelSummary:
    """One row of the table: the measures over a group of slices.

    Attributes:
        slices: the group, lowest first.
        levels: its vertebral levels; empty where levels are not known or not requested.
        distance_pmj: mean distance along the cord from the pontomedullary junction, mm; NaN where
            not known.
        mean, std: by measure, over the slices with a finite value (population SD, ddof 0); NaN
            where there is none.
        sum: by measure, for those that add up along the cord ("length", mm).
        count: number of slices with an area.
        notes: what is doubtful in it; "" for nothing.
    """

    slices: tuple[int, ...]
    levels: tuple[int, ...]
    distance_pmj: float
    mean: dict[str, float]
    std: dict[str, float]
    sum: dict[str, float]
    count: int
    notes: str = ""

    @property
    def name(self) -> str:
        """For example "C2:C3", "C1;C3", or the slices where there are no levels."""
        return level_ranges(self.levels) if self.levels else slice_ranges(self.slices)


@dataclass(frozen=True)
class Summary(Sequence):
    """The rows of :func:`aggregate`, and sentences on groups that were left out.

    Attributes:
        rows: lowest slices first, or levels in the requested order.
        notes: groups that were left out, and why.
    """

    rows: tuple[LevelSummary, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]


def aggregate(
    shape: CordShape,
    *,
    slices: Iterable[int] | None = None,
    levels: Iterable[int] | None = None,
    per_slice: bool | None = None,
    per_level: bool = False,
    distance_pmj: float | None = None,
) -> Summary:
    """Group slices and summarise their measures.

    Args:
        shape: the cord; with levels where ``levels`` or ``per_level`` are given.
        slices: only these; all of the image where None.
        levels: only slices of these vertebral levels; with ``slices`` as well, those that are in
            both.
        per_slice: one row a slice.  None means: yes if neither slices nor levels are given.
        per_level: one row a level (all levels there are, where ``levels`` is None).  Otherwise
            ``levels`` are pooled: the mean over their slices, not of the levels' means.
        distance_pmj: the distance of the rows, mm, instead of the mean over their slices: the
            requested one (:func:`~.pmj_distance.slices_at_pmj_distance`), as SCT writes it.

    Raises:
        InputError: levels requested but not known; slices that the image does not have.
    """
    chosen = _checked_slices(shape, slices)
    level_of = _levels_by_slice(shape)
    if per_level and levels is None:
        levels = sorted(set(level_of.values()))
    if levels is not None:
        levels = list(dict.fromkeys(int(level) for level in levels))
        if shape.levels is None:
            raise InputError(
                "Vertebral levels are not known.",
                hint="Mark at least one disc, or give a labelled segmentation.",
            )
    if per_slice is None:
        per_slice = slices is None and levels is None

    notes: list[str] = []
    groups: list[tuple[tuple[int, ...], tuple[int, ...]]] = [(tuple(chosen), ())]
    if levels is None:
        if per_slice:
            groups = [((number,), _level_tuple(level_of, number)) for number in chosen]
    else:
        groups = _level_groups(levels, level_of, set(chosen), per_slice, per_level, notes)
    rows = [_summary(shape, group, group_levels) for group, group_levels in groups if group]
    if distance_pmj is not None:
        rows = [replace(row, distance_pmj=float(distance_pmj)) for row in rows]
    return Summary(tuple(rows), tuple(notes))


def _checked_slices(shape: CordShape, slices: Iterable[int] | None) -> list[int]:
    total = shape.grid.shape[2]
    if slices is None:
        return list(range(total))
    chosen = sorted({int(number) for number in slices})
    outside = [number for number in chosen if not 0 <= number < total]
    if outside:
        raise InputError(
            f"The image has slices 0 to {total - 1}; there is no slice {slice_ranges(outside)}.",
            hint="Choose slices of the image.",
        )
    return chosen


def _levels_by_slice(shape: CordShape) -> dict[int, int]:
    if shape.levels is None:
        return {}
    return {int(number): int(level) for number, level in zip(shape.slices, shape.levels) if level}


def _level_tuple(level_of: dict[int, int], number: int) -> tuple[int, ...]:
    return (level_of[number],) if number in level_of else ()


def _level_groups(
    levels: list[int],
    level_of: dict[int, int],
    chosen: set[int],
    per_slice: bool,
    per_level: bool,
    notes: list[str],
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """(slices, levels) of each row; levels without slices are noted."""
    members = {
        level: tuple(n for n in sorted(level_of) if level_of[n] == level and n in chosen)
        for level in levels
    }
    missing = [level for level in levels if not members[level]]
    if missing:
        notes += [
            f"Level {level_name(level)} ({level}) has no slices here, so it was left out."
            for level in missing
        ]
        there = sorted({level for number, level in level_of.items() if number in chosen})
        notes.append(
            f"The levels that are there: {', '.join(level_name(level) for level in there)}."
            if there
            else "No level has slices here."
        )
    if per_level:
        return [(members[level], (level,)) for level in levels]
    if per_slice:
        return [((number,), (level,)) for level in levels for number in members[level]]
    present = tuple(level for level in levels if members[level])
    return [(tuple(sorted(n for level in levels for n in members[level])), present)]


def _summary(shape: CordShape, group: tuple[int, ...], levels: tuple[int, ...]) -> LevelSummary:
    index = np.array(group) - shape.slices[0]
    index = index[(index >= 0) & (index < len(shape))]
    mean, std, total = {}, {}, {}
    for name, column in shape.columns.items():
        values = column[index]
        values = values[np.isfinite(values)]
        if name in _SUMMED:
            total[name] = float(values.sum()) if len(values) else float("nan")
        else:
            mean[name] = float(values.mean()) if len(values) else float("nan")
            std[name] = float(values.std()) if len(values) else float("nan")
    distance = np.empty(0) if shape.distance_pmj is None else shape.distance_pmj[index]
    distance = distance[np.isfinite(distance)]
    return LevelSummary(
        slices=group,
        levels=levels,
        distance_pmj=float(distance.mean()) if len(distance) else float("nan"),
        mean=mean,
        std=std,
        sum=total,
        count=(
            int(np.isfinite(shape.columns["area"][index]).sum())
            if "area" in shape.columns
            else len(index)
        ),
        notes=row_note(group, levels, shape.slice_notes, shape.level_notes),
    )
