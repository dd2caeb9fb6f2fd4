"""The paper's numbers of CSA: of each image, its error against the reference, and its SD over a
participant's contrasts; and SD over contrasts slice by slice where images share a grid.

The published numbers are of masks cut at 0.5 (what the authors call "soft_bin"); here there are
rows of every cut, "soft" too.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .shown_by_all import shown_by_all
from .slice_areas import REFERENCE, CordRange

_IMAGE = ["dataset", "participant", "contrast"]
_METHOD_IMAGE = ["method", *_IMAGE]
_TYPES = {"float": float, "int": int, "bool": bool}


def frame_of(rows: Iterable[Any], kind: type) -> pd.DataFrame:
    """A frame with a row for each of ``rows``, which are dataclasses of one ``kind``."""
    fields = dataclasses.fields(kind)
    frame = pd.DataFrame([vars(row) for row in rows], columns=[field.name for field in fields])
    return frame.astype({f.name: _TYPES[f.type] for f in fields if f.type in _TYPES})


def image_areas(slices: pd.DataFrame, cord_range: CordRange) -> pd.DataFrame:
    """CSA of each image: the mean over its slices in the range, not the mean of its levels' means.

    Where contrasts of one participant show the range in part, the areas are over the cord that all
    of them show (see :func:`~.shown_by_all.shown_by_all`).  For the error by levels or slices the
    mask and the reference are each averaged over their own slices, as SCT does it; in the slices in
    common both over those that both have.

    Args:
        slices: of :class:`~.slice_areas.SliceArea`, all cuts.
        cord_range: which slices.

    Returns:
        By cut, method and image: ``method, dataset, participant, contrast, grid, cut, place`` (the
        range's name, or of a part the levels in it), ``slices`` (their number), ``area_mm2``,
        ``reference_mm2`` (NaN without one), ``error_mm2`` (area less reference),
        ``absolute_error_mm2`` (the paper's measure), ``compared`` (whether the participant's other
        contrasts show the same cord), ``notes``.
    """
    rows = _by_cut_and_method(slices)
    shown = None
    if cord_range.is_common:
        inside = _common_slices(rows)
        # The mask says which slices; the reference's own ends were left out already.
        known = rows[rows["method"] == REFERENCE]
        on = [*_IMAGE, "cut", "slice"]
    else:
        inside = rows[rows["level"].isin(cord_range.levels) | rows["slice"].isin(cord_range.slices)]
        known = inside[inside["method"] == REFERENCE]
        known = known.groupby([*_IMAGE, "cut"], sort=False, as_index=False)["area_mm2"].mean()
        on = [*_IMAGE, "cut"]
        shown = shown_by_all(rows, inside, cord_range)
    keys = [*_METHOD_IMAGE, "grid", "cut"]
    averaged = inside if shown is None else inside[shown.kept]
    areas = averaged.groupby(keys, sort=False, as_index=False).agg(
        slices=("slice", "size"), area_mm2=("area_mm2", "mean")
    )
    areas.insert(len(keys), "place", cord_range.name)
    both = inside.merge(known[[*on, "area_mm2"]], on=on, suffixes=("", "_known"))
    means = both.groupby([*_METHOD_IMAGE, "cut"], as_index=False).agg(
        own_mm2=("area_mm2", "mean"), reference_mm2=("area_mm2_known", "mean")
    )
    areas = areas.merge(means, on=[*_METHOD_IMAGE, "cut"], how="left")
    error = areas.pop("own_mm2") - areas["reference_mm2"]
    areas["error_mm2"] = error.where(areas["method"] != REFERENCE)
    areas["absolute_error_mm2"] = areas["error_mm2"].abs()
    areas["compared"] = (
        areas["grid"] != "" if cord_range.is_common else pd.Series(True, index=areas.index)
    )
    areas["notes"] = ""
    return areas if shown is None else shown.described(areas)


def comparable(areas: pd.DataFrame) -> pd.DataFrame:
    """The rows of :func:`image_areas` whose participant's other contrasts show the same stretch of
    cord: by level, by slice, or on one grid.
    """
    return areas[areas["compared"]]


def participant_spreads(areas: pd.DataFrame) -> pd.DataFrame:
    """SD over contrasts, for every participant who has at least two that show the same stretch of
    cord.

    Args:
        areas: of :func:`image_areas`.

    Returns:
        ``method, dataset, participant, cut, place, contrasts`` (their number), ``area_mm2`` (mean
        over them), ``sd_mm2`` (ddof 1 as the paper's), ``cv_percent`` (the SD, of the mean),
        ``notes``.
    """
    keys = ["method", "dataset", "participant", "cut", "place"]
    spreads = (
        comparable(areas)
        .groupby(keys, sort=False, as_index=False)
        .agg(
            contrasts=("area_mm2", "size"),
            area_mm2=("area_mm2", "mean"),
            sd_mm2=("area_mm2", "std"),
            notes=("notes", lambda notes: " ".join(dict.fromkeys(filter(None, notes)))),
        )
    )
    spreads = spreads[spreads["contrasts"] > 1].reset_index(drop=True)
    notes = spreads.pop("notes")
    spreads["cv_percent"] = 100.0 * spreads["sd_mm2"] / spreads["area_mm2"]
    return spreads.assign(notes=notes)


def grid_spreads(slices: pd.DataFrame, contrasts_of: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """The same cord in several contrasts on one grid: what differs from slice to slice is error. It
    needs no reference.

    Args:
        slices: of :class:`~.slice_areas.SliceArea`, of all methods and images.
        contrasts_of: grid to the contrasts it has in the table of cases: a contrast in which a
            method found nothing makes its row NaN.

    Returns:
        ``method, dataset, participant, grid, cut, contrasts`` (their names), ``slices`` (number
        compared, without the first and the last), ``area_mm2`` (mean over slices and contrasts),
        ``sd_mm2`` (median over slices of the SD over contrasts, ddof 1), ``sd_percent`` (the same,
        of the slice's mean area), ``by_contrast`` (mean area by contrast).
    """
    several = {grid: list(names) for grid, names in contrasts_of.items() if len(names) > 1}
    keys = ["method", "dataset", "participant", "grid", "cut"]
    rows = []
    for key, own in slices[slices["grid"].isin(list(several))].groupby(keys, sort=False):
        contrasts = several[key[3]]
        row = {**dict(zip(keys, key)), **_grid_spread(own, contrasts)}
        # A reference of some contrasts only is not an error of a method.
        if row["slices"] or row["method"] != REFERENCE:
            rows.append(row)
    numbers = ["contrasts", "slices", "area_mm2", "sd_mm2", "sd_percent", "by_contrast"]
    return pd.DataFrame(rows, columns=[*keys, *numbers])


def _grid_spread(slices: pd.DataFrame, contrasts: list[str]) -> dict[str, Any]:
    row = {"contrasts": " ".join(contrasts), "slices": 0, "by_contrast": ""}
    row.update(dict.fromkeys(("area_mm2", "sd_mm2", "sd_percent"), math.nan))
    table = slices.pivot(index="slice", columns="contrast", values="area_mm2")
    table = table.reindex(columns=contrasts).dropna().iloc[1:-1]
    if table.empty:
        return row
    spread = table.std(axis=1, ddof=1)
    return {
        **row,
        "slices": len(table),
        "area_mm2": float(table.to_numpy().mean()),
        "sd_mm2": float(spread.median()),
        "sd_percent": float(100.0 * (spread / table.mean(axis=1)).median()),
        "by_contrast": " ".join(f"{name}={mean:.2f}" for name, mean in table.mean().items()),
    }


def _by_cut_and_method(slices: pd.DataFrame) -> pd.DataFrame:
    """By cut, then by method and participant, each in the order of its first row."""
    cut, owner = (
        slices.groupby(keys, sort=False).ngroup()
        for keys in (["cut"], ["method", "dataset", "participant"])
    )
    return slices.iloc[np.lexsort((owner, cut))]


def _common_slices(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each contrast the slices that all contrasts of its grid have, without the ends."""
    alone = rows["grid"] == ""
    rows = rows.assign(group=rows["grid"].where(~alone, rows["contrast"]), alone=alone)
    keys = ["method", "dataset", "participant", "cut", "group", "alone"]
    contrasts = rows.groupby(keys)["contrast"].transform("nunique")
    shared = rows[rows.groupby([*keys, "slice"])["contrast"].transform("nunique") == contrasts]
    numbers = shared.groupby(keys)["slice"]
    inner = (shared["slice"] > numbers.transform("min")) & (
        shared["slice"] < numbers.transform("max")
    )
    return shared[inner].drop(columns=["group", "alone"])
