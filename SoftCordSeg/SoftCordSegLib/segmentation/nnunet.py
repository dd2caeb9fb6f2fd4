"""nnU-Net v2's inference (releases v3.0 and v4.0), step by step, up to the probabilities that it
turns into labels.

Sources: MIC-DKFZ/nnUNet v2 (``default_preprocessor.py``, ``cropping.py``,
``default_resampling.py``, ``predict_from_raw_data.py``, ``sliding_window_prediction.py``,
``export_prediction.py``, acvl_utils' ``pad_nd_image``) and SCT's ``deepseg/inference.py``.  Sums
are kept in float32 where nnU-Net keeps them in half precision.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..network import ModelBundle
from ..network.engines import Engine
from ..network.limits import check_working_size
from ..network.plans import NnUNet, Resampling
from ..progress import Progress
from ..volume import Volume, reorient
from .centre_crop import padded_to
from .predictor import all_flips, with_flips
from .tiles import predict_tiled

# Slices more than this many times as thick as their pixels are wide are resampled separately
# (nnU-Net's ANISO_THRESHOLD).
_THICK = 3.0


def new_shape(shape: Sequence[int], old: Sequence[float], new: Sequence[float]) -> tuple[int, ...]:
    """Voxels along each axis after a change of spacing from ``old`` to ``new``, mm."""
    return tuple(int(round(a / b * n)) for a, b, n in zip(old, new, shape))


def resampled(
    data: np.ndarray,
    shape: Sequence[int],
    old: Sequence[float],
    new: Sequence[float],
    options: Resampling,
) -> np.ndarray:
    """The array resampled to another number of voxels over the same extent.

    Args:
        data: (channels, i, j, k).
        shape: new, (i, j, k).
        old, new: spacings, mm.
        options: orders of the splines.

    Returns:
        (channels, i, j, k); float64 where something changed.
    """
    if tuple(data.shape[1:]) == tuple(shape):
        return data
    axis = thick_axis(old, new, options.separate_z)
    if axis is None:
        return np.stack([_resized(channel, shape, options.order) for channel in data])
    return np.stack([_resized_separately(channel, shape, axis, options) for channel in data])


def thick_axis(old: Sequence[float], new: Sequence[float], separate: bool | None) -> int | None:
    """The axis across the slices, where it is resampled separately; None where none is."""
    if separate is None:
        thick = next(
            (spacing for spacing in (old, new) if max(spacing) / min(spacing) > _THICK), None
        )
    else:
        thick = old if separate else None
    if thick is None:
        return None
    coarsest = [axis for axis in range(3) if max(thick) / thick[axis] == 1]
    # Two thick axes are thin slabs: all axes are resampled together.
    return coarsest[0] if len(coarsest) == 1 else None


def _resized(data: np.ndarray, shape: Sequence[int], order: int) -> np.ndarray:
    data = np.asarray(data, float)
    if data.shape == tuple(shape):
        return data
    zoom = [1 / (before / after) for before, after in zip(data.shape, shape)]
    result = ndimage.zoom(data, zoom, order=order, mode="nearest", grid_mode=True)
    return np.clip(result, data.min(), data.max(), out=result)


def _resized_separately(
    data: np.ndarray, shape: Sequence[int], axis: int, options: Resampling
) -> np.ndarray:
    within = tuple(n for other, n in enumerate(shape) if other != axis)
    slices = [_resized(plane, within, options.order) for plane in np.moveaxis(data, axis, 0)]
    flat = np.stack(slices)
    if len(slices) != shape[axis]:
        # Positions of the new slices among the old ones, as voxel centres.
        positions = len(slices) / shape[axis] * (np.arange(shape[axis]) + 0.5) - 0.5
        if options.order_z == 0:
            chosen = ndimage.map_coordinates(
                np.arange(len(slices)), [positions], order=0, mode="nearest"
            )
            flat = flat[chosen]
        else:
            grid = np.meshgrid(positions, *(np.arange(n) for n in within), indexing="ij")
            flat = ndimage.map_coordinates(flat, grid, order=options.order_z, mode="nearest")
    return np.moveaxis(flat, 0, axis)


def nnunet_mask(
    image: Volume, bundle: ModelBundle, engine: Engine, flips: bool, progress: Progress
) -> np.ndarray:
    """Probability of cord on the grid of ``image``, float32.

    Args:
        image: any orientation and spacing.
        bundle: with a :class:`~...network.plans.NnUNet`.
        engine: that runs the network.
        flips: nnU-Net's test-time mirroring, along the axes that the network was trained with.
        progress: receives progress; checked for cancellation at every tile.
    """
    plan = bundle.plan
    assert isinstance(plan, NnUNet)
    progress.report(0.0, "Loading the network")
    progress.check_cancelled()
    working = reorient(image, bundle.orientation)
    # SimpleITK's arrays, which nnU-Net was trained on, have the axes in reverse order.
    order = [2 - axis for axis in plan.transpose_forward]
    data = np.asarray(working.data, np.float32).transpose(order)
    spacing = working.spacing[order].tolist()
    box, nonzero = _nonzero(data)
    cropped = normalised(data[box], nonzero[box], plan)
    size = new_shape(cropped.shape, spacing, plan.spacing_mm)
    padded = [max(n, t) for n, t in zip(size, plan.patch)]
    check_working_size(padded, plan.spacing_mm, plan.channels)
    check_working_size(cropped.shape, spacing, plan.channels)
    sampled = resampled(cropped[None], size, spacing, plan.spacing_mm, plan.data)[0].astype(
        np.float32
    )
    logits = _logits(sampled, bundle, engine, flips, progress.part(0.05, 0.95))
    progress.report(0.95, "Resampling the mask to the image's grid")
    logits = resampled(logits, cropped.shape, plan.spacing_mm, spacing, plan.probabilities)
    whole = np.zeros(data.shape, np.float32)
    whole[box] = softmax(logits)[list(plan.foreground)].sum(axis=0)
    return reorient(working.with_data(whole.transpose(np.argsort(order))), image.letters).data


def normalised(data: np.ndarray, nonzero: np.ndarray, plan: NnUNet) -> np.ndarray:
    """By nnU-Net's schemes of these names; float32.

    Args:
        data: (i, j, k).
        nonzero: where the image is, bool.
        plan: the scheme and what it needs.
    """
    data = data.astype(np.float32)  # a copy
    if plan.normalisation == "ZScoreNormalization":
        where = nonzero if plan.use_mask else np.ones_like(nonzero)
        values = data[where]
        data[where] = (values - values.mean(dtype=float)) / max(values.std(dtype=float), 1e-8)
    elif plan.normalisation == "CTNormalization":
        known = plan.intensities
        np.clip(data, known["percentile_00_5"], known["percentile_99_5"], out=data)
        data = (data - known["mean"]) / max(known["std"], 1e-8)
    elif plan.normalisation == "RescaleTo01Normalization":
        data -= data.min()
        data /= max(data.max(), 1e-8)
    return data.astype(np.float32)


def spread_starts(size: int, tile: int, overlap: float) -> list[int]:
    """Where tiles begin along one axis: evenly spread from the first to the last voxel, as in
    nnU-Net.
    """
    count = int(np.ceil((size - tile) / (tile * (1 - overlap)))) + 1
    step = (size - tile) / (count - 1) if count > 1 else 0.0
    return [int(np.round(step * n)) for n in range(count)]


def gaussian_weight(tile: tuple[int, ...]) -> np.ndarray:
    """Of a tile's voxels: a Gaussian of an eighth of its size around the voxel in its middle,
    nowhere 0; float32.

    nnU-Net holds it in half precision, in which the corners round to 0 and are then set to the
    smallest of the others.
    """
    point = np.zeros(tile)
    point[tuple(n // 2 for n in tile)] = 1
    weight = ndimage.gaussian_filter(point, [n / 8 for n in tile], mode="constant")
    weight = (10 * weight / weight.max()).astype(np.float16)
    weight[weight == 0] = weight[weight > 0].min()
    return weight.astype(np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Over the first axis."""
    exponents = np.exp(logits - logits.max(axis=0))
    return exponents / exponents.sum(axis=0)


