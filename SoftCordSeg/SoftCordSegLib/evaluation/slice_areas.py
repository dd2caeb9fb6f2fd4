"""The area of every slice of a mask, soft and at each threshold: the table that all numbers of CSA
are made from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import InputError
from ..morphometry import CordShape, MeasureOptions, measure
from ..volume import Volume
from .case_table import Case

SOFT = "soft"
# The name of references in the column of methods.
REFERENCE = "reference"
COMMON = "common slices"


@dataclass(frozen=True)
class CordRange:
    """A stretch of cord, given by vertebral levels or by slices.

    Attributes:
        levels: vertebral levels (2 = C2): each image has its own slices there.
        slices: slice numbers (0 is the lowest).
        name: in tables.

    Without either it is what the images have in common: on a grid the slices in which all contrasts
    have cord, without the first and the last; of an image without a grid, all its own slices but
    the first and the last.
    """

    levels: tuple[int, ...] = ()
    slices: tuple[int, ...] = ()
    name: str = COMMON

    @property
    def is_common(self) -> bool:
        """True if the images themselves say which slices."""
        return not self.levels and not self.slices


C2_C3 = CordRange(levels=(2, 3), name="C2:C3")


def usual_range(cases: Iterable[Case]) -> CordRange:
    """C2 and C3, as the paper's, where the levels of all images are known; else what the images
    have in common.
    """
    return C2_C3 if all(case.discs or case.levels for case in cases) else CordRange()


@dataclass(frozen=True)
class SliceArea:
    """A row of the table of slices.

    Attributes:
        method, dataset, participant, contrast, image: what it is of.
        grid: the group of images whose slices show the same stretch of cord.
        cut: "soft", partial volumes counted, or the threshold as text, as "0.5".
        slice: number, 0 is the lowest.
        level: vertebral level (1 = C1), 0 where not known.
        area_mm2: at right angles to the cord; NaN where there is no cord.
        height_mm: of the cord's middle, towards S in the scanner's coordinates.
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
    height_mm: float = math.nan


def cut_name(threshold: float | None) -> str:
    """The name of a cut in tables: "soft" for None, else the number."""
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
        heights = dict(zip(map(int, shape.slices), map(float, shape.centres_mm[:, 2])))
        for number, area in areas_of(shape).items():
            level = (levels or {}).get(number, 0)
            rows.append(
                SliceArea(
                    method,
                    case.dataset,
                    case.participant,
                    case.contrast,
                    case.image.name,
                    case.grid,
                    cut_name(threshold),
                    number,
                    level,
                    area,
                    heights[number],
                )
            )
    return rows, notes


def areas_of(shape: CordShape) -> dict[int, float]:
    """Area by slice number, mm², of the slices that have one."""
    return {
        int(n): float(area)
        for n, area in zip(shape.slices, shape.columns["area"])
        if math.isfinite(area)
    }
