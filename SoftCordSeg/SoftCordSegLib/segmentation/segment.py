"""The way from an image to its soft mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..network import ModelBundle, Stage
from ..network.activations import ACTIVATIONS
from ..progress import Progress
from ..volume import Grid, Volume, reorient, resample, resample_mask
from ..volume.orientation import slice_axis
from ..volume.resampling import IMAGE_ORDER
from .box import Box
from .checks import check_image
from .intensities import Scaling
from .locate import coarse_image, locate, neighbourhood
from .plausible import cord_candidates
from .soft_mask import SoftMask
from .tiles import Predict, predict_tiled

# What the network sees around the located cord at least, mm: the canal and the bone beside it. A tile mostly sees more.
_MARGIN_MM = np.array([10.0, 10.0, 14.0])
# Wherever a voxel is that far from the located cord it is not cord, whatever the network says there.
_REACH_MM = 14.0
# The segmenter agrees with the locator if it finds at least this part of what the locator saw.
_AGREEMENT = 0.5
# Soft values below this are the network's noise floor, not partial volume (SCT drops values below 0.1).
_FLOOR = 0.05

NOTHING_FOUND = (
    "No spinal cord was found in this image, so the mask is empty. "
    "If a cord is there, draw a box around it and run again with that box."
)


def segment(
    image: Volume,
    bundle: ModelBundle,
    *,
    box: Box | None = None,
    progress: Progress | None = None,
    device: str = "auto",
) -> SoftMask:
    """Outline the spinal cord.

    Args:
        image: any orientation, spacing and obliquity.
        bundle: the networks.
        box: where to look; the whole of it is segmented and nothing else.  Found by the locator where None.
        progress: told and asked at every tile.
        device: "cpu", "cuda", … or "auto": CUDA where there is one.

    Returns:
        The soft mask on the grid of ``image``; empty, with a sentence that says so, where no cord is found.

    Raises:
        InputError: the image cannot hold a cord (one slice, constant, not finite), or the box lies outside it.
        ModelError: the bundle's weights do not load.
        Cancelled: the user stopped the run.
    """
    progress = progress or Progress()
    check_image(image)
    working = reorient(image, bundle.orientation)
    progress.report(0.0, "Loading the network")
    progress.check_cancelled()
    coarse = coarse_image(working, bundle.locator.spacing_mm)
    scaling = Scaling.of(coarse.data)
    if box is None and _is_narrow(working, bundle.segmenter):
        # A scan cropped to the cord leaves nothing to look for, and too little around it for the locator to know it by.
        box = Box.of_grid(working.grid)
    if box is None:
        outline = _search(working, coarse, scaling, bundle, device, progress)
    else:
        outline = _outline(working, box, None, scaling, bundle, device, progress.part(0.2, 0.95))
    if outline is None or not outline.score:
        return SoftMask(image.with_data(np.zeros(image.shape, np.float32)), None, NOTHING_FOUND)
    progress.report(0.95, "Bringing the mask to the image's grid")
    return _answer(image, outline)


@dataclass(frozen=True, eq=False)
class _Outline:
    """Soft values on the working grid, the box they were sought in, and how cord-like they are (mm³; 0 for nothing)."""

    soft: Volume
    box: Box
    score: float


def _search(
    working: Volume, coarse: Volume, scaling: Scaling, bundle: ModelBundle, device: str, progress: Progress
) -> _Outline | None:
    """Locate the cord and outline it; where the segmenter sees little at a place, the next place has its turn."""
    progress.report(0.02, "Looking for the cord")
    stage = bundle.locator
    predict, divisor = _predictor(bundle, stage, device)
    candidates = locate(coarse, scaling, predict, divisor, stage, progress.part(0.02, 0.2))
    best = None
    for number, candidate in enumerate(candidates):
        located = coarse.with_data(candidate.mask)
        part = progress.part(0.2 + 0.75 * number / len(candidates), 0.2 + 0.75 * (number + 1) / len(candidates))
        outline = _outline(working, _box_around(located), neighbourhood(located, _REACH_MM), scaling, bundle, device, part)
        if best is None or outline.score > best.score:
            best = outline
        if outline.score > _AGREEMENT * candidate.score:
            break
    return best


def _is_narrow(working: Volume, stage: Stage) -> bool:
    """True where one tile of the segmenter sees the whole width and depth of the image."""
    size = np.array(working.shape[:2]) * working.spacing[:2]
    return bool((size <= np.array(stage.tile[:2]) * stage.spacing_mm).all())


def _predictor(bundle: ModelBundle, stage: Stage, device: str) -> tuple[Predict, tuple[int, int, int]]:
    """The network of ``stage`` as a function on arrays, and what its input sizes must be multiples of."""
    import torch

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    network = bundle.network(stage).to(device, memory_format=torch.channels_last_3d)

    def predict(tile: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            tensor = torch.from_numpy(np.ascontiguousarray(tile))[None, None].to(device)
            return network(tensor.contiguous(memory_format=torch.channels_last_3d))[0][0, 0].float().cpu().numpy()

    return predict, network.config.divisor


def _box_around(cord: Volume) -> Box:
    """The located cord's box and its margin, within the image."""
    margin = np.ceil(_MARGIN_MM / cord.spacing).astype(int)
    voxels = np.argwhere(cord.data)
    start = np.maximum(voxels.min(axis=0) - margin, 0)
    stop = np.minimum(voxels.max(axis=0) + 1 + margin, cord.shape)
    return Box.of_grid(cord.grid.crop(start, stop))