def _logits(
    data: np.ndarray, bundle: ModelBundle, engine: Engine, flips: bool, progress: Progress
) -> np.ndarray:
    """Raw outputs (channels, i, j, k), the mean of all folds."""
    plan = bundle.plan
    assert isinstance(plan, NnUNet)
    padded, inside = padded_to(data, plan.patch)
    weight = gaussian_weight(plan.patch)
    folds = len(plan.network.weights)
    total: np.ndarray | None = None
    predictors = bundle.predictors(plan.network, engine, progress.check_cancelled)
    for fold, predict in enumerate(predictors):
        if flips:
            predict = with_flips(predict, all_flips(plan.mirror_axes))
        part = progress.part(fold / folds, (fold + 1) / folds)
        raw = predict_tiled(
            padded,
            predict,
            plan.patch,
            1 - plan.step,
            part,
            starts=spread_starts,
            weight=weight,
            channels=plan.channels,
        )
        total = raw if total is None else total + raw
    assert total is not None
    within = (slice(None), *inside)
    return (total / folds)[within]


def _nonzero(data: np.ndarray) -> tuple[tuple[slice, ...], np.ndarray]:
    """The box of what is not 0, and where the image is, its dark holes included."""
    filled = ndimage.binary_fill_holes(data != 0)
    boxes = ndimage.find_objects(filled.astype(np.uint8))
    if not boxes:
        raise InputError(
            "The image is 0 everywhere.", hint="Check that the right file was exported."
        )
    return boxes[0], filled
