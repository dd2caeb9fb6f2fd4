"""Drift of CSA from one release of a model to the next: what every user's numbers move by when the
program is updated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields, replace

import pandas as pd

from .area_drift import AreaDrift, area_drift

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
        The fields of :class:`~.area_drift.AreaDrift`.
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
            before, after = (dict(enumerate(moved[key])) for key in ("previous_mm2", "area_mm2"))
            both = int(images.get(previous, 0) + images.get(release, 0))
            row = area_drift((str(dataset), previous, release), before, after)
            flagged = int(moved["flagged"].sum())
            rows.append(replace(row, missing=both - 2 * len(moved), flagged=flagged))
    return pd.DataFrame(
        [asdict(row) for row in rows], columns=[field.name for field in fields(AreaDrift)]
    )
