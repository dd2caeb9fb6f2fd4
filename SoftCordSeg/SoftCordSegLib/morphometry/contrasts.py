"""Several images of one subject side by side: the same cord has one area, whatever the contrast.

The spread of the area over contrasts is the paper's own measure of a contrast-agnostic segmentation.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import write_text_atomically
from .aggregate import LevelSummary
from .wording import slice_ranges


@dataclass(frozen=True)
class ContrastSpread:
    """One measure of one level (or range of levels) over several images of a subject.

    Attributes:
        name: of the level or range, as "C2:C3".
        levels: the vertebral levels.
        values: mean over slices, by image; NaN where the image does not show the level.
        mean: over the images.
        sd: sample standard deviation over the images (ddof 1, as in the paper); NaN for fewer than two.
    """

    name: str
    levels: tuple[int, ...]
    values: dict[str, float]
    mean: float
    sd: float

    @property
    def cv_percent(self) -> float:
        """Coefficient of variation, per cent."""
        return 100.0 * self.sd / self.mean if self.mean else math.nan


def spread_over_contrasts(images: Mapping[str, Iterable[LevelSummary]], measure: str = "area") -> list[ContrastSpread]:
    """Join the rows of several images by their levels.

    Args:
        images: image name (contrast) to its rows, each with levels.
        measure: which mean to compare.

    Returns:
        One entry for each group of levels that any image has, in the order met.

    Raises:
        InputError: rows without levels (slices of different images cannot be compared), or two rows of one image for one group.
    """
    table: dict[tuple[int, ...], dict[str, float]] = {}
    names: dict[tuple[int, ...], str] = {}
    for image, rows in images.items():
        for row in rows:
            if not row.levels:
                raise InputError(f"The rows of '{image}' have no vertebral levels, so they cannot be compared with other images.")
            values = table.setdefault(row.levels, {})
            if image in values:
                raise InputError(f"'{image}' has more than one row for {row.name}. Summarise by level, not by slice.")
            names[row.levels] = row.name
            values[image] = row.mean.get(measure, math.nan)
    return [
        _spread(names[levels], levels, {image: values.get(image, math.nan) for image in images}) for levels, values in table.items()
    ]


def contrasts_csv_text(spreads: Iterable[ContrastSpread], subject: str = "", measure: str = "area") -> str:
    """A table with one row a level: subject, level, one column an image, mean, SD over contrasts, CV in per cent."""
    spreads = list(spreads)
    images = list(dict.fromkeys(image for spread in spreads for image in spread.values))
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(["Subject", "VertLevel", "LevelName", *(f"{measure}({image})" for image in images), "Mean", "SD", "CV(%)"])
    for spread in spreads:
        numbers = [*(spread.values.get(image, math.nan) for image in images), spread.mean, spread.sd, spread.cv_percent]
        writer.writerow([subject, slice_ranges(spread.levels), spread.name, *("" if math.isnan(x) else x for x in numbers)])
    return stream.getvalue()


def write_contrasts_csv(path: str | Path, spreads: Iterable[ContrastSpread], subject: str = "", measure: str = "area") -> None:
    """Write :func:`contrasts_csv_text` atomically.

    Raises:
        OutputError: the folder is not writable or the disk is full.
    """
    write_text_atomically(path, contrasts_csv_text(spreads, subject, measure))


def _spread(name: str, levels: tuple[int, ...], values: dict[str, float]) -> ContrastSpread:
    known = np.array([value for value in values.values() if math.isfinite(value)])
    return ContrastSpread(
        name=name,
        levels=levels,
        values=values,
        mean=float(known.mean()) if len(known) else math.nan,
        sd=float(known.std(ddof=1)) if len(known) > 1 else math.nan,
    )
