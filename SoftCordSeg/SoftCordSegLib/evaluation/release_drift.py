"""Drift of CSA from one release of a model to the next: what every user's numbers move by when the
program is updated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

_IMAGE = ["dataset", "participant", "contrast", "cut", "place"]
_DIFFERENCE_COLUMNS = [
    *_IMAGE,
    *("previous", "release", "previous_mm2", "area_mm2", "difference_mm2", "difference_percent"),
    "flagged",
]


def release_differences(
    areas: pd.DataFrame, releases: Sequence[str], limit_percent: float
) -> pd.DataFrame:
    """Each image, each release against the one before.

    Args:
        areas: of :func:`~.csa_frames.image_areas`, of all releases and one cut.
        releases: names of methods, the oldest first.
        limit_percent: images whose CSA moved by more are flagged.

    Returns:
        ``dataset, participant, contrast, cut, place, previous, release, previous_mm2, area_mm2,
        difference_mm2`` (release less previous), ``difference_percent`` (of the previous),
        ``flagged``.
    """
    parts = [pd.DataFrame(columns=_DIFFERENCE_COLUMNS).astype({"flagged": bool})]
    for previous, release in zip(releases, releases[1:]):
        before, after = (
            areas.loc[areas["method"] == name, [*_IMAGE, "area_mm2"]]
            for name in (previous, release)
        )
        both = before.merge(after, on=_IMAGE, suffixes=("_before", ""))
        both = both.rename(columns={"area_mm2_before": "previous_mm2"})
        both = both.assign(
            previous=previous,
            release=release,
            difference_mm2=both["area_mm2"] - both["previous_mm2"],
        )
        both["difference_percent"] = 100.0 * both["difference_mm2"] / both["previous_mm2"]
        both["flagged"] = both["difference_percent"].abs() > limit_percent
        parts.append(both[_DIFFERENCE_COLUMNS])
    whole = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(whole, ignore_index=True)


def release_drifts(
    areas: pd.DataFrame, differences: pd.DataFrame, releases: Sequence[str]
) -> pd.DataFrame:
    """Mean and SD of the differences, for each release after the first and each data set.

    Returns:
        ``dataset, previous, release, images`` (number compared), ``missing`` (number that only one
        of them has), ``mean_mm2, sd_mm2`` (of the differences, ddof 1), ``mean_percent``,
        ``flagged`` (number of images beyond the limit).
    """
    rows = []
    for dataset, own in areas.groupby("dataset", sort=False):
        images = own["method"].value_counts()
        for previous, release in zip(releases, releases[1:]):
            moved = differences[
                (differences["dataset"] == dataset)
                & (differences["previous"] == previous)
                & (differences["release"] == release)
            ]
            both = images.get(previous, 0) + images.get(release, 0)
            rows.append(
                {
                    "dataset": dataset,
                    "previous": previous,
                    "release": release,
                    "images": len(moved),
                    "missing": int(both) - 2 * len(moved),
                    "mean_mm2": moved["difference_mm2"].mean(),
                    "sd_mm2": moved["difference_mm2"].std(),
                    "mean_percent": moved["difference_percent"].mean(),
                    "flagged": int(moved["flagged"].sum()),
                }
            )
    columns = ["dataset", "previous", "release", "images", "missing"]
    return pd.DataFrame(rows, columns=[*columns, "mean_mm2", "sd_mm2", "mean_percent", "flagged"])


def drifts_beyond(drifts: pd.DataFrame, limit_percent: float) -> list[str]:
    """A sentence for each data set and release whose mean CSA moved by more than a limit, up or
    down, or of which no image could be compared; none where all is within it.

    Args:
        drifts: of :func:`release_drifts`.
        limit_percent: of the mean over images, at least 0.
    """
    found = [] if len(drifts) else ["Drift of CSA is unknown: there are no areas."]
    for row in drifts.itertuples(index=False):
        whose = f"{row.release}{f' in {row.dataset}' if row.dataset else ''}"
        if not row.images or math.isnan(row.mean_percent):
            found.append(f"Drift of CSA to {whose} is unknown: no image could be compared.")
        elif abs(row.mean_percent) > limit_percent:
            found.append(
                f"CSA moves by {row.mean_percent:+.2f} % from {row.previous} to {whose}, by more"
                f" than {limit_percent:g} %."
            )
    return found
