"""Our own pipeline: locate the cord on a coarse grid, and segment it on a fine one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..network import ModelBundle
from ..network.limits import check_working_size
from ..progress import Progress
from ..volume import Box, Grid, Volume, resample, resample_mask
from ..volume.intensities import Scaling, blank_slices, padding_values, without_image
from ..volume.resampling import IMAGE_ORDER
from .cord_candidates import Candidate
from .cord_plausibility import Surroundings, surroundings
from .follow_cord import Followed, follow_cord
from .locate import locate, neighbourhood
from .located_cord import LocatedCord
from .loose_piece import is_loose_piece
from .predictor import Networks
from .soft_mask import SoftMask, segmentation_result
from .soft_shares import soft_shares
from .tiles import predict_tiled
from .working_image import WorkingImage, fine_grid

# The least margin around the located cord that the network sees, mm: the canal and the bone beside
# it. A tile mostly sees more.
_MARGIN_MM = np.array([10.0, 10.0, 14.0])
# A voxel farther than this from the located cord is not cord, whatever the network says.
_REACH_MM = 14.0
# The segmenter agrees with the locator if it finds at least this part of the located volume.
_AGREEMENT = 0.5
# A cord begins at the brain, so that what lies below it in its spine is none: the sac, whose lower
# end narrows to the calibre of a cord.  A candidate above the best one takes its place if it has at
# least this part of its score, and lies within so many mm of its vertical.
_UPPER, _ONE_SPINE_MM = 0.25, 120.0
# Soft values below this are the network's noise floor, not partial volume (SCT drops values below
# 0.1).
_FLOOR = 0.05


@dataclass(frozen=True, eq=False)
class WorkingMask:
    """What was found, on the working grid.

    Attributes:
        soft: its soft values.
        box: that was segmented.
        score: how cord-like it is, mm³; 0 for nothing.
        located: what the locator found there, where it was asked.
        around: what lies around it, where that was looked at.
        followed: the same after following the cord, where that was done.
        is_loose: whether it is a piece in the middle of the image, which no cord is.
    """

    soft: Volume
    box: Box
    score: float
    located: LocatedCord | None = None
    around: Surroundings | None = None
    followed: Followed | None = None
    is_loose: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """For the reader of the mask."""
        return () if self.around is None else self.around.notes

    @property
    def is_implausible(self) -> bool:
        """Whether there was something, but no cord."""
        return self.around is not None and self.around.rule_out_cord

    def judged(self, image: Volume) -> WorkingMask:
        """The same with what lies around it; without a score where that is no spine.

        Args:
            image: that was segmented, as prepared.
        """
        around = surroundings(image, self.soft) if self.score else None
        judged = replace(self, around=around)
        return replace(judged, score=0.0) if judged.is_implausible else judged


def locate_and_segment(
    working: WorkingImage,
    networks: Networks,
    progress: Progress,
    known: LocatedCord | None = None,
) -> WorkingMask | None:
    """Locate the cord and segment it; where the segmenter finds little at a candidate, something
    that lies in no spine, or a loose piece, the next one is tried, and so is one above it in the
    same spine.  Where nothing is found so, what the locator thinks hardly likely is tried, and
    taken if nothing about it is doubtful.  A cord that is known, on this image's coarse grid, is
    not located again.
    """
    if known is not None and known.mask.shape == working.coarse.shape:
        found = _segment_located(working, known, networks, progress.part(0.2, 0.95))
        return found.judged(working.image)
    progress.report(0.02, "Locating the cord")
    stage, _ = networks.bundle.stages
    predict, divisor = networks.locator()
    coarse = working.coarse
    probabilities = locate(
        coarse, working.intensities.for_locator(), predict, divisor, stage, progress.part(0.02, 0.2)
    )
    candidates = probabilities.candidates()
    best, loose = _best_of(candidates, working, networks, progress.part(0.2, 0.94))
    # Beside a tube that is no cord, what is hardly seen is none either.
    if best is not None and (best.score or (best.is_implausible and loose is None)):
        return best
    further = probabilities.fainter(candidates)
    again, _ = _best_of(further, working, networks, progress.part(0.94, 0.95))
    # The cord that a loose piece lies below may be hardly seen; else nothing speaks for a cord but
    # the segmenter.
    if again is not None and again.score and (loose is not None or not again.notes):
        return again
    return loose or best


def _best_of(
    candidates: Sequence[Candidate], working: WorkingImage, networks: Networks, progress: Progress
) -> tuple[WorkingMask | None, WorkingMask | None]:
    """The best candidate, and the first that is a loose piece; None where there is none."""
    best, best_score, ruled_out, settled = None, 0.0, 0.0, False
    loose = None
    for number, candidate in enumerate(candidates):
        if settled and not _is_upper(candidate, best, best_score, working.coarse):
            continue
        part = progress.part(number / len(candidates), (number + 1) / len(candidates))
        found = _segment_located(working, LocatedCord(candidate.mask), networks, part)
        # A little beside something that is no cord is none either.
        if found.score < _AGREEMENT * ruled_out:
            continue
        score, found = found.score, found.judged(working.image)
        if found.is_implausible:
            ruled_out = max(ruled_out, score)
        found = _unless_loose(found, working, networks, part)
        if found.is_loose:
            loose = loose or found
            continue
        agrees = found.score > _AGREEMENT * candidate.score
        # Once one is settled, what is tried lies above it: there agreeing is enough.
        is_better = agrees if settled else best is None or found.score > best.score
        if is_better:
            best, best_score = found, candidate.score
        settled = settled or agrees
    return best, loose


def _unless_loose(
    found: WorkingMask, working: WorkingImage, networks: Networks, progress: Progress
) -> WorkingMask:
    """The same; where it is short and ends inside the image, after following it; without a score
    where it is a loose piece even then.
    """
    if not found.score or not is_loose_piece(found.soft, working.image):
        return found
    followed = follow_cord(working, found.soft, networks, progress)
    if is_loose_piece(followed.soft, working.image):
        return replace(found, score=0.0, is_loose=True)
    return replace(found, followed=followed)


def _is_upper(
    candidate: Candidate, best: WorkingMask | None, best_score: float, coarse: Volume
) -> bool:
    """Whether a candidate lies above what was found, in the same spine."""
    if best is None or best.located is None or candidate.score < _UPPER * best_score:
        return False
    upper, lower = (
        coarse.grid.to_world(np.argwhere(mask)) for mask in (candidate.mask, best.located.mask)
    )
    across = upper.mean(axis=0) - lower.mean(axis=0)
    return bool(upper[:, 2].min() > lower[:, 2].max() and np.hypot(*across[:2]) <= _ONE_SPINE_MM)


def _segment_located(
    working: WorkingImage, cord: LocatedCord, networks: Networks, progress: Progress
) -> WorkingMask:
    located = working.coarse.with_data(cord.mask)
    scaling, near = working.scaling_about(cord.mask), neighbourhood(located, _REACH_MM)
    box = _box_around(located)
    found = segment_in_box(working.image, box, near, scaling, networks, progress)
    return replace(found, located=cord)


def _box_around(cord: Volume) -> Box:
    """The located cord's box and its margin, within the image."""
    margin = np.ceil(_MARGIN_MM / cord.spacing).astype(int)
    voxels = np.argwhere(cord.data)
    start = np.maximum(voxels.min(axis=0) - margin, 0)
    stop = np.minimum(voxels.max(axis=0) + 1 + margin, cord.shape)
    return Box.of_grid(cord.grid.crop(start, stop))


