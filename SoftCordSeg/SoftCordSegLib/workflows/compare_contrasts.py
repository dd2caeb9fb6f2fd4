"""Measured masks -> the contrasts of each participant side by side, with the SD over them: what
a comparison in the shell and the panel's *Compare* do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

from ..bids import contrast_names, session_of
from ..errors import InputError
from .csa_measure import CsaOptions, Measured

if TYPE_CHECKING:
    from ..morphometry import CommonRow, ContrastSpread


@dataclass(frozen=True)
class Compared:
    """One participant's contrasts side by side.

    Attributes:
        subject: its name, with its session; "" where the files do not tell it.
        spreads: one for each level or range of levels, slice, or distance; where the masks cannot
            be compared, a single one without values, whose notes are the problem.
        problem: why the masks cannot be compared; "" where they can.
    """

    subject: str
    spreads: tuple[ContrastSpread, ...]
    problem: str = ""

    def as_json(self) -> list[dict[str, Any]]:
        """A row each, in plain types; areas in mm²."""
        return [
            {
                "Subject": self.subject,
                "Levels": list(spread.levels),
                "Name": spread.name,
                "Area": {name: _number(value) for name, value in spread.values.items()},
                "Mean": _number(spread.mean),
                "SD": _number(spread.sd),
                "CVPercent": _number(spread.cv_percent),
                "Notes": spread.notes,
            }
            for spread in self.spreads
        ]


def compared_by(options: CsaOptions) -> str:
    """What identifies a stretch of cord in all images: see
    :func:`SoftCordSegLib.morphometry.spread_over_contrasts`.
    """
    if options.pmj.distance_mm is not None and not options.grouping.per_slice:
        return "pmj"
    return (
        "levels" if options.grouping.needs_levels and not options.grouping.per_slice else "slices"
    )


def compare_masks(
    measured: Sequence[Measured],
    options: CsaOptions,
    subject: str | None = None,
    *,
    whole: bool = False,
) -> list[Compared]:
    """Compare the masks of each participant; one whose masks cannot be compared does not stop the
    others.

    Args:
        measured: all masks.
        options: of the measurement.
        subject: all masks are of this participant; None tells participants apart by BIDS's "sub-"
            and "ses-".
        whole: as in :func:`compare_contrasts`.

    Returns:
        Participants in the order met; all have the same columns (a contrast that a participant
        lacks is NaN).

    Raises:
        InputError: nothing to compare: no participant has more than one mask, or none could be
            compared (two masks of one name; slices of masks on different grids).
    """
    groups: dict[str, dict[str, Measured]] = {}
    problems: dict[str, InputError] = {}
    for one, contrast in zip(measured, contrast_names([one.path for one in measured])):
        key = session_of(one.path) if subject is None else subject
        group = groups.setdefault(key, {})
        if contrast in group:
            problems.setdefault(key, _same_name(one))
        group.setdefault(contrast, one)
    if not problems and all(len(group) < 2 for group in groups.values()):
        raise InputError(
            "No participant has two masks that could be measured, so there is nothing to compare.",
            hint="If all masks are of one participant, name it.",
        )
    contrasts = list(dict.fromkeys(name for group in groups.values() for name in group))
    compared = []
    for key, group in groups.items():
        try:
            if key in problems:
                raise problems[key]
            compared.append(compare_contrasts(group, options, key, contrasts, whole=whole))
        except InputError as error:
            problems[key] = error
            row = _without_values(contrasts, compared_by(options), str(error))
            compared.append(Compared(key, (row,), str(error)))
    if not any(one.spreads and not one.problem for one in compared):
        raise next(iter(problems.values()), _nothing())
    return [one for one in compared if one.spreads]


def compare_contrasts(
    images: Mapping[str, Measured],
    options: CsaOptions,
    subject: str = "",
    contrasts: Sequence[str] | None = None,
    *,
    whole: bool = False,
) -> Compared:
    """The contrasts of one participant side by side, over the cord that all of them show.

    Args:
        images: measured masks, by contrast; levels are those of one world.
        options: whose rows are compared; of levels, slices or a distance from the junction.
        subject: name of the participant.
        contrasts: columns; one that the participant lacks is NaN.  None for those of ``images``.
        whole: of a level that an image shows in part, take all that each shows; a note says so.

    Raises:
        InputError: slices of masks on different grids; rows that are no levels.
    """
    by = compared_by(options)
    if by == "slices":
        _check_grids(list(images.values()))
    spreads = _spreads(images, options, by, whole)
    names = list(images) if contrasts is None else contrasts
    return Compared(
        subject,
        tuple(
            replace(spread, values={name: spread.values.get(name, nan) for name in names})
            for spread in spreads
        ),
    )


def mean_sd(compared: Sequence[Compared]) -> list[tuple[str, float, int]]:
    """Over participants: (level, mean of the SDs over contrasts, number of participants with one);
    the paper's figure.
    """
    sds: dict[str, list[float]] = {}
    for one in compared:
        for spread in one.spreads:
            if isfinite(spread.sd):
                sds.setdefault(spread.name, []).append(spread.sd)
    return [(name, sum(values) / len(values), len(values)) for name, values in sds.items()]


def _spreads(
    images: Mapping[str, Measured], options: CsaOptions, by: str, whole: bool
) -> list[ContrastSpread]:
    from ..morphometry import levels_in_common, slices_in_common, spread_over_contrasts

    grouping = options.grouping
    shapes = {name: one.shape for name, one in images.items()}
    if by == "levels":
        # On PAM50's slices numbers of the mask's slices have been refused.
        groups = (
            [(level,) for level in grouping.levels or _levels_found(images)]
            if grouping.per_level
            else [tuple(grouping.levels or ())]
        )
        common = [
            levels_in_common(shapes, group, slices=grouping.slices, whole=whole)
            for group in dict.fromkeys(groups)
        ]
    elif by == "slices" and grouping.slices is not None and not grouping.per_slice:
        common = [slices_in_common(shapes, grouping.slices, whole=whole)]
    else:  # single slices; around the junction a mask that ends too early has been refused
        return spread_over_contrasts({name: one.summary for name, one in images.items()}, by=by)
    return sorted(
        (spread for group in common for spread in _of_group(group, by)),
        key=lambda spread: spread.levels,
    )


def _of_group(group: CommonRow, by: str) -> list[ContrastSpread]:
    from ..morphometry import spread_over_contrasts

    found = []
    for spread in spread_over_contrasts({name: [row] for name, row in group.rows.items()}, by=by):
        notes = "; ".join(filter(None, (spread.notes, group.note)))
        spread = replace(spread, notes=notes, is_part=group.is_part)
        if not group.compared:
            spread = replace(spread, mean=nan, sd=nan)
        found.append(spread)
    return found


def _levels_found(images: Mapping[str, Measured]) -> list[int]:
    found = (one.shape.levels for one in images.values())
    return sorted({int(n) for levels in found if levels is not None for n in levels} - {0})


def _check_grids(masks: Sequence[Measured]) -> None:
    for other in masks[1:]:
        if not masks[0].shape.grid.same_as(other.shape.grid, tolerance_mm=1e-2):
            raise InputError(
                f"'{masks[0].path.name}' and '{other.path.name}' have different grids, so that"
                " slices of one number lie elsewhere along the cord.",
                hint="Compare them by level, or by the distance from the junction (PMJ).",
            )


def _same_name(one: Measured) -> InputError:
    return InputError(
        "Two masks of one participant have this name.",
        path=one.path.name,
        hint="Rename one by its contrast.",
    )


def _nothing() -> InputError:
    return InputError(
        "None of the masks has an area in the slices or levels asked for, so there is nothing to"
        " compare.",
        hint="Choose others.",
    )


def _without_values(contrasts: Sequence[str], by: str, note: str) -> ContrastSpread:
    from ..morphometry import ContrastSpread

    return ContrastSpread("", (), dict.fromkeys(contrasts, nan), nan, nan, by, note)


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
