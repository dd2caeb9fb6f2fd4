"""The paper's inference (releases v2.0 to v2.5), step by step.

Sources: ``monai/run_inference_single_image.py`` of the authors' repository and SCT's
``deepseg/inference.py``; MONAI's transforms are reimplemented here on arrays (``Orientationd``,
``Spacingd`` order 2, ``ResizeWithPadOrCropd``, ``DivisiblePadd``, ``NormalizeIntensityd``,
``sliding_window_inference``, ``Invertd``), so that MONAI need not be installed.
"""

from __future__ import annotations

import numpy as np

from ..network import ModelBundle
from ..network.activations import ACTIVATIONS
from ..network.engines import Engine
from ..network.limits import check_working_size
from ..network.plans import CentreCrop
from ..progress import Progress
from ..volume import Grid, Volume, reorient, resample
from ..volume.resampling import IMAGE_ORDER
from .predictor import left_right, with_flips
from .tiles import predict_tiled

# MONAI keeps a spacing that is that close to the requested one, mm.
_SAME_SPACING = 1e-3
# And takes axes for perpendicular where the image's corner moves less than this, voxels (numpy's
# default for "is close").
_RIGHT_ANGLES = 1e-8


def centre_crop_mask(
    image: Volume, bundle: ModelBundle, engine: Engine, flips: bool, progress: Progress
) -> np.ndarray:
    """Soft values on the grid of ``image``; the inverse resampling is a spline that overshoots 0
    and 1.

    Args:
        image: any orientation and spacing.
        bundle: with a :class:`~...network.plans.CentreCrop`.
        engine: that runs the network.
        flips: mean with the left-right mirror image.
        progress: receives progress; checked for cancellation at every tile.
    """
    plan = bundle.plan
    assert isinstance(plan, CentreCrop)
    progress.report(0.0, "Loading the network")
    progress.check_cancelled()
    working = reorient(image, bundle.orientation)
    grid = spaced(working.grid, plan.spacing_mm)
    check_working_size(grid.shape, grid.spacing)
    whole_axes = (n if wanted == -1 else wanted for n, wanted in zip(grid.shape, plan.crop))
    check_working_size([max(n, t) for n, t in zip(whole_axes, plan.tile)], grid.spacing)
    sampled = _resampled(working, grid)
    cropped, position = cropped_and_padded(sampled.data, plan)
    normal = z_scored(cropped)
    predict = next(bundle.predictors(plan.network, engine, progress.check_cancelled))
    if flips:
        predict = with_flips(predict, left_right(bundle.orientation))
    padded, inside = padded_to(normal, plan.tile)
    raw = predict_tiled(
        padded,
        predict,
        plan.tile,
        plan.overlap,
        progress.part(0.05, 0.95),
        starts=stepped_starts,
        channels=1,
    )[0][inside]
    soft = ACTIVATIONS[plan.activation](raw)
    progress.report(0.95, "Resampling the mask to the image's grid")
    whole = np.zeros(grid.shape, np.float32)
    source, target = position
    whole[target] = soft[source]
    back = _resampled(Volume(whole, grid.affine), working.grid)
    return reorient(back, image.letters).data


def spaced(grid: Grid, spacing_mm: float) -> Grid:
    """The grid of MONAI's ``Spacingd``.

    The centre of the first voxel stays, and that of the last one nearly.  But where the axes are
    not at right angles to eight digits, as in most oblique files, MONAI makes the middles of the
    two grids coincide instead.
    """
    axes = grid.affine[:3, :3]
    spacing = np.where(np.abs(grid.spacing - spacing_mm) <= _SAME_SPACING, grid.spacing, spacing_mm)
    # The nearest axes at right angles, the last one being turned most.
    upright = axes @ np.linalg.inv(np.linalg.cholesky(axes.T @ axes).T)
    affine = np.eye(4)
    affine[:3, :3] = upright * spacing
    size = np.array(grid.shape, float)
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in size], indexing="ij")).reshape(3, -1)
    reached = np.linalg.solve(affine[:3, :3], axes) @ corners
    shape = np.round(np.ptp(reached, axis=1) + 1)
    if np.allclose(reached.min(axis=1), 0, atol=_RIGHT_ANGLES):
        affine[:3, 3] = grid.affine[:3, 3]
    else:
        affine[:3, 3] = grid.affine[:3, 3] + axes @ (size / 2) - affine[:3, :3] @ (shape / 2)
    return Grid(tuple(shape.astype(int)), affine)


def cropped_and_padded(
    data: np.ndarray, plan: CentreCrop
) -> tuple[np.ndarray, tuple[tuple, tuple]]:
    """The middle of an array, padded to the crop's size with 0 and then to a divisible one as
    the plan says.

    Returns:
        (array, (source, target)): ``data[target]`` is ``array[source]``.
    """
    target, source, pads = [], [], []
    for size, wanted in zip(data.shape, plan.crop):
        wanted = size if wanted == -1 else wanted
        start = max(size // 2 - wanted // 2, 0)
        stop = min(start + wanted, size)
        short = wanted - (stop - start)
        target.append(slice(start, stop))
        pads.append((short // 2, short - short // 2))
    first = np.pad(data[tuple(target)], pads)
    extra = [-size % plan.divisible_by for size in first.shape]
    more = [(n // 2, n - n // 2) for n in extra]
    for part, (low, _), (lower, _) in zip(target, pads, more):
        source.append(slice(low + lower, low + lower + part.stop - part.start))
    padded = np.pad(first, more, mode="edge" if plan.padding == "edge" else "constant")
    return padded, (tuple(source), tuple(target))


def z_scored(data: np.ndarray) -> np.ndarray:
    """Mean 0 and (population) standard deviation 1 over the whole array, float32; unchanged scale
    where it is constant.
    """
    spread = data.std(dtype=float)
    return (
        (data - np.float32(data.mean(dtype=float))) / np.float32(spread if spread > 0 else 1)
    ).astype(np.float32)


def padded_to(data: np.ndarray, size: tuple[int, ...]) -> tuple[np.ndarray, tuple[slice, ...]]:
    """The array in the middle of one of at least ``size``, 0 around it, and its position there."""
    short = [max(wanted - n, 0) for wanted, n in zip(size, data.shape)]
    padded = np.pad(data, [(n // 2, n - n // 2) for n in short])
    return padded, tuple(slice(n // 2, n // 2 + size) for n, size in zip(short, data.shape))


def stepped_starts(size: int, tile: int, overlap: float) -> list[int]:
    """Where tiles begin along one axis: at even steps from 0, the last one moved back to end with
    the image (MONAI's way).
    """
    if size <= tile:
        return [0]
    step = max(int(tile * (1 - overlap)), 1)
    return [min(step * n, size - tile) for n in range(-(-(size - tile) // step) + 1)]


def _resampled(volume: Volume, grid: Grid) -> Volume:
    return volume if volume.grid.same_as(grid) else resample(volume, grid, order=IMAGE_ORDER)
