"""Several images of one subject side by side: the area of the same cord in each contrast, and its
SD over contrasts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ..bids_names import contrast_names, session_of
from .measure import Measured
from .request import CsaRequest

if TYPE_CHECKING:
    from ...morphometry import ContrastSpread, Summary


@dataclass(frozen=True)
class Compared:
    """One subject.

    Attributes:
        subject: its name, with its session; "" where the files do not say it.
        spreads: one for each level or range of levels, slice, or distance.
    """

    subject: str
    spreads: tuple[ContrastSpread, ...]


def compared_by(request: CsaRequest) -> str:
    """What tells places of the cord apart in all images: see
    :func:`SoftCordSegLib.morphometry.spread_over_contrasts`.
    """
    if request.pmj.distance_mm is not None and not request.grouping.per_slice:
        return "pmj"
    return (
        "levels" if request.grouping.needs_levels and not request.grouping.per_slice else "slices"
    )


def compare(
    measured: Sequence[Measured], subject: str | None = None, by: str = "levels"
) -> list[Compared]:
    """Join the masks of each subject.

    Args:
        measured: all masks.
        subject: all masks are of this one; None tells subjects apart by BIDS's "sub-" and "ses-".
        by: of :func:`compared_by`.

    Returns:
        Subjects in the order met; all have the same columns (a contrast that a subject lacks is
        NaN).

    Raises:
        InputError: no subject has more than one mask, or one has two masks of one name; slices of
            masks on different grids.
    """
    from ...morphometry import spread_over_contrasts

    groups: dict[str, dict[str, Summary]] = {}
    first: dict[str, Measured] = {}
    for one, contrast in zip(measured, contrast_names([one.path for one in measured])):
        key = session_of(one.path) if subject is None else subject
        group = groups.setdefault(key, {})
        if contrast in group:
            raise InputError(
                f"Two masks of one subject have the same name, {one.path.name}. Rename one by its"
                " contrast."
            )
        if by == "slices":
            _check_grid(first.setdefault(key, one), one)
        group[contrast] = one.summary
    if all(len(group) < 2 for group in groups.values()):
        raise InputError(
            "No subject has two masks that could be measured, so there is nothing to compare. If"
            " all masks are of one subject, name it with --subject."
        )
    contrasts = list(dict.fromkeys(name for group in groups.values() for name in group))
    compared = []
    for key, summaries in groups.items():
        spreads = spread_over_contrasts(summaries, by=by)
        whole = [
            replace(spread, values={name: spread.values.get(name, math.nan) for name in contrasts})
            for spread in spreads
        ]
        if whole:
            compared.append(Compared(key, tuple(whole)))
    if not compared:
        raise InputError(
            "None of the masks has an area at the places asked for, so there is nothing to compare."
        )
    return compared


def compare_text(compared: Sequence[Compared]) -> str:
    """One CSV table of all subjects, header first."""
    from ...morphometry import contrasts_csv_text

    texts = [contrasts_csv_text(one.spreads, one.subject) for one in compared]
    return texts[0] + "".join(text.split("\r\n", 1)[1] for text in texts[1:])


def compare_rows(compared: Sequence[Compared]) -> tuple[list[str], list[list[str]]]:
    """Columns and cells of the same table for the window."""
    contrasts = list(compared[0].spreads[0].values)
    rows = []
    for one in compared:
        for spread in one.spreads:
            values = [_shown(spread.values[name]) for name in contrasts]
            rows.append(
                [
                    one.subject,
                    spread.name,
                    *values,
                    _shown(spread.mean),
                    _shown(spread.sd),
                    _shown(spread.cv_percent),
                ]
            )
    place = {"levels": "Level", "slices": "Slices", "pmj": "From PMJ"}[compared[0].spreads[0].by]
    return ["Subject", place, *contrasts, "Mean", "SD", "CV, %"], rows


def mean_sd(compared: Sequence[Compared]) -> list[tuple[str, float, int]]:
    """Over subjects: (level, mean of the SDs over contrasts, number of subjects with one); the
    paper's figure.
    """
    sds: dict[str, list[float]] = {}
    for one in compared:
        for spread in one.spreads:
            if math.isfinite(spread.sd):
                sds.setdefault(spread.name, []).append(spread.sd)
    return [(name, sum(values) / len(values), len(values)) for name, values in sds.items()]


def compare_json(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    """The same in plain types; areas in mm²."""
    return [
        {
            "Subject": one.subject,
            "Levels": list(spread.levels),
            "Name": spread.name,
            "Area": {name: _number(value) for name, value in spread.values.items()},
            "Mean": _number(spread.mean),
            "SD": _number(spread.sd),
            "CVPercent": _number(spread.cv_percent),
        }
        for one in compared
        for spread in one.spreads
    ]


def _check_grid(one: Measured, other: Measured) -> None:
    if not one.shape.grid.same_as(other.shape.grid, tolerance_mm=1e-2):
        raise InputError(
            f"'{one.path.name}' and '{other.path.name}' have different grids, so that their slices"
            " are not the same places of the cord. Compare them by level (--vert, --perlevel) or"
            " by --pmj-distance."
        )


def _shown(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "-"


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