def _working_grid(box: Box, image: Grid, stage: Stage) -> Grid:
    """The isotropic grid that fills the box: at least one tile large; sizes beyond one tile are whatever they are."""
    fine = image.with_spacing(stage.spacing_mm)
    start, stop = box.voxels_of(fine)
    if (stop <= 0).any() or (start >= np.array(fine.shape)).any():
        raise InputError("The box lies outside the image. Move it onto the cord and run again.")
    short = np.maximum(np.array(stage.tile) - (stop - start), 0)
    start = start - short // 2
    stop = stop + (short - short // 2)
    return fine.crop(start, stop)


def _outline(
    working: Volume, box: Box, near: Volume | None, scaling: Scaling, bundle: ModelBundle, device: str, progress: Progress
) -> _Outline:
    """Run the segmenter in ``box``, as far as ``near`` (all of it where None)."""
    stage = bundle.segmenter
    grid = _working_grid(box, working.grid, stage)
    predict, _ = _predictor(bundle, stage, device)
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
    soft[soft < _FLOOR] = 0
    return _Outline(Volume(soft, grid.affine), box, candidates[0].score if candidates else 0.0)


def _answer(image: Volume, outline: _Outline) -> SoftMask:
    """The mask on the image's own grid, computed only where it is not 0."""
    result = np.zeros(image.shape, np.float32)
    soft = outline.soft
    filled = np.argwhere(soft.data > 0)
    if len(filled):
        extent = Box.of_grid(soft.grid.crop(filled.min(axis=0) - 1, filled.max(axis=0) + 2))
        start, stop = extent.voxels_of(image.grid)
        start, stop = np.maximum(start, 0), np.minimum(stop, image.shape)
        part = resample_mask(soft, image.grid.crop(start, stop), order=IMAGE_ORDER)
        result[tuple(slice(a, b) for a, b in zip(start, stop))] = np.where(part.data < _FLOOR, 0, part.data)
    mask = image.with_data(result)
    if not result.any():
        return SoftMask(mask, None, NOTHING_FOUND)
    filled = np.flatnonzero(result.any(axis=tuple({0, 1, 2} - {slice_axis(image.affine)})))
    length = (filled[-1] - filled[0] + 1) * image.spacing[slice_axis(image.affine)]
    volume = float(result.sum(dtype=float) * image.grid.voxel_volume / 1000)
    return SoftMask(mask, outline.box, f"Spinal cord found: {volume:.1f} mL over {length:.0f} mm.")
