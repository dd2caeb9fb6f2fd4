"""Measure a mask: from a volume to the shape of the cord in each slice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..progress import Progress
from ..volume import Volume
from .area import area_interval, areas, refine
from .centreline import Centreline, fit_centreline, slice_centres
from .cord_shape import MEASURES, CordShape, MeasureOptions
from .level_names import slice_ranges
from .row_notes import slice_notes
from .section_shape import REGION_KEYS, region_measures
from .slice_stack import SliceStack, axial, extract_slices, piece_notes
from .upright import UprightSlices, shrink_factors, upright


def measure(
    mask: Volume,
    options: MeasureOptions | None = None,
    *,
    centreline: Centreline | None = None,
    progress: Progress | None = None,
) -> CordShape:
    """All of SCT's measures of the cord's shape, slice by slice.

    Args:
        mask: soft (0 to 1) or binary mask of the cord, any orientation.
        options: see :class:`MeasureOptions`; as SCT by default.
        centreline: for the angle correction, of another mask on the same grid
            (:func:`centreline_of`); the mask's own by default.
        progress: receives progress; checked for cancellation at every slice.

    Returns:
        The shape, a sequence of :class:`SliceShape`; sentences in ``notes`` say what was done to an
        unusual mask.

    Raises:
        InputError: an empty mask, NaN, a label image, values far outside [0, 1], one slice only
            (with angle correction), a centreline that covers no slice of the mask.
        Cancelled: the user stopped the work.
    """
    options = options or MeasureOptions()
    volume, notes = axial(mask, options.threshold)
    stack = extract_slices(volume, options.threshold, notes)
    centres = slice_centres(stack)
    if not options.angle_correction:
        centreline = None
    elif centreline is None:
        centreline = fit_centreline(stack, options.smooth, centres)
    else:
        stack, outside = _within(stack, centreline)
        centres = slice_centres(stack)
        stack = replace(stack, notes=stack.notes + outside)
    angles, shrink = _angles(stack, centreline, options.tilt)
    slices = upright(stack, shrink, rescale=options.rescaling == "sct")

    spacing = stack.grid.spacing
    columns = {name: np.full(len(stack), np.nan) for name in MEASURES}
    columns["area"] = areas(slices, spacing)
    valid = slices.measurable
    columns["angle_AP"][valid], columns["angle_RL"][valid] = np.degrees(angles[valid]).T
    columns["length"][valid] = (
        spacing[2] if shrink is None else spacing[2] / shrink[valid].prod(axis=1)
    )
    _fill_region_measures(columns, slices, spacing, progress or Progress())
    if options.interval:
        columns["area_low"], columns["area_high"] = _interval(
            volume, stack, slices, shrink, options.threshold
        )
    middle = (
        centres if centreline is None else centreline.points[stack.slices - centreline.slices[0]]
    )
    doubts = slice_notes(stack, columns["area"], shrink, centres, options)
    return CordShape(
        slices=stack.slices,
        columns=columns,
        centres_mm=stack.grid.to_world(np.column_stack([middle, stack.slices])),
        grid=stack.grid,
        centreline=centreline,
        options=options,
        notes=stack.notes + piece_notes(stack),
        slice_notes=doubts,
    )


def centreline_of(mask: Volume, smooth: float = 30.0) -> Centreline:
    """The centreline of a mask, for instance of the whole cord when its grey matter is to be
    measured at the cord's angle.

    Raises:
        InputError: as :func:`measure`.
    """
    volume, notes = axial(mask)
    return fit_centreline(extract_slices(volume, notes=notes), smooth)


def _within(stack: SliceStack, centreline: Centreline) -> tuple[SliceStack, tuple[str, ...]]:
    """The slices that a centreline of another mask covers, and a sentence on the others.

    Raises:
        InputError: it covers none.
    """
    covered = np.isin(stack.slices, centreline.slices)
    if covered.all():
        return stack, ()
    if not covered.any():
        raise InputError(
            "The centreline does not cover any slice of the mask.",
            hint="Give a centreline of the same cord, or switch the angle correction off.",
        )
    note = (
        f"The centreline does not cover slice(s) {slice_ranges(stack.slices[~covered])} of the"
        " mask: they have no area."
    )
    size = np.where(covered[:, None], stack.size, 0)
    patches = np.where(covered[:, None, None], stack.patches, 0.0)
    inside = slice(int(covered.argmax()), len(stack) - int(covered[::-1].argmax()))
    return (
        replace(
            stack,
            patches=patches[inside],
            first=stack.first[inside],
            size=size[inside],
            slices=stack.slices[inside],
        ),
        (note,),
    )


def _angles(
    stack: SliceStack, centreline: Centreline | None, tilt: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """(n, 2) angles (AP, RL), radians, and the factors by which slices shrink along (rows,
    columns), None without correction.
    """
    if centreline is None:
        return np.zeros((len(stack), 2)), None
    angles = np.column_stack(centreline.angles(stack.slices))
    return angles, shrink_factors(angles, tilt)


def _interval(
    volume: Volume,
    stack: SliceStack,
    slices: UprightSlices,
    shrink: np.ndarray | None,
    threshold: float | None,
) -> tuple[np.ndarray, np.ndarray]:
    """The area's interval, from the soft values even where the thresholded mask was measured."""
    if threshold is None:
        return area_interval(slices, volume.spacing)
    soft = extract_slices(
        Volume(volume.data[:, :, stack.slices[0] : stack.slices[-1] + 1], volume.affine)
    )
    low, high = area_interval(upright(soft, shrink, rescale=False), volume.spacing, threshold)
    return np.where(slices.measurable, low, np.nan), np.where(slices.measurable, high, np.nan)


def _fill_region_measures(
    columns: dict[str, np.ndarray], slices: UprightSlices, spacing: np.ndarray, progress: Progress
) -> None:
    count = len(slices.patches)
    for index in np.flatnonzero(slices.measurable):
        progress.check_cancelled()
        found = region_measures(refine(slices.crop(index), spacing))
        if found is not None:
            for name in REGION_KEYS:
                columns[name][index] = found[name]
        if index % 32 == 0:
            progress.report(index / count, f"Measured {index} of {count} slices")
    progress.report(1.0, f"Measured {count} slices")
