"""The cord's area by the ground truth and by the masks it is made of, over vertebral levels."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import InputError

if TYPE_CHECKING:
    from ...groundtruth import Contrast, GroundTruth
    from ...morphometry import DiscLabel
    from ...volume import Volume

SOFT, SOFT_BIN, HARD = "soft", "soft_bin", "hard"
HEADER = (
    "Subject",
    "Contrast",
    "Mask",
    "VertLevel",
    "Slices (I->S)",
    "MEAN(area) [mm2]",
    "STD(area) [mm2]",
)


@dataclass(frozen=True)
class Area:
    """The mean cross-sectional area of one mask over the levels.

    Attributes:
        contrast: name.
        mask: "soft" (the ground truth), "soft_bin" (at or above 0.5) or "hard" (the input mask).
        levels: as "2:3".
        slices: as "169:207".
        mean, std: mm²; std over slices, population.
    """

    contrast: str
    mask: str
    levels: str
    slices: str
    mean: float
    std: float


def measure_areas(
    contrasts: Sequence[Contrast],
    truth: GroundTruth,
    discs: dict[str, list[DiscLabel]],
    levels: Sequence[int],
) -> tuple[list[Area], list[str]]:
    """Areas as ``sct_process_segmentation -vert 2:3`` gives them, of the three masks of each
    contrast.

    Args:
        contrasts: with their input masks.
        truth: of the participant.
        discs: by contrast, in its own space, so that all contrasts have the same levels.
        levels: pooled.

    Returns:
        The areas, and sentences on those that could not be measured.
    """
    import numpy as np

    areas, notes = [], []
    for contrast in contrasts:
        soft = truth.of(contrast.name).soft
        binary = soft.with_data((soft.data >= 0.5).astype(np.float32))
        for kind, mask in ((SOFT, soft), (SOFT_BIN, binary), (HARD, contrast.mask)):
            try:
                area, said = _area(contrast.name, kind, mask, discs[contrast.name], levels)
                areas.append(area)
                notes += [f"{contrast.name}: {sentence}" for sentence in said if kind == SOFT]
            except InputError as error:
                notes.append(
                    f"{contrast.name}: the area of the {kind} mask was not measured. {error}"
                )
    return areas, notes


def spread(areas: Sequence[Area], kind: str) -> float | None:
    """The standard deviation over contrasts (ddof 1) of the mean areas, mm², the paper's measure;
    None for fewer than two.
    """
    import numpy as np

    means = [area.mean for area in areas if area.mask == kind]
    return float(np.std(means, ddof=1)) if len(means) > 1 else None


def areas_csv(rows: Sequence[tuple[str, Area]]) -> str:
    """The table of (participant, area)."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(HEADER)
    for name, area in rows:
        writer.writerow(
            [
                name,
                area.contrast,
                area.mask,
                area.levels,
                area.slices,
                f"{area.mean:.4f}",
                f"{area.std:.4f}",
            ]
        )
    return stream.getvalue()


def _area(
    contrast: str, kind: str, mask: Volume, discs: list[DiscLabel], levels: Sequence[int]
) -> tuple[Area, tuple[str, ...]]:
    from ...morphometry import add_levels, aggregate, measure, slice_ranges

    row = aggregate(add_levels(measure(mask), discs, mask), levels=levels)
    pooled = [one for one in row if one.count]
    if not pooled:
        raise InputError(" ".join(row.notes) or "It has no slices of these levels.")
    one = pooled[0]
    named = f"{min(levels)}:{max(levels)}" if len(levels) > 1 else str(levels[0])
    return Area(
        contrast, kind, named, slice_ranges(one.slices), one.mean["area"], one.std["area"]
    ), row.notes
