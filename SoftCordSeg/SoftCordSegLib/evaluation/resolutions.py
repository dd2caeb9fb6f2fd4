"""The same images at other voxel sizes: CSA must not depend on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import Cancelled
from ..morphometry import (
    CordShape,
    MeasureOptions,
    add_levels,
    add_levels_from_image,
    is_labelled_mask,
    measure,
)
from ..morphometry.disc_files import read_discs
from ..progress import Progress
from ..volume import Volume, read_nifti, reorient, resample
from .case_table import Case
from .evaluate_methods import Evaluation, ScoreOptions
from .methods import BundleMethod, Method, read_image
from .slice_areas import CordRange, areas_of

Spacing = tuple[float, float, float]


@dataclass(frozen=True)
class ResolutionArea:
    """A row of the table of resolutions.

    Attributes:
        method, dataset, participant, contrast, place: what it is of.
        resolution: voxel size, mm, R-L x A-P x S-I; "native" for the image as it is.
        resampled: "image": the model segmented the resampled image; "mask": only the mask was
            resampled; "" for the native one.
        slices: number of slices averaged.
        area_mm2: CSA of the soft mask.
        difference_mm2, difference_percent: from the native one.
    """

    method: str
    dataset: str
    participant: str
    contrast: str
    place: str
    resolution: str
    resampled: str
    slices: int
    area_mm2: float
    difference_mm2: float
    difference_percent: float


def resolution_name(spacing: Spacing) -> str:
    """As "1 x 1 x 5 mm"."""
    return " x ".join(f"{size:g}" for size in spacing) + " mm"


def at_resolution(volume: Volume, spacing: Spacing, mask: bool = False) -> Volume:
    """An image (or a soft mask) on a grid of another voxel size that covers the same box.

    Args:
        volume: any orientation.
        spacing: mm, along R-L, A-P, S-I.
        mask: the values stay in [0, 1], and are 0 outside.

    Returns:
        Along L, A, S; averaged over the new voxels where they are larger, as a scanner would.
    """
    turned = reorient(volume, "LAS")
    grid = turned.grid.with_spacing(np.array(spacing))
    if not mask:
        return resample(turned, grid, antialias=True)
    sampled = resample(turned, grid, order=1, outside=0.0, antialias=True)
    return sampled.with_data(np.clip(sampled.data, 0.0, 1.0))


def compare_resolutions(
    result: Evaluation,
    cases: Sequence[Case],
    methods: Sequence[Method],
    spacings: Sequence[Spacing],
    cord_range: CordRange,
    options: ScoreOptions | None = None,
    progress: Progress | None = None,
) -> list[ResolutionArea]:
    """CSA of every mask at every resolution.

    A model segments the resampled images; of masks in folders only the masks can be resampled.  By
    levels, the slices of each resolution are those of its own centreline; without levels they are
    those between the second and the last but one of the native mask, by their heights in mm.

    Args:
        result: has the native masks; gets the failures.
        cases, methods: as for :func:`~.evaluate_methods.evaluate`.
        spacings: voxel sizes.
        cord_range: where CSA is averaged; slice numbers mean something else at each resolution, so
            only its levels count.
        options: for its ``rescaling``.
        progress: receives progress; checked for cancellation.

    Raises:
        Cancelled: the user stopped the work.
    """
    options, progress = options or ScoreOptions(), progress or Progress()
    rows: list[ResolutionArea] = []
    shown = [case for case in cases if not cord_range.levels or case.discs or case.levels]
    work = [
        (case, method)
        for case in shown
        for method in methods
        if (method.name, case.image) in result.masks
    ]
    for number, (case, method) in enumerate(work):
        progress.check_cancelled()
        progress.report(number / len(work), f"{method.name}: {case.image.name}, other resolutions")
        try:
            part = progress.part(number / len(work), (number + 1) / len(work))
            rows += _rows(result, case, method, spacings, cord_range, options, part)
        except Cancelled:
            raise
        except Exception as error:  # of one image only
            result.add_failure(method.name, case.image, error, case.image)
    return rows


def _rows(
    result: Evaluation,
    case: Case,
    method: Method,
    spacings: Sequence[Spacing],
    cord_range: CordRange,
    options: ScoreOptions,
    progress: Progress,
) -> list[ResolutionArea]:
    native = read_nifti(result.masks[method.name, case.image])
    masks = [("native", "", native)]
    if isinstance(method, BundleMethod):
        image = read_image(case.image)
        for number, spacing in enumerate(spacings):
            part = progress.part(number / len(spacings), (number + 1) / len(spacings))
            mask = method.segment(at_resolution(image, spacing), part)
            masks.append((resolution_name(spacing), "image", mask))
    else:
        masks += [
            (resolution_name(spacing), "mask", at_resolution(native, spacing, mask=True))
            for spacing in spacings
        ]
    owner = (
        method.name,
        case.dataset,
        case.participant,
        case.contrast,
        cord_range.name if cord_range.levels else "all slices",
    )
    rows: list[ResolutionArea] = []
    reach: tuple[float, float] | None = None
    for name, resampled, mask in masks:
        areas = _areas(case, mask, cord_range, options)
        if not cord_range.levels and areas:
            # Of the native one: the others have more slices, and those at the ends hold parts of a
            # cord.
            if reach is None:
                inner = sorted(areas)[1:-1]
                reach = (inner[0] - 1e-3, inner[-1] + 1e-3) if inner else (0.0, 0.0)
            areas = {
                height: area for height, area in areas.items() if reach[0] <= height <= reach[1]
            }
        area = float(np.mean(list(areas.values()))) if areas else math.nan
        rows.append(ResolutionArea(*owner, name, resampled, len(areas), area, 0.0, 0.0))
    known = rows[0].area_mm2
    return [
        replace(
            row,
            difference_mm2=row.area_mm2 - known,
            difference_percent=100.0 * (row.area_mm2 - known) / known,
        )
        for row in rows
    ]


def _areas(
    case: Case, mask: Volume, cord_range: CordRange, options: ScoreOptions
) -> dict[float, float]:
    """Area (mm²) by height along the slices' own axis (mm), of the slices in the range; none where
    the mask is empty.
    """
    if not (mask.data > 0).any():
        return {}
    shape = measure(mask, MeasureOptions(rescaling=options.rescaling, interval=False))
    axis = shape.grid.affine[:3, 2] / shape.grid.spacing[2]
    heights = {
        number: float(shape.grid.to_world(np.array([0, 0, number])) @ axis)
        for number in areas_of(shape)
    }
    found = {heights[number]: area for number, area in areas_of(shape).items()}
    if not cord_range.levels:
        return found
    levelled = _with_levels(case, shape, mask)
    level_at = dict(zip(levelled.slices, () if levelled.levels is None else levelled.levels))
    return {
        heights[number]: found[heights[number]]
        for number in heights
        if level_at.get(number) in cord_range.levels
    }


def _with_levels(case: Case, shape: CordShape, mask: Volume) -> CordShape:
    if case.discs is not None:
        return add_levels(shape, read_discs(case.discs), mask)
    if case.levels is None:
        return shape
    labels = read_nifti(case.levels)
    if is_labelled_mask(labels):  # points stay where they are, mm
        labels = resample(labels, reorient(mask, "LAS").grid, order=0, outside=0.0)
    return add_levels_from_image(shape, labels, mask)
