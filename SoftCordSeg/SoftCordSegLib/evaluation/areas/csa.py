"""The paper's numbers of CSA: of each image, its error against the reference, and its SD over a
participant's contrasts.

The published numbers are of masks cut at 0.5 (what the authors call "soft_bin"); here any cut can
be asked for, "soft" too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .place import COMMON, Place, slices_there
from .slices import REFERENCE, SliceArea


@dataclass(frozen=True)
class ImageArea:
    """A row of the table of CSA by image.

    Attributes:
        method, dataset, participant, contrast, grid, cut, place: what it is of.
        slices: number of slices averaged.
        area_mm2: mean over them.
        reference_mm2: of the reference in the same place; NaN without one.
        error_mm2: area less reference.
        absolute_error_mm2: the same without its sign, the paper's measure.
    """

    method: str
    dataset: str
    participant: str
    contrast: str
    grid: str
    cut: str
    place: str
    slices: int
    area_mm2: float
    reference_mm2: float
    error_mm2: float
    absolute_error_mm2: float

    @property
    def is_comparable(self) -> bool:
        """True if the participant's other contrasts show the same piece of cord: by level, by
        slice, or on one grid.
        """
        return self.place != COMMON or bool(self.grid)


@dataclass(frozen=True)
class ParticipantSpread:
    """A row of the table of CSA by participant.

    Attributes:
        method, dataset, participant, cut, place: what it is of.
        contrasts: number of contrasts.
        area_mm2: mean over them.
        sd_mm2: standard deviation over them, ddof 1 as the paper's.
        cv_percent: the same, of the mean.
    """

    method: str
    dataset: str
    participant: str
    cut: str
    place: str
    contrasts: int
    area_mm2: float
    sd_mm2: float
    cv_percent: float


def image_areas(rows: Sequence[SliceArea], cut: str, place: Place) -> list[ImageArea]:
    """CSA of each image: the mean over its slices in the place, not the mean of its levels' means.

    By levels or slices the mask and the reference are each averaged over their own slices, as SCT
    does it; in the slices in common both over those that both have.
    """
    there = slices_there([row for row in rows if row.cut == cut], place)
    references = {key[1:]: areas for key, areas in there.items() if key[0] == REFERENCE}
    if (
        place.is_common
    ):  # the mask says which slices; the reference's own ends were left out already
        everything = slices_there(
            [row for row in rows if row.cut == cut and row.method == REFERENCE], _everywhere(rows)
        )
        references = {key[1:]: areas for key, areas in everything.items()}
    grids = {(row.dataset, row.participant, row.contrast): row.grid for row in rows}
    found = []
    for (method, dataset, participant), contrasts in there.items():
        for contrast, areas in contrasts.items():
            known = references.get((dataset, participant), {}).get(contrast, {})
            who = (
                method,
                dataset,
                participant,
                contrast,
                grids[dataset, participant, contrast],
                cut,
                place.name,
            )
            start = (*who, len(areas), float(np.mean(list(areas.values()))))
            found.append(ImageArea(*start, *_error(areas, known, method, place)))
    return found


def participant_spreads(areas: Sequence[ImageArea]) -> list[ParticipantSpread]:
    """SD over contrasts, for every participant who has at least two that show the same piece of
    cord.
    """
    groups: dict[tuple, list[float]] = {}
    for row in areas:
        if row.is_comparable:
            groups.setdefault(
                (row.method, row.dataset, row.participant, row.cut, row.place), []
            ).append(row.area_mm2)
    spreads = []
    for key, values in groups.items():
        if len(values) > 1:
            mean, sd = float(np.mean(values)), float(np.std(values, ddof=1))
            spreads.append(ParticipantSpread(*key, len(values), mean, sd, 100.0 * sd / mean))
    return spreads


def _error(
    areas: dict[int, float], known: dict[int, float], method: str, place: Place
) -> tuple[float, float, float]:
    """Area of the reference, error, absolute error; mm²."""
    if place.is_common:
        both = set(areas) & set(known)
        areas = {number: areas[number] for number in both}
        known = {number: known[number] for number in both}
    if not known or not areas:
        return math.nan, math.nan, math.nan
    truth = float(np.mean(list(known.values())))
    if method == REFERENCE:
        return truth, math.nan, math.nan
    error = float(np.mean(list(areas.values()))) - truth
    return truth, error, abs(error)


def _everywhere(rows: Sequence[SliceArea]) -> Place:
    return Place(slices=tuple(sorted({row.slice for row in rows})), name="all slices")