def _working_grid(box: Box, image: Grid, bundle: ModelBundle) -> Grid:
    """The isotropic grid that covers the box, at least one tile large."""
    _, stage = bundle.stages
    fine = fine_grid(image, stage.spacing_mm, bundle.intensities)
    start, stop = box.voxels_of(fine)
    if (stop <= 0).any() or (start >= np.array(fine.shape)).any():
        raise InputError(
            "The box lies outside the image.", hint="Move it onto the cord and segment again."
        )
    short = np.maximum(np.array(stage.tile) - (stop - start), 0)
    start = start - short // 2
    stop = stop + (short - short // 2)
    check_working_size(stop - start, fine.spacing)
    return fine.crop(start, stop)


def segment_in_box(
    working: Volume,
    box: Box,
    near: Volume | None,
    scaling: Scaling,
    networks: Networks,
    progress: Progress,
) -> WorkingMask:
    """Run the segmenter in ``box``, only where ``near`` is True (everywhere where None)."""
    _, stage = networks.bundle.stages
    grid = _working_grid(box, working.grid, networks.bundle)
    predict = networks.segmenter()
    sampled = resample(working, grid, order=IMAGE_ORDER)
    wanted = None
    if near is not None:
        wanted = resample(near, grid, order=0, outside=0.0).data > 0.5
    raw = predict_tiled(scaling(sampled.data), predict, stage.tile, stage.overlap, progress, wanted)
    # A tile is larger than a small box.
    where = box.inside(grid) if wanted is None else wanted
    soft, score = soft_shares(raw, stage, grid.spacing, where)
    return WorkingMask(Volume(soft, grid.affine), box, score)


def on_image_grid(
    image: Volume, found: WorkingMask | None, seen: Grid, given_box: Box | None = None
) -> SoftMask:
    """The mask on the image's own grid, computed only where it is not 0; empty where nothing was
    found.

    Args:
        image: the input.
        found: the result on the working grid.
        seen: the grid of the image without padding; outside it the mask is 0.
        given_box: that the user chose: outside it the mask is 0, and its ends are no surprise.
    """
    result = np.zeros(image.shape, np.float32)
    filled = np.argwhere(found.soft.data > 0) if found is not None and found.score else None
    if found is not None and filled is not None and len(filled):
        extent = Box.of_grid(found.soft.grid.crop(filled.min(axis=0) - 1, filled.max(axis=0) + 2))
        start, stop = extent.voxels_of(image.grid)
        first, end = Box.of_grid(seen).voxels_of(image.grid)
        start, stop = np.maximum(start, first), np.minimum(stop, end)
        if (start < stop).all():
            grid = image.grid.crop(start, stop)
            part = resample_mask(found.soft, grid, order=IMAGE_ORDER).data
            chosen = tuple(slice(a, b) for a, b in zip(start, stop))
            none = without_image(image.data[chosen], padding_values(image.data))
            for axis, index in blank_slices(image.data):
                np.moveaxis(none, axis, 0)[np.arange(start[axis], stop[axis]) == index] = True
            if given_box is not None:
                none |= ~given_box.inside(grid)
            result[chosen] = np.where(none | (part < _FLOOR), 0, part)
    return segmentation_result(
        image.with_data(result),
        None if found is None else found.box,
        image=image if given_box is None else None,
    )
