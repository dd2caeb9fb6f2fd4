"""The cord's area by the ground truth and by the masks that it is made of, over vertebral levels;
and the disc labels for it, carried from the contrast in which they were marked to every other one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ...files import safe_cell
from ...groundtruth import Contrast, GroundTruth
from ...morphometry import (
    DiscLabel,
    add_levels,
    aggregate,
    discs_to_label_image,
    measure,
    slice_ranges,
)
from ...volume import Volume

SOFT, SOFT_BIN, HARD = "soft", "soft_bin", "hard"
KINDS = (SOFT, SOFT_BIN, HARD)
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
class ContrastArea:
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


def carried_discs(
    discs: Sequence[DiscLabel], marked_in: str, truth: GroundTruth
) -> dict[str, list[DiscLabel]]:
    """The discs in every contrast's own space, through the registration.

    Args:
        discs: as they were marked.
        marked_in: the contrast.
        truth: of the participant.
    """
    marked = np.array([disc.position_mm for disc in discs])
    in_reference = truth.of(marked_in).transform.to_reference(marked)
    carried = {}
    for one in truth.contrasts:
        if one.name == marked_in:
            points = marked
        else:
            points = in_reference if one.is_reference else one.transform.to_moving(in_reference)
        carried[one.name] = [
            DiscLabel(disc.value, (float(x), float(y), float(z)))
            for disc, (x, y, z) in zip(discs, points)
        ]
    return carried


def disc_images(
    discs: Mapping[str, Sequence[DiscLabel]], marked_in: str | None, truth: GroundTruth
) -> tuple[dict[str, Volume], list[str]]:
    """The carried discs as label images, but for the contrast they were marked in; and sentences on
    those that did not fit.
    """
    images, notes = {}, []
    for one in truth.contrasts:
        if one.name in discs and one.name != marked_in:
            labels, left_out = discs_to_label_image(discs[one.name], one.voxels)
            notes += [f"Discs of {one.name}: {sentence}" for sentence in left_out]
            if (labels.data > 0).any():
                images[one.name] = labels
    return images, notes


def measure_areas(
    contrasts: Sequence[Contrast],
    truth: GroundTruth,
    discs: Mapping[str, Sequence[DiscLabel]],
    levels: Sequence[int],
) -> tuple[list[ContrastArea], list[str]]:
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
    areas, notes = [], []
    for contrast in contrasts:
        soft = truth.of(contrast.name).voxels
        binary = soft.with_data((soft.data >= 0.5).astype(np.float32))
        for kind, mask in ((SOFT, soft), (SOFT_BIN, binary), (HARD, contrast.mask)):
            try:
                area, more = _area(contrast.name, kind, mask, discs[contrast.name], levels)
            except InputError as error:
                notes.append(
                    f"{contrast.name}: the area of the {kind} mask was not measured. {error}"
                )
                continue
            areas.append(area)
            notes += [f"{contrast.name}: {sentence}" for sentence in more if kind == SOFT]
    return areas, notes


def sd_over_contrasts(areas: Sequence[ContrastArea], kind: str) -> float | None:
    """The standard deviation over contrasts (ddof 1) of the mean areas, mm², the paper's measure;
    None for fewer than two.
    """
    means = [area.mean for area in areas if area.mask == kind]
    return float(np.std(means, ddof=1)) if len(means) > 1 else None


def areas_csv(rows: Sequence[tuple[str, ContrastArea]]) -> str:
    """The table of (participant, area)."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(HEADER)
    for name, area in rows:
        numbers = (f"{area.mean:.4f}", f"{area.std:.4f}")
        words = (name, area.contrast, area.mask, area.levels, area.slices)
        writer.writerow([*map(safe_cell, words), *numbers])
    return stream.getvalue()


def _area(
    contrast: str, kind: str, mask: Volume, discs: Sequence[DiscLabel], levels: Sequence[int]
) -> tuple[ContrastArea, tuple[str, ...]]:
    rows = aggregate(add_levels(measure(mask), discs, mask), levels=levels)
    one = next((row for row in rows if row.count), None)
    if one is None:
        raise InputError(" ".join(rows.notes) or "It has no slices of these levels.")
    named = f"{min(levels)}:{max(levels)}" if len(levels) > 1 else str(levels[0])
    mean, std = one.mean["area"], one.std["area"]
    return ContrastArea(contrast, kind, named, slice_ranges(one.slices), mean, std), rows.notes
