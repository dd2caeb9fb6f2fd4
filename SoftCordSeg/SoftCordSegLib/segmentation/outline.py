"""Our own way: look for the cord on a coarse grid, and outline it on a fine one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..network import Stage
from ..network.activations import ACTIVATIONS
from ..progress import Progress
from ..volume import Box, Grid, Volume, resample, resample_mask
from ..volume.intensities import Scaling
from ..volume.resampling import IMAGE_ORDER
from .answer import answer
from .locate import locate, neighbourhood
from .networks import Networks
from .plausible import cord_candidates
from .soft_mask import SoftMask
from .tiles import predict_tiled
from .working import Working

# What the network sees around the located cord at least, mm: the canal and the bone beside it. A
# tile mostly sees more.
_MARGIN_MM = np.array([10.0, 10.0, 14.0])
# Wherever a voxel is that far from the located cord it is not cord, whatever the network says
# there.
_REACH_MM = 14.0
# The segmenter agrees with the locator if it finds at least this part of what the locator saw.
_AGREEMENT = 0.5
# Soft values below this are the network's noise floor, not partial volume (SCT drops values below
# 0.1).
_FLOOR = 0.05


@dataclass(frozen=True, eq=False)
class Outline:
    """Soft values on the working grid, the box they were sought in, and how cord-like they are
    (mm³; 0 for nothing).
    """

    soft: Volume
    box: Box
    score: float


def search(working: Working, networks: Networks, progress: Progress) -> Outline | None:
    """Locate the cord and outline it; where the segmenter sees little at a place, the next place
    has its turn.
    """
    progress.report(0.02, "Looking for the cord")
    stage = networks.bundle.locator
    predict, divisor = networks.locator()
    coarse = working.coarse
    candidates = locate(
        coarse, working.intensities.for_locator(), predict, divisor, stage, progress.part(0.02, 0.2)
    )
    best = None
    for number, candidate in enumerate(candidates):
        located = coarse.with_data(candidate.mask)
        part = progress.part(
            0.2 + 0.75 * number / len(candidates), 0.2 + 0.75 * (number + 1) / len(candidates)
        )
        scaling, near = working.scaling_about(candidate.mask), neighbourhood(located, _REACH_MM)
        outline = outline_in(working.image, _box_around(located), near, scaling, networks, part)
        if best is None or outline.score > best.score:
            best = outline
        if outline.score > _AGREEMENT * candidate.score:
            break
    return best


def is_narrow(working: Volume, stage: Stage) -> bool:
    """True where one tile of the segmenter sees the whole width and depth of the image."""
    size = np.array(working.shape[:2]) * working.spacing[:2]
    return bool((size <= np.array(stage.tile[:2]) * stage.spacing_mm).all())


def _box_around(cord: Volume) -> Box:
    """The located cord's box and its margin, within the image."""
    margin = np.ceil(_MARGIN_MM / cord.spacing).astype(int)
    voxels = np.argwhere(cord.data)
    start = np.maximum(voxels.min(axis=0) - margin, 0)
    stop = np.minimum(voxels.max(axis=0) + 1 + margin, cord.shape)
    return Box.of_grid(cord.grid.crop(start, stop))


def _working_grid(box: Box, image: Grid, stage: Stage) -> Grid:
    """The isotropic grid that fills the box: at least one tile large; sizes beyond one tile are
    whatever they are.
    """
    fine = image.with_spacing(stage.spacing_mm)
    start, stop = box.voxels_of(fine)
    if (stop <= 0).any() or (start >= np.array(fine.shape)).any():
        raise InputError("The box lies outside the image. Move it onto the cord and run again.")
    short = np.maximum(np.array(stage.tile) - (stop - start), 0)
    start = start - short // 2
    stop = stop + (short - short // 2)
    return fine.crop(start, stop)


def outline_in(
    working: Volume,
    box: Box,
    near: Volume | None,
    scaling: Scaling,
    networks: Networks,
    progress: Progress,
) -> Outline:
    """Run the segmenter in ``box``, as far as ``near`` (all of it where None)."""
    stage = networks.bundle.segmenter
    grid = _working_grid(box, working.grid, stage)
    predict = networks.segmenter()
    sampled = resample(working, grid, order=IMAGE_ORDER)
    wanted = None
    if near is not None:
        wanted = resample(near, grid, order=0, outside=0.0).data > 0.5
    raw = predict_tiled(scaling(sampled.data), predict, stage.tile, stage.overlap, progress, wanted)
    soft = ACTIVATIONS[stage.activation](raw)
    if wanted is not None:
        soft[~wanted] = 0
    # Pieces are told apart at a low level, so that they keep their soft rims.
    candidates = cord_candidates(soft, grid.spacing, level=0.1)
    soft[~candidates[0].mask if candidates else ...] = 0
    return Outline(Volume(soft, grid.affine), box, candidates[0].score if candidates else 0.0)


def brought_back(image: Volume, outline: Outline | None, seen: Grid) -> SoftMask:
    """The mask on the image's own grid, computed only where it is not 0; empty where nothing was
    found.

    Args:
        image: as it was given.
        outline: of the cord.
        seen: the part of the image that is not padding: beyond it there is no cord to be seen.
    """
    result = np.zeros(image.shape, np.float32)
    filled = np.argwhere(outline.soft.data > 0) if outline is not None and outline.score else ()
    if len(filled):
        extent = Box.of_grid(outline.soft.grid.crop(filled.min(axis=0) - 1, filled.max(axis=0) + 2))
        start, stop = extent.voxels_of(image.grid)
        first, end = Box.of_grid(seen).voxels_of(image.grid)
        start, stop = np.maximum(start, first), np.minimum(stop, end)
        if (start < stop).all():
            part = resample_mask(outline.soft, image.grid.crop(start, stop), order=IMAGE_ORDER)
            result[tuple(slice(a, b) for a, b in zip(start, stop))] = np.where(
                part.data < _FLOOR, 0, part.data
            )
    return answer(image.with_data(result), outline.box if outline is not None else None)
