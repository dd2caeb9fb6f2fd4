"""The stretch of cord that several masks of one participant all show, so that a level that one of
them covers in part is compared over the same part in all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .aggregate import LevelSummary, aggregate
from .cord_shape import CordShape
from .level_names import level_ranges, slice_ranges

# Ends of masks are compared by height; two grids do not cut the cord at the same heights.
_NEAR_MM = 0.5


@dataclass(frozen=True)
class CommonRow:
    """One group of levels or slices in several masks.

    Attributes:
        name: of the group, as "C2:C3".
        rows: by mask; those without a slice of the group are left out.
        open_in: masks that end within the group.
        is_part: another mask does not show all slices of the group, so that some were left out.
        compared: False where the masks have no cord of the group in common; each row is then over
            all that its mask shows.
        whole: each row is over all that its mask shows, because that was asked for.
    """

    name: str
    rows: dict[str, LevelSummary]
    open_in: tuple[str, ...] = ()
    is_part: bool = False
    compared: bool = True
    whole: bool = False

    @property
    def note(self) -> str:
        """A sentence; "" where all masks show the same of the group."""
        if self.whole and self.is_part:
            return (
                f"{_ends_within(self.name, self.open_in)}; all that each of them shows is averaged."
            )
        return stretch_note(self.name, self.open_in, self.is_part, self.compared)


def levels_in_common(
    shapes: Mapping[str, CordShape],
    levels: Sequence[int],
    *,
    slices: Sequence[int] | None = None,
    whole: bool = False,
) -> CommonRow:
    """Measures of levels that are taken together, over the heights (S, world) that all masks with
    slices of them reach.

    Args:
        shapes: by name of the mask, with levels, in one world (or all on PAM50's slices).
        levels: for example ``(2, 3)``.
        slices: only these; None for all.
        whole: take all that each mask shows, and say only which ones end within the levels.
    """
    inside = {
        name: _with_area(shape)
        & np.isin(_levels_of(shape), levels)
        & (True if slices is None else np.isin(shape.slices, slices))
        for name, shape in shapes.items()
    }
    common = _common(shapes, inside, {name: _heights(shape) for name, shape in shapes.items()})
    rows = {}
    for name, kept in (inside if whole else common.kept).items():
        if kept.any():
            numbers = shapes[name].slices[kept]
            rows[name] = aggregate(shapes[name], slices=numbers, levels=levels).rows[0]
    return CommonRow(
        level_ranges(levels), rows, common.open_in, common.is_part, common.shared or whole, whole
    )


def slices_in_common(
    shapes: Mapping[str, CordShape], slices: Sequence[int], *, whole: bool = False
) -> CommonRow:
    """The same of slices that are taken together, in masks on one grid."""
    inside = {
        name: _with_area(shape) & np.isin(shape.slices, slices) for name, shape in shapes.items()
    }
    shown = [set(shapes[name].slices[own].tolist()) for name, own in inside.items() if own.any()]
    shared = set.intersection(*shown) if shown else set()
    open_in = tuple(
        name for name, own in inside.items() if own.any() and own.sum() < len(set(slices))
    )
    taken = sorted(set(slices) if whole or not shared else shared)
    rows = {
        name: aggregate(shape, slices=taken, per_slice=False).rows[0]
        for name, shape in shapes.items()
        if inside[name].any()
    }
    is_part = any(one > shared for one in shown)
    return CommonRow(slice_ranges(slices), rows, open_in, is_part, bool(shared) or whole, whole)


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


def stretch_note(name: str, open_in: Sequence[str], is_part: bool, compared: bool) -> str:
    """What is to be said of a group of levels or slices in which masks end.

    Args:
        name: of the group.
        open_in: images whose masks end within it.
        is_part: slices were left out because another mask does not show them.
        compared: whether the masks have cord of it in common.
    """
    if not open_in:
        return ""
    where = _ends_within(name, open_in)
    if not compared:
        return f"{where}; the contrasts have no cord there in common, and are not compared."
    if is_part:
        return f"{where}; only the cord that all contrasts show is averaged."
    return ""


def _ends_within(name: str, images: Sequence[str]) -> str:
    return f"The mask ends within {name} in {', '.join(images)}"


@dataclass(frozen=True)
class _Common:
    """Of :func:`_common`: slices by mask; masks that end within the group; whether slices were left
    out; whether the masks have any cord in common (where not, all slices are kept).
    """

    kept: dict[str, np.ndarray]
    open_in: tuple[str, ...]
    is_part: bool
    shared: bool


def _common(
    shapes: Mapping[str, CordShape],
    inside: Mapping[str, np.ndarray],
    heights: Mapping[str, np.ndarray],
) -> _Common:
    members = [name for name, own in inside.items() if own.any()]
    lows, highs, open_in = [], [], []
    for name in members:
        # Only an end that lies within the group cuts it: elsewhere the levels say where it ends,
        # and that holds too where the participant moved between two images.
        known, own = (
            np.flatnonzero(_with_area(shapes[name])),
            np.flatnonzero(inside[name]),
        )
        below, above = own[0] == known[0], own[-1] == known[-1]
        lows += [heights[name][own[0]]] if below else []
        highs += [heights[name][own[-1]]] if above else []
        if below or above:
            open_in.append(name)
    low, high = max(lows, default=-np.inf), min(highs, default=np.inf)
    kept = {
        name: inside[name]
        & reached_by_all(heights[name], float(low), float(high), _thickness(shapes[name]))
        for name in members
    }
    kept = _same_levels(shapes, kept)
    if not all(own.any() for own in kept.values()):
        return _Common(dict(inside), tuple(open_in), True, False)
    is_part = any((inside[name] & ~kept[name]).any() for name in members)
    return _Common(kept, tuple(open_in), is_part, True)


def _same_levels(
    shapes: Mapping[str, CordShape], kept: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Without the slices of levels that one mask has none of: an edge slice of half a millimetre is
    not a level in common.
    """
    levels = {name: _levels_of(shapes[name]) for name in kept}
    there = [set(levels[name][own].tolist()) for name, own in kept.items()]
    shared = list(set.intersection(*there)) if there else []
    return {name: own & np.isin(levels[name], shared) for name, own in kept.items()}


def _with_area(shape: CordShape) -> np.ndarray:
    """(n,) True in slices with an area."""
    return np.isfinite(shape.columns["area"])


def _levels_of(shape: CordShape) -> np.ndarray:
    """(n,) 0 where there is no level."""
    return np.zeros(len(shape), int) if shape.levels is None else shape.levels


def _heights(shape: CordShape) -> np.ndarray:
    """(n,) of the cord's middle, mm; on PAM50's slices, which have none, of the slice."""
    heights = shape.centres_mm[:, 2]
    return heights if np.isfinite(heights).any() else shape.slices * _thickness(shape)


def _thickness(shape: CordShape) -> float:
    return float(abs(shape.grid.affine[2, 2]))
