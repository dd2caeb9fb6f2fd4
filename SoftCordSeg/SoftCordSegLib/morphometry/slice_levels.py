"""Vertebral levels of slices, from discs or from a labelled segmentation, with SCT's rules."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..errors import InputError
from ..volume import Volume, reorient
from .centreline import LEVEL_SMOOTHING, Centreline, fit_centreline
from .cord_shape import CordShape
from .discs import DiscLabel, check_discs, discs_from_label_image
from .level_names import LAST_DISC, PONTOMEDULLARY_GROOVE
from .level_notes import notes_from_discs, notes_from_level_image
from .slice_stack import axial, extract_slices

# A disc point is one voxel, or 3 x 3 x 3.
_LARGEST_POINT = 27


def levels_from_discs(
    discs: Iterable[DiscLabel], centreline: Centreline
) -> tuple[np.ndarray, tuple[str, ...], dict[int, tuple[str, ...]]]:
    """The level of each slice of the centreline.

    Disc k lies above vertebra k: its slice, and those below it down to just above disc k + 1, are
    level k.  Below the lowest disc its value continues; above the highest disc is the level before
    it (none above disc 1).

    Returns:
        (n,) levels, 0 where none, for ``centreline.slices``; notes; and by level what is doubtful
        in it.

    Raises:
        InputError: as :func:`~.discs.check_discs`.
    """
    discs, positions, notes = check_discs(discs, centreline)
    values = np.array([disc.value for disc in discs])[::-1]
    below = np.searchsorted(positions[::-1], centreline.slices, side="left")
    levels = np.append(values, values[-1] - 1)[below]
    return levels, notes, notes_from_discs(discs, positions, centreline, levels)


def levels_from_labelled_mask(
    labels: Volume, shape: CordShape
) -> tuple[np.ndarray, tuple[str, ...], dict[int, tuple[str, ...]]]:
    """The level of each slice of ``shape`` from a segmentation whose values are vertebral levels
    (SCT's ``_labeled``).

    A slice has the rounded mean of its labels, as in SCT: at an oblique border two neighbours share
    it.  Values 49 and above are landmarks, not levels.

    Returns:
        (n,) levels, 0 where none; notes; and by level what is doubtful in it.

    Raises:
        InputError: another grid than the mask's, no labels, values that are no levels, labels that
            are no neighbours in one slice, levels out of order.
    """
    volume = reorient(labels, "LAS")
    if not volume.grid.same_as(shape.grid, tolerance_mm=1e-2):
        raise InputError(
            "The labelled segmentation has another grid than the mask.",
            hint="Resample one of them to the other's grid first.",
        )
    whole = np.asarray(volume.data)
    data = whole[:, :, shape.slices]
    if not (data > 0).any():
        raise InputError(
            "The labelled segmentation has no labels: all its voxels are 0.",
            hint="Choose the one with the levels in it.",
        )
    data = np.where((data > 0) & (data < PONTOMEDULLARY_GROOVE), data, 0)
    _check_level_values(data, shape.slices)
    counts = (data > 0).sum(axis=(0, 1))
    sums = data.sum(axis=(0, 1), dtype=float)
    levels = np.round(sums / np.maximum(counts, 1)).astype(int)
    notes = _check_order(levels, shape.slices)
    by_level = notes_from_level_image(whole, shape.slices, levels, shape.columns["length"])
    return levels, notes, by_level


def _check_level_values(data: np.ndarray, slices: np.ndarray) -> None:
    values = np.unique(data)
    if not np.array_equal(values, np.round(values)):
        raise InputError(
            "The labelled segmentation has values that are not whole numbers, as linear"
            " interpolation leaves them.",
            hint="Resample it with nearest neighbours.",
        )
    if values[-1] > LAST_DISC:
        raise InputError(
            f"The labelled segmentation has the value {values[-1]:g}, which is no vertebral level"
            f" (1 is C1, {LAST_DISC} is S1).",
            hint="Give SCT's levels; the labels of a segmentation of the spine are numbered"
            " otherwise.",
        )
    high = data.max(axis=(0, 1))
    low = np.where(data > 0, data, LAST_DISC + 1).min(axis=(0, 1))
    apart = np.flatnonzero((high > 0) & (high - low > 1))
    if len(apart):
        first = apart[0]
        raise InputError(
            f"Slice {slices[first]} of the labelled segmentation has the levels {low[first]:g} to"
            f" {high[first]:g}: these are not levels of the cord's slices.",
            hint="Give a mask of the cord whose values are levels, or disc points.",
        )


def _check_order(levels: np.ndarray, slices: np.ndarray) -> tuple[str, ...]:
    """A sentence where all levels are upside down.

    Raises:
        InputError: some are out of order.
    """
    known = np.flatnonzero(levels)
    steps = np.diff(levels[known])
    wrong = np.flatnonzero(steps > 0)
    if len(wrong) and not (steps < 0).any():
        return (
            "The levels of the labelled segmentation are upside down: the lowest vertebra is at the"
            " top. Check its header.",
        )
    if len(wrong):
        at = slices[known[wrong[0] + 1]]
        raise InputError(
            f"The levels of the labelled segmentation are out of order at slice {at}: a lower"
            " vertebra lies above a higher one.",
            hint="Check its labels.",
        )
    return ()


def add_levels(
    shape: CordShape, discs: Iterable[DiscLabel], mask: Volume | None = None
) -> CordShape:
    """``shape`` with the level of each slice, from disc labels.

    Args:
        shape: of :func:`~.measure.measure`.
        discs: at least one.
        mask: the mask that was measured; gives the centreline with SCT's smoothing for labels.
            Without it the centreline of ``shape`` is used, which is smoothed a little more.

    Raises:
        InputError: as :func:`levels_from_discs`; a shape measured without angle correction, and no
            mask.
    """
    if mask is not None:
        volume, _ = axial(mask, shape.options.threshold)
        centreline = fit_centreline(
            extract_slices(volume, shape.options.threshold), LEVEL_SMOOTHING
        )
    elif shape.centreline is not None:
        centreline = shape.centreline
    else:
        raise InputError(
            "Levels need the cord's centreline.",
            hint="Give the mask too, or measure with angle correction.",
        )
    levels, notes, level_notes = levels_from_discs(discs, centreline)
    numbers = shape.slices - centreline.slices[0]
    return shape.with_levels(levels[numbers], notes, level_notes)


def add_levels_from_mask(shape: CordShape, labels: Volume) -> CordShape:
    """``shape`` with the level of each slice, from a labelled segmentation; see
    :func:`levels_from_labelled_mask`.
    """
    return shape.with_levels(*levels_from_labelled_mask(labels, shape))


def add_levels_from_image(
    shape: CordShape, labels: Volume, mask: Volume | None = None
) -> CordShape:
    """``shape`` with levels from a label image, of either kind: disc points, or a labelled
    segmentation.

    Args:
        shape: of :func:`~.measure.measure`.
        labels: any orientation; disc points need not be on the mask's grid.
        mask: as for :func:`add_levels`.

    Raises:
        InputError: as :func:`add_levels` and :func:`add_levels_from_mask`.
    """
    if is_labelled_mask(labels):
        return add_levels_from_mask(shape, labels)
    return add_levels(shape, discs_from_label_image(labels), mask)


def is_labelled_mask(labels: Volume) -> bool:
    """True for a segmentation with levels as values, False for disc points.

    Points are apart, a segmentation continues from slice to slice and has many voxels of each
    value.
    """
    data = np.asarray(reorient(labels, "LAS").data)
    hit = np.flatnonzero((data > 0).any(axis=(0, 1)))
    if len(hit) == 0:
        return False
    inside = np.round(data[:, :, hit])  # interpolated levels are refused as such later
    per_value = np.count_nonzero(inside) / len(np.unique(inside[inside > 0]))
    return bool(per_value > _LARGEST_POINT and len(hit) > 0.5 * (hit[-1] - hit[0] + 1))
