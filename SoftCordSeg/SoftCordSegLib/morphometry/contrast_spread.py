"""Several images of one participant side by side: the same cord has one area, whatever the
contrast.

The spread of the area over contrasts is the paper's own measure of a contrast-agnostic
segmentation.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..files import safe_cell
from .aggregate import LevelSummary
from .level_names import slice_ranges

_POSITION_COLUMNS = {
    "levels": ("VertLevel", "LevelName"),
    "slices": ("Slice (I->S)",),
    "pmj": ("DistancePMJ",),
}


@dataclass(frozen=True)
class ContrastSpread:
    """One measure at one position along the cord (a level or range of levels, slices, or a
    distance) over several images of a participant.

    Attributes:
        name: of the position, as "C2:C3", "5:15" or "60 mm".
        levels: the vertebral levels; empty where positions are slices or distances.
        values: mean over slices, by image; NaN where the image does not reach.
        mean: over the images.
        sd: sample standard deviation over the images (ddof 1, as in the paper); NaN for fewer than
            two.
        by: "levels", "slices" or "pmj", see :func:`spread_over_contrasts`.
        notes: what is doubtful in the images' values, as that one shows a part of the level only;
            "" for nothing.
        is_part: some image shows only a part of the levels or slices.
    """

    name: str
    levels: tuple[int, ...]
    values: dict[str, float]
    mean: float
    sd: float
    by: str = "levels"
    notes: str = ""
    is_part: bool = False

    @property
    def cv_percent(self) -> float:
        """Coefficient of variation, per cent."""
        return 100.0 * self.sd / self.mean if self.mean else math.nan


def spread_over_contrasts(
    images: Mapping[str, Iterable[LevelSummary]], measure: str = "area", *, by: str = "levels"
) -> list[ContrastSpread]:
    """Join the rows of several images by their position along the cord.

    Args:
        images: image name (contrast) to its rows.
        measure: which mean to compare.
        by: "levels"; or "slices", for images that are all on one grid (or on PAM50's slices); or
            "pmj", for rows around a requested distance from the pontomedullary junction.

    Returns:
        One entry for each position that any image reaches; levels from above to below, else in the
        order of slices or distances.

    Raises:
        InputError: rows without levels (or distances), or two rows of one image for one position.
    """
    table: dict[tuple, dict[str, float]] = {}
    names: dict[tuple, str] = {}
    notes: dict[tuple, list[str]] = {}
    for image, rows in images.items():
        for row in rows:
            key, name = _position(row, by, image)
            values = table.setdefault(key, {})
            if image in values:
                raise InputError(
                    f"'{image}' has more than one row for {name}.",
                    hint="Summarise by level, not by slice.",
                )
            names[key] = name
            values[image] = row.mean.get(measure, math.nan)
            if row.notes:
                notes.setdefault(key, []).append(f"{image}: {row.notes}")
    spreads = []
    for key in sorted(table):
        values = {image: table[key].get(image, math.nan) for image in images}
        if any(map(math.isfinite, values.values())):
            spread = _spread(names[key], key if by == "levels" else (), values, by)
            spreads.append(replace(spread, notes="; ".join(notes.get(key, ()))))
    return spreads


def contrasts_csv_text(
    spreads: Iterable[ContrastSpread], subject: str = "", measure: str = "area"
) -> str:
    """A table with one row a position: subject, level (or slices, or distance), one column an
    image, mean, SD over contrasts, CV.
    """
    spreads = list(spreads)
    images = list(dict.fromkeys(image for spread in spreads for image in spread.values))
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC)
    by = spreads[0].by if spreads else "levels"
    writer.writerow(
        [
            "Subject",
            *_POSITION_COLUMNS[by],
            *(f"{measure}({image})" for image in images),
            "Mean",
            "SD",
            "CV(%)",
            "notes",
        ]
    )
    for spread in spreads:
        numbers = [
            *(spread.values.get(image, math.nan) for image in images),
            spread.mean,
            spread.sd,
            spread.cv_percent,
        ]
        position = (
            [slice_ranges(spread.levels), spread.name]
            if by == "levels"
            else [spread.name.replace(" mm", "")]
        )
        cells = ["" if math.isnan(x) else x for x in numbers]
        writer.writerow([*map(safe_cell, (subject, *position)), *cells, safe_cell(spread.notes)])
    return stream.getvalue()


def _position(row: LevelSummary, by: str, image: str) -> tuple[tuple, str]:
    """A key for the position of the row along the cord, and its name."""
    if by == "slices":
        return row.slices, slice_ranges(row.slices)
    if by == "pmj":
        if not math.isfinite(row.distance_pmj):
            raise InputError(
                f"The rows of '{image}' have no distance from the pontomedullary junction to"
                " compare them by.",
                hint="Mark the junction (value 50) in each image.",
            )
        return (round(row.distance_pmj, 3),), f"{row.distance_pmj:g} mm"
    if not row.levels:
        raise InputError(
            f"The rows of '{image}' have no vertebral levels, so they cannot be compared with other"
            " images.",
            hint="Give levels, or compare by slice.",
        )
    return row.levels, row.name


def _spread(
    name: str, levels: tuple[int, ...], values: dict[str, float], by: str
) -> ContrastSpread:
    known = np.array([value for value in values.values() if math.isfinite(value)])
    return ContrastSpread(
        name=name,
        levels=levels,
        values=values,
        mean=float(known.mean()) if len(known) else math.nan,
        sd=float(known.std(ddof=1)) if len(known) > 1 else math.nan,
        by=by,
    )
