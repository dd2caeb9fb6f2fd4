"""The paper's tables 1 to 3, one of its CSA figures in numbers, and a comparison of thresholds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ..areas.csa import ImageArea, ParticipantSpread
from ..areas.slices import REFERENCE
from ..masks.score import ImageScore
from ..resolutions import ResolutionArea
from .table import Column, MeanSd, PaperTable

_AGREEMENT = (
    Column("dice", "Dice", 3, best=1.0),
    Column("rve_percent", "RVE, %", 2, best=0.0),
    Column("asd_mm", "ASD, mm", 3, best=0.0),
)
_WHAT = "Means and standard deviations"


def contrasts_table(scores: Sequence[ImageScore]) -> PaperTable:
    """Table 1: each method's agreement with the reference, by contrast."""
    caption = (
        f"{_WHAT} over participants, by contrast. RVE: relative volume error; ASD: average surface"
        " distance."
    )
    return _agreement(
        "table1_contrasts",
        caption,
        scores,
        ("Contrast", "Method"),
        lambda row: (row.contrast, row.method),
        (0,),
    )


def methods_table(scores: Sequence[ImageScore]) -> PaperTable:
    """Table 2: methods over all images."""
    caption = f"{_WHAT} over all images. RVE: relative volume error; ASD: average surface distance."
    return _agreement("table2_methods", caption, scores, ("Method",), lambda row: (row.method,))


def datasets_table(scores: Sequence[ImageScore]) -> PaperTable:
    """Table 3: methods by data set, with the number of participants."""
    people: dict[str, set[str]] = {}
    for row in scores:
        if math.isfinite(row.dice):
            people.setdefault(row.dataset, set()).add(row.participant)
    caption = (
        f"{_WHAT} over images, by data set (n participants). RVE: relative volume error; ASD:"
        " average surface distance."
    )
    return _agreement(
        "table3_datasets",
        caption,
        scores,
        ("Data set", "n", "Method"),
        lambda row: (row.dataset or "all", str(len(people.get(row.dataset, ()))), row.method),
        (0,),
    )


def csa_table(areas: Sequence[ImageArea], spreads: Sequence[ParticipantSpread]) -> PaperTable:
    """CSA by method: its mean, its SD over each participant's contrasts, its absolute error."""
    methods = list(dict.fromkeys(row.method for row in areas))
    rows = []
    for method in methods:
        own = [row for row in areas if row.method == method]
        spread = [row for row in spreads if row.method == method]
        errors = [row.absolute_error_mm2 for row in own]
        numbers = (
            [r.area_mm2 for r in own],
            [r.sd_mm2 for r in spread],
            [r.cv_percent for r in spread],
            errors,
        )
        rows.append(((method,), tuple(MeanSd.of(one) for one in numbers)))
    columns = (
        Column("csa_mm2", "CSA, mm²", 2),
        Column("sd_mm2", "SD over contrasts, mm²", 2, best=0.0),
        Column("cv_percent", "SD over contrasts, %", 2, best=0.0),
        Column("absolute_error_mm2", "Absolute error, mm²", 2, best=0.0),
    )
    what = (
        f"{areas[0].place}, {areas[0].cut if areas[0].cut == 'soft' else 'cut at ' + areas[0].cut}"
        if areas
        else ""
    )
    caption = (
        f"Cross-sectional area ({what}): mean over images, SD over the contrasts of each"
        " participant, absolute error."
    )
    return PaperTable("table4_csa", caption, ("Method",), columns, tuple(rows))


def thresholds_table(
    scores: Sequence[ImageScore],
    areas: dict[str, Sequence[ImageArea]],
    spreads: dict[str, Sequence[ParticipantSpread]],
) -> PaperTable:
    """What the choice of the threshold does.

    Args:
        scores: at all thresholds.
        areas, spreads: by cut, "soft" included.
    """
    columns = (
        Column("dice", "Dice", 3),
        Column("rve_percent", "RVE, %", 2),
        Column("csa_mm2", "CSA, mm²", 2),
        Column("absolute_error_mm2", "Absolute error, mm²", 2),
        Column("sd_mm2", "SD over contrasts, mm²", 2),
    )
    rows = []
    known = any(row.method == REFERENCE for images in areas.values() for row in images)
    for method in dict.fromkeys([*([REFERENCE] if known else []), *(row.method for row in scores)]):
        for cut, images in areas.items():
            at = [row for row in scores if row.method == method and f"{row.threshold:g}" == cut]
            own = [row for row in images if row.method == method]
            spread = [row.sd_mm2 for row in spreads[cut] if row.method == method]
            numbers = (
                [row.dice for row in at],
                [row.volume_error_percent for row in at],
                [row.area_mm2 for row in own],
                [row.absolute_error_mm2 for row in own],
                spread,
            )
            rows.append(((method, cut), tuple(MeanSd.of(one) for one in numbers)))
    caption = (
        "The same masks, soft and cut at several thresholds; Dice and RVE have the reference cut"
        " alike."
    )
    return PaperTable("thresholds", caption, ("Method", "Cut"), columns, tuple(rows))


def resolutions_table(rows: Sequence[ResolutionArea]) -> PaperTable:
    """What the voxel size does to CSA."""
    groups: dict[tuple[str, ...], list[ResolutionArea]] = {}
    for row in rows:
        groups.setdefault((row.method, row.resolution, row.resampled), []).append(row)
    columns = (
        Column("csa_mm2", "CSA, mm²", 2),
        Column("difference_mm2", "Difference, mm²", 2),
        Column("difference_percent", "Difference, %", 2),
    )
    cells = tuple(
        (
            words,
            tuple(
                MeanSd.of([getattr(row, column.key.replace("csa", "area")) for row in group])
                for column in columns
            ),
        )
        for words, group in groups.items()
    )
    place = rows[0].place if rows else ""
    caption = (
        f"CSA ({place}) of the same images at other voxel sizes (R-L x A-P x S-I), and its"
        " difference from the native one."
    )
    return PaperTable("resolutions", caption, ("Method", "Resolution", "Resampled"), columns, cells)


def _agreement(
    name: str,
    caption: str,
    scores: Sequence[ImageScore],
    labels: tuple[str, ...],
    key: Callable[[ImageScore], tuple[str, ...]],
    within: tuple[int, ...] = (),
) -> PaperTable:
    groups: dict[tuple[str, ...], list[ImageScore]] = {}
    for row in scores:
        if row.method != REFERENCE and math.isfinite(row.dice):  # only images with a reference
            groups.setdefault(key(row), []).append(row)
    rows = tuple(
        (
            words,
            (
                MeanSd.of([row.dice for row in group]),
                MeanSd.of([row.volume_error_percent for row in group]),
                MeanSd.of([row.surface_distance_mm for row in group]),
            ),
        )
        for words, group in groups.items()
    )
    return PaperTable(name, caption, labels, _AGREEMENT, rows, within)
