"""References with the edge brought to another convention: drawn masks differ by where their authors
put the edge.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from scipy import ndimage

from ...errors import InputError
from ...volume import Volume
from ..masks.overlap import dice, volume_ratio
from ..masks.surface import average_surface_distance
from .drawn import THRESHOLD, drawn_slices

# Offsets are fractions of a millimetre, and voxels up to one: scores are taken on voxels not larger
# than this in plane.
_FINE_MM = 0.25
_MARGIN_MM = 8.0


def read_offsets(path: str | Path) -> dict[str, float]:
    """Offset by data set, mm: positive where its masks reach further out than the convention.

    Returns:
        Empty where there is no such file.

    Raises:
        InputError: it lacks the columns dataset and offset_mm, or has no numbers in them.
    """
    path = Path(path)
    if not path.is_file():
        return {}
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            lines = [line for line in stream if line.strip() and not line.startswith("#")]
        return {
            row["dataset"].strip(): float(row["offset_mm"])
            for row in csv.DictReader(lines)
            if row["offset_mm"].strip()
        }
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(
            f"'{path}' is no table of offsets. It needs the columns dataset and offset_mm (a"
            " number)."
        ) from error


def signed_distance(mask: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
    """Distance to the edge of a mask in the plane of its slices, mm: negative within, positive
    outside.

    The edge lies half-way between a voxel of the mask and its neighbour outside.

    Args:
        mask: boolean (i, j, slices).
        spacing_mm: voxel edge lengths, (3,).

    Returns:
        float (i, j, slices); slices without mask are far outside (inf).
    """
    found = np.full(mask.shape, np.inf)
    plane = [float(size) for size in spacing_mm[:2]]
    half = 0.5 * float(np.mean(plane))
    for number in np.flatnonzero(mask.any(axis=(0, 1))):
        one = mask[..., number]
        outside = ndimage.distance_transform_edt(~one, sampling=plane)
        within = ndimage.distance_transform_edt(np.pad(one, 1), sampling=plane)[1:-1, 1:-1]
        found[..., number] = np.where(one, half - within, outside - half)
    return found


def offset_scores(mask: Volume, reference: Volume, offset_mm: float) -> dict[str, float]:
    """Dice, volume ratio and surface distance of a reference whose edge is moved inwards in the
    plane of the slices.

    The volume ratio is that of the masks as drawn, times the part by which the moved reference is
    smaller; Dice and distance are taken on voxels of at most 0.25 mm in plane, so that an offset
    below a voxel counts.

    Args:
        mask: soft, axes LAS.
        reference: on the same grid.
        offset_mm: how much too far out the reference is drawn; negative moves its edge outwards.
    """
    part = drawn_slices(reference.data)
    known = reference.data[..., part] >= THRESHOLD
    box = _box(known | (mask.data[..., part] >= THRESHOLD), mask.spacing)
    known, soft = known[box], mask.data[..., part][box].astype(np.float32)
    distance = signed_distance(known, mask.spacing)
    factors = [max(int(np.ceil(float(size) / _FINE_MM)), 1) for size in mask.spacing[:2]]
    fine_distance, fine_soft = _finer(np.minimum(distance, 1e3), factors), _finer(soft, factors)
    moved, as_drawn, predicted = (
        fine_distance <= -offset_mm,
        fine_distance <= 0,
        fine_soft >= THRESHOLD,
    )
    ratio = volume_ratio(mask.data[..., part], reference.data[..., part])
    affine = np.diag(
        [*(float(size) / factor for size, factor in zip(mask.spacing, (*factors, 1))), 1.0]
    )
    return {
        "dice": dice(predicted, moved),
        "volume_ratio": ratio * as_drawn.sum() / moved.sum() if moved.any() else float("nan"),
        "distance_mm": average_surface_distance(predicted, moved, affine),
    }


def _box(mask: np.ndarray, spacing_mm: np.ndarray) -> tuple[slice, slice, slice]:
    """What there is in plane, and a margin."""
    found = ndimage.find_objects(mask.astype(np.uint8))[0]
    margins = [int(np.ceil(_MARGIN_MM / float(size))) for size in spacing_mm[:2]]
    plane = [
        slice(max(one.start - margin, 0), one.stop + margin) for one, margin in zip(found, margins)
    ]
    return (*plane, slice(None))


def _finer(values: np.ndarray, factors: list[int]) -> np.ndarray:
    """Linearly interpolated in plane; the voxels' outer edges stay where they are."""
    places = [
        (np.arange(n * factor) + 0.5) / factor - 0.5 for n, factor in zip(values.shape, factors)
    ]
    for axis, place in enumerate(places):
        low = np.clip(np.floor(place).astype(int), 0, max(values.shape[axis] - 2, 0))
        high = np.minimum(low + 1, values.shape[axis] - 1)
        part = np.clip(place - low, 0.0, 1.0).reshape([-1 if n == axis else 1 for n in range(3)])
        values = np.take(values, low, axis) * (1 - part) + np.take(values, high, axis) * part
    return values
