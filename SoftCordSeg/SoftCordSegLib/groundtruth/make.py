"""From the masks of a subject's contrasts to one soft ground truth in each contrast's own space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..progress import Progress
from ..volume import Grid, Volume, reorient, resample_mask
from ..volume.slice_moments import EMPTY, slices_with_mask
from .contrast import Contrast, check_contrasts
from .coverage import average, coverage_of
from .ends import pad_ends, trim_ends
from .options import PAPER, GroundTruthOptions
from .registration import SlicewiseRigid, register
from .registration.fit import Fit
from .truth import ContrastTruth, GroundTruth
from .warp import box_within, warp, warp_known

# Of the averaging grid around all masks, voxels.
_MARGIN = 3


@dataclass(frozen=True, eq=False)
class _Member:
    """A contrast on its way: its mask with the third axis along the cord, where it covers, and its
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
    """One soft mask for all contrasts of a subject (the paper, section 2.2 and figure 1).

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
        contrasts: masks of one visit; missing contrasts are simply not there.
        options: see :class:`GroundTruthOptions`.
        progress: reports, and is asked at every contrast whether to stop.

    Raises:
        InputError: no mask of the reference, a mask that has no slice in common with it.
        Cancelled: the user stopped the work.
    """
    progress = progress or Progress()
    chosen = check_contrasts(list(contrasts), options.reference)
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
        mask, coverage, count = trim_ends(
            mask, coverage, options.trim_slices_of(member.name, frame.spacing[2])
        )
        masks.append(mask)
        coverages.append(coverage)
        trimmed.append(count)
    soft, count = average(masks, coverages)
    soft, count = Volume(soft, box.affine), Volume(count, box.affine)

    results = []
    for index, (one, member) in enumerate(zip(contrasts, members)):
        progress.check_cancelled()
        progress.report(0.7 + 0.3 * index / len(members), f"Bringing the average to {member.name}")
        own, without = _in_own_space(one, member, soft, count)
        fit = member.fit
        part = float(
            (soft.data * np.minimum(coverages[index], 1)).sum(dtype=float)
            / max(soft.data.sum(dtype=float), 1e-9)
        )
        results.append(
            ContrastTruth(
                one.name,
                own,
                fit.transform,
                fit.used,
                fit.turned,
                part,
                trimmed[index],
                one is chosen,
                without,
            )
        )
    progress.report(1.0, "Averaged")
    return GroundTruth(options.reference, tuple(results), soft, count, _notes(members))


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


def reach_along(grid: Grid, masks: Sequence[Volume]) -> Grid:
    """``grid`` with so many more slices at its ends that it reaches all voxels of the masks."""
    ends = [
        grid.to_voxel(one.grid.to_world(np.argwhere(np.asarray(one.data) > EMPTY)))[:, 2]
        for one in masks
    ]
    start = min(0, int(np.floor(min(k.min() for k in ends))))
    stop = max(grid.shape[2], int(np.ceil(max(k.max() for k in ends))) + 1)
    return grid.crop(np.array([0, 0, start]), np.array([grid.shape[0], grid.shape[1], stop]))


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
        raise InputError(
            f"{contrast.name} cannot be registered to {options.reference}: {error}"
        ) from error
    return _Member(contrast.name, mask, coverage, fit)


def _averaging_box(frame: Grid, members: Sequence[_Member]) -> Grid:
    """The frame's grid around all registered masks, with all its slices; the average is 0
    elsewhere.
    """
    low, high = [], []
    for member in members:
        places = member.mask.grid.to_world(np.argwhere(np.asarray(member.mask.data) > EMPTY))
        plane = frame.to_voxel(member.transform.to_reference(places))[:, :2]
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
