"""Agreement of a soft mask with one drawn by hand, over the stretch of cord that was drawn.

Many masks are drawn on a part of the slices only, and none says whether the cord goes on. All
voxel scores are therefore taken between the first and the last drawn slice; what a prediction has
beyond them is given apart, and is not counted as wrong. Drawn masks also differ by where their
authors put the edge: :func:`offset_scores` brings it to another convention.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy import ndimage

from ...errors import InputError
from ...volume import Volume, reorient
from ..mask_metrics import (
    average_surface_distance,
    count_components,
    count_false_positives,
    dice,
    volume_ratio,
)

THRESHOLD = 0.5
# Soft values in between are the soft edge; beyond them nearly all voxels are plainly cord or
# plainly not.
_EDGE = (0.05, 0.95)
_BINS = 9
_FEWEST_EDGE_VOXELS = 50
# Offsets are fractions of a millimetre, and voxels up to one: scores are taken on voxels not larger
# than this in plane.
_FINE_MM = 0.25
_MARGIN_MM = 8.0


def drawn_slices(reference: np.ndarray) -> slice:
    """From the first to the last slice (third axis) with a drawn voxel; an empty slice where there
    is none.
    """
    there = np.flatnonzero((reference >= THRESHOLD).any(axis=(0, 1)))
    return slice(int(there[0]), int(there[-1]) + 1) if there.size else slice(0, 0)


def drawn_scores(
    mask: Volume,
    reference: Volume,
    lengths_mm: Mapping[int, float],
    known_lengths_mm: Mapping[int, float],
) -> dict[str, float]:
    """Scores of one image that has a mask drawn by hand.

    Args:
        mask: soft, axes LAS.
        reference: on the same grid.
        lengths_mm: of the cord within each slice, by the mask; slices that are missing count the
            distance between slices.
        known_lengths_mm: the same by the reference.

    Returns:
        By name: ``dice`` (cut at 0.5), ``volume_ratio`` (Σ p / Σ y), ``distance_mm`` (mean, of the
        surfaces), ``calibration`` (see :func:`calibration_error`), all four between the first and
        the last drawn slice; ``missed_mm`` and ``surplus_mm``: length of cord in drawn slices
        without prediction, and of prediction in slices between them that were not drawn;
        ``beyond_mm``: length predicted before the first and after the last drawn slice; ``pieces``:
        of the whole mask, that do not touch the reference; ``nothing_found``: 1 or 0.  NaN where a
        number has no meaning.
    """
    part = drawn_slices(reference.data)
    binary, known = mask.data >= THRESHOLD, reference.data >= THRESHOLD
    predicted, drawn = (np.asarray(one.any(axis=(0, 1))) for one in (binary, known))
    inside = np.zeros(len(drawn), dtype=bool)
    inside[part] = True
    step = float(mask.spacing[2])
    return {
        "dice": dice(binary[..., part], known[..., part]),
        "volume_ratio": volume_ratio(mask.data[..., part], reference.data[..., part]),
        "distance_mm": average_surface_distance(binary[..., part], known[..., part], mask.affine),
        "calibration": calibration_error(mask.data[..., part], known[..., part]),
        "missed_mm": _length(drawn & ~predicted, known_lengths_mm, step),
        "surplus_mm": _length(predicted & ~drawn & inside, lengths_mm, step),
        "beyond_mm": _length(predicted & ~inside, lengths_mm, step),
        "pieces": float(count_false_positives(binary, known)),
        "nothing_found": float(not binary.any()),
    }


def undrawn_scores(
    mask: Volume, lengths_mm: Mapping[int, float], whole_field: bool, without_cord: bool
) -> dict[str, float]:
    """Scores of one image without a drawn mask: of one without any cord every piece is wrong, else
    all but the largest.

    Args:
        mask: soft, axes LAS.
        lengths_mm: of the cord within each slice, by the mask.
        whole_field: as of :class:`..cases.Case`; of a crop pieces are not counted.
        without_cord: the right mask is empty.

    Returns:
        By name, those of :func:`drawn_scores` that have a meaning.
    """
    binary = mask.data >= THRESHOLD
    pieces = count_components(binary)
    if without_cord:
        predicted = np.asarray(binary.any(axis=(0, 1)))
        surplus = _length(predicted, lengths_mm, float(mask.spacing[2]))
        return {"surplus_mm": surplus, "pieces": float(pieces)}
    scores = {"nothing_found": float(not pieces)}
    return {**scores, "pieces": float(max(pieces - 1, 0))} if whole_field else scores


def calibration_error(soft: np.ndarray, known: np.ndarray) -> float:
    """The difference of soft values from the frequency with which voxels of that value lie within
    the reference (0 is perfect).

    Voxels between 0.05 and 0.95 are put into nine classes of equal width; the absolute differences
    between the mean soft value and the part of drawn voxels are averaged over classes, weighted by
    their voxels (expected calibration error).

    Args:
        soft: values in [0, 1].
        known: boolean, same shape.

    Returns:
        0 to 1; NaN where fewer than 50 voxels are at the edge.
    """
    edge = (soft > _EDGE[0]) & (soft < _EDGE[1])
    values, truth = soft[edge].astype(float), known[edge].astype(float)
    if values.size < _FEWEST_EDGE_VOXELS:
        return math.nan
    number = np.minimum(
        ((values - _EDGE[0]) / (_EDGE[1] - _EDGE[0]) * _BINS).astype(int), _BINS - 1
    )
    differences = np.bincount(number, values - truth, _BINS)
    return float(np.abs(differences).sum() / values.size)


def tip_error(mask: Volume, tip_s_mm: float, top_s_mm: float) -> float:
    """The height of the lowest point of a mask (cut at 0.5, all pieces) above the tip of the cord,
    mm; negative: below it.

    Args:
        mask: any orientation.
        tip_s_mm: where the cord ends, S of scanner coordinates.
        top_s_mm: where the image ends above: an empty mask misses the cord down from there.
    """
    voxels = np.argwhere(mask.data >= THRESHOLD)
    if not len(voxels):
        return top_s_mm - tip_s_mm
    half = 0.5 * float(np.abs(mask.affine[2, :3]).max())  # a voxel goes on below its middle
    return float(mask.grid.to_world(voxels)[:, 2].min()) - half - tip_s_mm


def in_las(volume: Volume) -> Volume:
    """With axes along Left, Anterior, Superior, so that the third one counts slices."""
    return reorient(volume, "LAS")


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
            "This is not a table of offsets.",
            path=path,
            hint="It needs the columns dataset and offset_mm (a number).",
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
        offset_mm: the reference is drawn too far out by it; negative moves its edge outwards.
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


def _length(slices: np.ndarray, lengths_mm: Mapping[int, float], step_mm: float) -> float:
    return float(sum(lengths_mm.get(int(number), step_mm) for number in np.flatnonzero(slices)))


def _box(mask: np.ndarray, spacing_mm: np.ndarray) -> tuple[slice, slice, slice]:
    """What there is in plane, and a margin."""
    found = ndimage.find_objects(mask.astype(np.uint8))[0]
    margins = [int(np.ceil(_MARGIN_MM / float(size))) for size in spacing_mm[:2]]
    first, second = (
        slice(max(one.start - margin, 0), one.stop + margin) for one, margin in zip(found, margins)
    )
    return first, second, slice(None)


def _finer(values: np.ndarray, factors: list[int]) -> np.ndarray:
    """Linearly interpolated in plane; the voxels' outer edges stay where they are."""
    positions = [
        (np.arange(n * factor) + 0.5) / factor - 0.5 for n, factor in zip(values.shape, factors)
    ]
    for axis, position in enumerate(positions):
        low = np.clip(np.floor(position).astype(int), 0, max(values.shape[axis] - 2, 0))
        high = np.minimum(low + 1, values.shape[axis] - 1)
        part = np.clip(position - low, 0.0, 1.0).reshape([-1 if n == axis else 1 for n in range(3)])
        values = np.take(values, low, axis) * (1 - part) + np.take(values, high, axis) * part
    return values
