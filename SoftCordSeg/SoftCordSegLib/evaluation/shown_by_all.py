"""The cord that all contrasts of a participant show of a range of levels or slices, so that a level
that one of them covers in part is compared over the same part in all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..morphometry import level_name, reached_by_all, stretch_note
from .slice_areas import CordRange

_PARTICIPANT = ["method", "dataset", "participant", "cut"]
_IMAGE = [*_PARTICIPANT, "contrast"]


@dataclass(frozen=True, eq=False)
class ShownByAll:
    """Which slices of a range are averaged.

    Attributes:
        kept: by the index of the slices, True for those that are.
        places: by image (:data:`_IMAGE`), what the range is called: its own name, or of a part the
            levels in it.
        compared: by image, False where the participant's contrasts have no cord in common.
        notes: by image, sentences.
    """

    kept: pd.Series
    places: dict[tuple, str]
    compared: dict[tuple, bool]
    notes: dict[tuple, str]

    def described(self, areas: pd.DataFrame) -> pd.DataFrame:
        """The rows of images with their place, whether they are compared, and notes."""
        keys = list(areas[_IMAGE].itertuples(index=False, name=None))
        return areas.assign(
            place=[self.places[key] for key in keys],
            compared=np.array([self.compared[key] for key in keys], bool),
            notes=[self.notes[key] for key in keys],
        )


def shown_by_all(rows: pd.DataFrame, inside: pd.DataFrame, cord_range: CordRange) -> ShownByAll:
    """Leave out what not all contrasts of a participant show.

    Levels are looked at where a mask ends within the range, by the heights of the masks' ends in
    the scanner's coordinates; slices by their numbers.  A range that is whole in all contrasts
    stays as it is.

    Args:
        rows: of :class:`~.slice_areas.SliceArea`, all slices.
        inside: those within the range.
        cord_range: not the slices in common.
    """
    result = ShownByAll(pd.Series(True, index=inside.index), {}, {}, {})
    ends = rows.groupby(_IMAGE).agg(
        first=("slice", "min"),
        last=("slice", "max"),
        low=("height_mm", "min"),
        high=("height_mm", "max"),
    )
    for key, own in inside.groupby(_PARTICIPANT, sort=False):
        contrasts = list(own["contrast"].unique())
        shown = ends.loc[[(*key, contrast) for contrast in contrasts]]
        kept, open_in = (
            _by_height(own, shown, contrasts)
            if cord_range.levels
            else _by_number(own, contrasts, cord_range)
        )
        lost = kept.groupby(own["contrast"]).any().reindex(contrasts)
        compared = bool(lost.all())
        if not compared:
            kept[:] = True
        result.kept[own.index] = kept
        place = _place(own[kept], cord_range)
        for contrast in contrasts:
            image = (*key, contrast)
            result.places[image], result.compared[image] = place, compared
            result.notes[image] = stretch_note(
                cord_range.name, open_in, not bool(kept.all()), compared
            )
    return result


def _by_height(
    own: pd.DataFrame, shown: pd.DataFrame, contrasts: Sequence[str]
) -> tuple[pd.Series, list[str]]:
    """Which slices are kept, and the contrasts whose masks end within the range."""
    kept, open_in = pd.Series(True, index=own.index), []
    numbers = own.groupby("contrast")["slice"].agg(["min", "max"]).loc[list(contrasts)]
    open_below = numbers["min"].to_numpy() == shown["first"].to_numpy()
    open_above = numbers["max"].to_numpy() == shown["last"].to_numpy()
    low = shown["low"].max() if open_below.any() else -np.inf
    high = shown["high"].min() if open_above.any() else np.inf
    if np.isnan([low, high]).any():  # heights that are not known
        return kept, []
    for at, contrast in enumerate(contrasts):
        one = shown.iloc[at]
        step = (one["high"] - one["low"]) / max(one["last"] - one["first"], 1)
        slices = own[own["contrast"] == contrast]
        kept[slices.index] = reached_by_all(slices["height_mm"].to_numpy(), low, high, step)
        if open_below[at] or open_above[at]:
            open_in.append(contrast)
    return kept, open_in


def _by_number(
    own: pd.DataFrame, contrasts: Sequence[str], cord_range: CordRange
) -> tuple[pd.Series, list[str]]:
    """The same of slices."""
    shown = own.groupby("slice")["contrast"].transform("nunique")
    counts = own.groupby("contrast")["slice"].nunique()
    open_in = [name for name in contrasts if counts[name] < len(cord_range.slices)]
    return shown == len(contrasts), open_in


def _place(kept: pd.DataFrame, cord_range: CordRange) -> str:
    """The range's own name where all its levels are there, else the levels that are."""
    there = sorted(int(level) for level in kept["level"].unique())
    if not cord_range.levels or there == sorted(cord_range.levels):
        return cord_range.name
    return ",".join(map(level_name, there))
