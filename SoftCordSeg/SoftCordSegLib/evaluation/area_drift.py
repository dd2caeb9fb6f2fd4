"""By how much CSA moves from one model to another, over the images of a data set; without pandas,
which Slicer lacks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any


@dataclass(frozen=True)
class AreaDrift:
    """Of the images of one data set that both models have.

    Attributes:
        dataset: name; "" where there is one only.
        previous, release: names of the models.
        images: number compared.
        missing: number that only one of them has.
        mean_mm2, sd_mm2: of the differences, the release less the previous (ddof 1); NaN where
            there are none, or one.
        mean_percent: of the differences, in % of the previous.
        flagged: number of images that moved by more than a limit.
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


def area_drift(
    names: tuple[str, str, str],
    before: Mapping[Any, float],
    after: Mapping[Any, float],
    limit_percent: float = math.inf,
) -> AreaDrift:
    """The drift between the areas of two models.

    Args:
        names: of the data set, the previous model and the new one.
        before, after: area of each image, mm², by any key.
        limit_percent: images that moved by more are flagged.
    """
    both = [key for key in before if key in after]
    moved = [after[key] - before[key] for key in both]
    percent = [100.0 * step / before[key] for step, key in zip(moved, both)]
    return AreaDrift(
        *names,
        images=len(both),
        missing=len(before) + len(after) - 2 * len(both),
        mean_mm2=fmean(moved) if moved else math.nan,
        sd_mm2=stdev(moved) if len(moved) > 1 else math.nan,
        mean_percent=fmean(percent) if percent else math.nan,
        flagged=sum(abs(one) > limit_percent for one in percent),
    )


def drifts_beyond(drifts: Iterable[AreaDrift], limit_percent: float) -> list[str]:
    """A sentence for each data set and model whose mean CSA moved by more than a limit, up or down,
    or of which no image could be compared; none where all is within it.

    Args:
        drifts: or rows with the same fields.
        limit_percent: of the mean over images, at least 0.
    """
    rows = list(drifts)
    found = [] if rows else ["Drift of CSA is unknown: there are no areas."]
    for row in rows:
        whose = f"{row.release}{f' in {row.dataset}' if row.dataset else ''}"
        if not row.images or math.isnan(row.mean_percent):
            found.append(f"Drift of CSA to {whose} is unknown: no image could be compared.")
        elif abs(row.mean_percent) > limit_percent:
            found.append(
                f"CSA moves by {row.mean_percent:+.2f} % from {row.previous} to {whose}, by more"
                f" than {limit_percent:g} %."
            )
    return found
