"""The area of every slice of a mask, in the ways it can be cut: the table that all numbers of CSA
are made from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ...morphometry import CordShape, MeasureOptions, measure
from ...volume import Volume
from ..cases import Case

SOFT = "soft"
# What references are called where methods are.
REFERENCE = "reference"


@dataclass(frozen=True)
class SliceArea:
    """A row of the table of slices.

    Attributes:
        method, dataset, participant, contrast, image: what it is of.
        grid: the group of images whose slices are the same places.
        cut: "soft", partial volumes counted, or the threshold as text, as "0.5".
        slice: number, 0 is the lowest.
        level: vertebral level (1 = C1), 0 where not known.
        area_mm2: at right angles to the cord; NaN where there is no cord.
    """

    method: str
    dataset: str
    participant: str
    contrast: str
    image: str
    grid: str
    cut: str
    slice: int
    level: int
    area_mm2: float


def cut_name(threshold: float | None) -> str:
    """How a cut is called in tables: "soft" for None, else the number."""
    return SOFT if threshold is None else f"{threshold:g}"


def slice_areas(
    case: Case,
    method: str,
    mask: Volume,
    cuts: Iterable[float | None],
    rescaling: str = "none",
    levels: dict[int, int] | None = None,
) -> tuple[list[SliceArea], list[str]]:
    """Measure a mask in all its slices.

    Args:
        case: the image.
        method: name of the method.
        mask: soft or binary.
        cuts: thresholds; None for the soft mask itself.
        rescaling: of :class:`SoftCordSegLib.morphometry.MeasureOptions`; "none" takes soft values
            as they are.
        levels: vertebral level by slice number.

    Returns:
        A row for each slice that has cord, and sentences on cuts that left nothing to measure.
    """
    rows, notes = [], []
    for threshold in cuts:
        options = MeasureOptions(threshold=threshold, rescaling=rescaling, interval=False)
        try:
            shape = measure(mask, options)
        except InputError as error:
            notes.append(f"{method}, {case.image.name}, {cut_name(threshold)}: no area. {error}")
            continue
        for number, area in areas_of(shape).items():
            level = (levels or {}).get(number, 0)
            start = (
                method,
                case.dataset,
                case.participant,
                case.contrast,
                case.image.name,
                case.grid,
                cut_name(threshold),
            )
            rows.append(SliceArea(*start, number, level, area))
    return rows, notes


def areas_of(shape: CordShape) -> dict[int, float]:
    """Area by slice number, mm², of the slices that have one."""
    return {
        int(n): float(area)
        for n, area in zip(shape.slices, shape.columns["area"])
        if math.isfinite(area)
    }


def spread_by_slice(
    areas: dict[str, dict[int, float]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Several contrasts on one grid, slice by slice.

    Args:
        areas: contrast to area by slice number, mm².

    Returns:
        (n,) slice numbers that all contrasts have, without the first and last (they may hold part
        of a cord only); (contrasts, n) areas; (n,) standard deviations over the contrasts, mm²,
        ddof 1 as the paper's.
    """
    common = (
        sorted(set.intersection(*(set(one) for one in areas.values())))[1:-1]
        if len(areas) > 1
        else []
    )
    table = np.array([[one[number] for number in common] for one in areas.values()]).reshape(
        len(areas), len(common)
    )
    spread = table.std(axis=0, ddof=1) if len(common) else np.empty(0)
    return np.array(common, int), table, spread
