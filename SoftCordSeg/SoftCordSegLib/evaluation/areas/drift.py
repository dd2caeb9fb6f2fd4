"""Drift of CSA from one release of a model to the next: what every user's numbers move by when the
program is updated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .csa import ImageArea


@dataclass(frozen=True)
class ReleaseDifference:
    """One image in two releases that follow each other.

    Attributes:
        dataset, participant, contrast, cut, place: what it is of.
        previous, release: names of the releases.
        previous_mm2, area_mm2: CSA by each.
        difference_mm2, difference_percent: release less previous, in per cent of the previous.
        flagged: beyond the limit.
    """

    dataset: str
    participant: str
    contrast: str
    cut: str
    place: str
    previous: str
    release: str
    previous_mm2: float
    area_mm2: float
    difference_mm2: float
    difference_percent: float
    flagged: bool


@dataclass(frozen=True)
class ReleaseDrift:
    """A release against the one before it, over all images that both have.

    Attributes:
        dataset, previous, release: what it is of.
        images: number compared.
        missing: number that only one of them has.
        mean_mm2, sd_mm2: of the differences; SD with ddof 1.
        mean_percent: of the differences in per cent.
        flagged: number of images beyond the limit.
    """

    dataset: str
    previous: str
    release: str
    images: int
    missing: int
    mean_mm2: float
    sd_mm2: float
    mean_percent: float
    flagged: int


def release_differences(
    areas: Sequence[ImageArea], releases: Sequence[str], limit_percent: float
) -> list[ReleaseDifference]:
    """Each image, each release against the one before.

    Args:
        areas: of all releases, of one cut and place.
        releases: their names, the oldest first.
        limit_percent: images whose CSA moved by more are flagged.
    """
    by_release: dict[str, dict[tuple, float]] = {name: {} for name in releases}
    for row in areas:
        if row.method in by_release:
            by_release[row.method][
                row.dataset, row.participant, row.contrast, row.cut, row.place
            ] = row.area_mm2
    found = []
    for previous, release in zip(releases, releases[1:]):
        before, after = by_release[previous], by_release[release]
        for key in before:
            if key in after:
                moved = after[key] - before[key]
                percent = 100.0 * moved / before[key]
                flagged = abs(percent) > limit_percent
                found.append(
                    ReleaseDifference(
                        *key, previous, release, before[key], after[key], moved, percent, flagged
                    )
                )
    return found


def release_drifts(
    areas: Sequence[ImageArea], differences: Sequence[ReleaseDifference], releases: Sequence[str]
) -> list[ReleaseDrift]:
    """Mean and SD of the differences, for each release after the first and each data set."""
    drifts = []
    for dataset in dict.fromkeys(row.dataset for row in areas):
        images = {
            name: {
                (r.participant, r.contrast)
                for r in areas
                if r.method == name and r.dataset == dataset
            }
            for name in releases
        }
        for previous, release in zip(releases, releases[1:]):
            own = [
                row
                for row in differences
                if (row.dataset, row.previous, row.release) == (dataset, previous, release)
            ]
            moved = [row.difference_mm2 for row in own]
            drifts.append(
                ReleaseDrift(
                    dataset,
                    previous,
                    release,
                    images=len(own),
                    missing=len(images[previous] ^ images[release]),
                    mean_mm2=float(np.mean(moved)) if own else math.nan,
                    sd_mm2=float(np.std(moved, ddof=1)) if len(own) > 1 else math.nan,
                    mean_percent=float(np.mean([row.difference_percent for row in own]))
                    if own
                    else math.nan,
                    flagged=sum(row.flagged for row in own),
                )
            )
    return drifts
