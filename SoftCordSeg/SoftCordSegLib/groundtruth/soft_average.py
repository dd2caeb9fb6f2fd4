"""From the masks of one visit's contrasts to one soft ground truth in each contrast's own space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..progress import Progress
from ..volume import Grid, Volume, reorient, resample_mask
from ..volume.slice_moments import EMPTY, slices_with_mask
from .ground_truth import (
    PAPER,
    Contrast,
    ContrastError,
    ContrastTruth,
    GroundTruth,
    GroundTruthOptions,
)
from .registration import Fit, register
from .slicewise import SlicewiseRigid
from .warp import box_within, reach_along, warp, warp_known

# Of the averaging grid around all masks, voxels.
_MARGIN = 3
# Trimming takes at most this part of a contrast at each end, so that half of it always stays.
MOST_TRIMMED = 4


@dataclass(frozen=True, eq=False)
class _Member:
    """A contrast: its mask with the third axis along the cord, its coverage, and its
    registration.
    """

    name: str
    mask: Volume
    coverage: Volume
    fit: Fit

    @property
    def transform(self) -> SlicewiseRigid:
        return self.fit.transform


def make_ground_truth(
    contrasts: Sequence[Contrast],
    options: GroundTruthOptions = PAPER,
    progress: Progress | None = None,
) -> GroundTruth:
    """One soft mask for all contrasts of one visit (the paper, section 2.2 and figure 1).

    1. Every mask is reoriented to LAS (SCT's RPI); nothing is interpolated.
    2. Its ends are padded by one slice each, for the registration only.
    3. It is registered to the reference slice by slice: shift, and rotation as in the paper.
    4. Mask and coverage (the slices that were segmented) go to the reference's space, linearly.
    5. Their ends are trimmed.
    6. The soft mask is the sum of masks over the sum of coverages.
    7. It goes back to each contrast by the inverse transform, linearly, times the contrast's own
       coverage, clipped to [0, 1]. Values do not fade where the averaged region ends (interpolation
       is among known voxels).

    Args:
        contrasts: masks of one visit; any may be missing but the reference's.
        options: see :class:`GroundTruthOptions`.
        progress: reports; checked for cancellation at every contrast.

    Raises:
        InputError: no mask of the reference; ContrastError: one without a slice in common with it.
        Cancelled: the user stopped the work.
    """
    progress = progress or Progress()
    chosen = _check_contrasts(list(contrasts), options.reference)
    frame = _frame(reorient(chosen.mask, "LAS"), [one.mask for one in contrasts], options)
    members = []
    for index, one in enumerate(contrasts):
        progress.check_cancelled()
        progress.report(0.4 * index / len(contrasts), f"Registering {one.name}")
        members.append(_member(one, frame, is_reference=one is chosen, options=options))

    box = _averaging_box(frame.grid, members)
    masks, coverages, trimmed = [], [], []
    for index, member in enumerate(members):
        progress.check_cancelled()
        progress.report(
            0.4 + 0.3 * index / len(members), f"Bringing {member.name} to {options.reference}"
        )
        mask = warp(member.mask, box, member.transform.to_moving)
        coverage = warp(member.coverage, box, member.transform.to_moving)
        slices = options.trim_slices_of(member.name, frame.spacing[2])
        mask, coverage, slices = trim_ends(mask, coverage, slices)
        masks.append(mask)
        coverages.append(coverage)
        trimmed.append(slices)
    soft, count = (Volume(data, box.affine) for data in average(masks, coverages))

    results = []
    for index, member in enumerate(members):
        progress.check_cancelled()
        progress.report(0.7 + 0.3 * index / len(members), f"Bringing the average to {member.name}")
        own, without = _in_own_space(contrasts[index], member, soft, count)
        results.append(
            ContrastTruth(
                member.name,
                own,
                member.transform,
                member.fit.used,
                member.fit.turned,
                _part_of(soft, coverages[index]),
                trimmed[index],
                contrasts[index] is chosen,
                without,
            )
        )
    progress.report(1.0, "Averaged")
    return GroundTruth(options.reference, tuple(results), soft, count, _notes(members))


def _part_of(soft: Volume, coverage: np.ndarray) -> float:
    """The part of the averaged cord that a coverage reaches, 0 to 1."""
    reached = (soft.data * np.minimum(coverage, 1)).sum(dtype=float)
    return float(reached / max(soft.data.sum(dtype=float), 1e-9))


def _frame(reference: Volume, masks: Sequence[Volume], options: GroundTruthOptions) -> Volume:
    """The reference's mask on the averaging grid: its own, or of another voxel size, or continued
    along the cord.
    """
    grid = reference.grid
    if options.spacing_mm is not None:
        grid = grid.with_spacing(options.spacing_mm)
    if options.beyond_reference:
        grid = reach_along(grid, masks)
    return reference if grid is reference.grid else resample_mask(reference, grid)


def coverage_of(mask: Volume) -> Volume:
    """1 in the slices that were segmented, over the whole plane; 0 in those without a mask, about
    which nothing is known.

    So it is in the authors' pipeline (sct_create_mask -size 500 -p centerline,MASK makes nothing
    where there is no mask).

    Args:
        mask: third axis along the cord.
    """
    data = np.zeros(mask.shape, np.float32)
    data[:, :, slices_with_mask(mask)] = 1.0
    return Volume(data, mask.affine)


def pad_ends(mask: Volume) -> Volume:
    """The mask with its first and last slice repeated once more outward.

    Only for the registration: linear interpolation between thick slices fades out towards the last
    of them, and an oblique view of it would be cut.  The authors do the same for this reason
    (pad_seg.py: "to overcome edge effect").

    Args:
        mask: third axis along the cord.

    Returns:
        The mask on a grid of two more slices, one at each end.
    """
    numbers = slices_with_mask(mask)
    first, last = int(numbers[0]), int(numbers[-1])
    grid = mask.grid.crop(np.array([0, 0, -1]), np.array(mask.shape) + [0, 0, 1])
    data = np.zeros(grid.shape, np.float32)
    data[:, :, 1:-1] = mask.data
    data[:, :, first], data[:, :, last + 2] = mask.data[:, :, first], mask.data[:, :, last]
    return Volume(data, grid.affine)


def trim_ends(
    mask: np.ndarray, coverage: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Mask and coverage without the first and last slices of the mask.

    The end slices of a contrast are seen only in part in the reference's space, and badly
    registered, so they would blur the average (the authors' remove_slices_seg.py).  **At most a
    quarter** of the slices that the mask reaches is left out at each end, so that at least half of
    a short stack of thick slices stays, and all of a single slice.

    The authors meant eight slices instead of ten for T2*w and diffusion, but their script is never
    told the contrast; here one rule holds for all, and exceptions are given by name
    (``GroundTruthOptions.trim_of``).

    Args:
        mask, coverage: (i, j, k) in the reference's space.
        count: slices to leave out at each end.

    Returns:
        Both, 0 in what was left out, and how many slices that was at each end.
    """
    reached = np.flatnonzero((mask > EMPTY).any(axis=(0, 1)))
    if len(reached) == 0:
        return mask, coverage, 0
    first, last = int(reached[0]), int(reached[-1]) + 1
    count = min(count, (last - first) // MOST_TRIMMED)
    if count == 0:
        return mask, coverage, 0
    kept = np.zeros(mask.shape[2], bool)
    kept[first + count : last - count] = True
    return mask * kept, coverage * kept, count


def average(masks: list[np.ndarray], coverages: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The soft average, weighted by coverage: sum of masks over sum of coverages, 0 where nothing
    covers.

    "The average of the segmentations was weighted according to the field-of-view of each contrast"
    (the paper, section 2.2): in each voxel it is over the contrasts that reach it, so that a
    missing contrast or a shorter one does not lower it.

    Args:
        masks: each (i, j, k), 0 to 1, already times its coverage (both were interpolated from 0
            outside).
        coverages: each (i, j, k), 0 to 1.

    Returns:
        (i, j, k) float32 soft mask, 0 to 1, and the number of contrasts in each voxel.
    """
    total = np.sum(coverages, axis=0, dtype=np.float64)
    known = total > 1e-3
    soft = np.divide(
        np.sum(masks, axis=0, dtype=np.float64), total, out=np.zeros_like(total), where=known
    )
    return np.clip(soft, 0, 1).astype(np.float32), np.where(known, total, 0).astype(np.float32)


def _check_contrasts(contrasts: list[Contrast], reference: str) -> Contrast:
    """The reference among the contrasts.

    Raises:
        InputError: it is not there, or a name is used twice.
    """
    names = [one.name for one in contrasts]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"The contrast {twice[0]} is given twice.", hint="Give each contrast its own name."
        )
    found = [one for one in contrasts if one.name == reference]
    if not found:
        raise InputError(
            f"There is no mask of the reference contrast {reference}; there are"
            f" {', '.join(names) or 'none'}.",
            hint="Give one, or choose another reference.",
        )
    return found[0]


def _member(
    contrast: Contrast, frame: Volume, is_reference: bool, options: GroundTruthOptions
) -> _Member:
    """Reorient, pad, register."""
    mask = reorient(contrast.mask, "LAS")
    coverage = coverage_of(mask)
    if is_reference:
        slices = np.zeros(frame.shape[2], bool)
        slices[slices_with_mask(frame)] = True
        return _Member(
            contrast.name, mask, coverage, Fit(SlicewiseRigid.identity(frame.grid), slices, slices)
        )
    try:
        fit = register(frame, pad_ends(mask), coverage, options.registration)
    except InputError as error:
        raise ContrastError(
            f"{contrast.name} cannot be registered to {options.reference}. {error.sentence}",
            contrast=contrast.name,
            hint=error.hint,
        ) from error
    return _Member(contrast.name, mask, coverage, fit)


def _averaging_box(frame: Grid, members: Sequence[_Member]) -> Grid:
    """The frame's grid around all registered masks, with all its slices; the average is 0
    elsewhere.
    """
    low, high = [], []
    for member in members:
        points = member.mask.grid.to_world(np.argwhere(np.asarray(member.mask.data) > EMPTY))
        plane = frame.to_voxel(member.transform.to_reference(points))[:, :2]
        reach = (
            np.ceil(member.mask.spacing.max() / frame.spacing[:2])
            if member.mask.shape[2] > 1
            else 0
        )
        low.append(plane.min(axis=0) - np.minimum(reach, 8))
        high.append(plane.max(axis=0) + np.minimum(reach, 8))
    start = np.floor(np.min(low, axis=0)).astype(int) - _MARGIN
    stop = np.ceil(np.max(high, axis=0)).astype(int) + _MARGIN + 1
    return frame.crop(np.append(start, 0), np.append(stop, frame.shape[2]))


def _in_own_space(
    contrast: Contrast, member: _Member, soft: Volume, count: Volume
) -> tuple[Volume, tuple[int, ...]]:
    """The average on the grid of the contrast's mask, in its own orientation; and segmented slices
    that it does not reach.
    """
    known = count.with_data((count.data > 0).astype(np.float32))
    own = member.mask.grid
    start, stop = box_within(own, soft, member.transform.to_moving)
    data = np.zeros(own.shape, np.float32)
    part = tuple(slice(a, b) for a, b in zip(start, stop))
    if (stop > start).all():
        data[part] = warp_known(soft, known, own.crop(start, stop), member.transform.to_reference)
    data *= np.asarray(member.coverage.data)
    np.clip(data, 0.0, 1.0, out=data)
    result = reorient(Volume(data, own.affine), contrast.mask.letters)
    segmented = slices_with_mask(member.mask)
    without = np.setdiff1d(segmented, np.flatnonzero((data > EMPTY).any(axis=(0, 1))))
    return Volume(np.ascontiguousarray(result.data), contrast.mask.affine), tuple(
        int(number) for number in without
    )


def _notes(members: Sequence[_Member]) -> tuple[str, ...]:
    if len(members) == 1:
        return (
            (
                f"Only {members[0].name} was given, so the ground truth is its own mask and not an"
                " average."
            ),
        )
    return ()
