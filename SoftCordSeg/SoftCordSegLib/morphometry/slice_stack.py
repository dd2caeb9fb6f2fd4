"""The cord's slices as a stack of small patches, in SCT's frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..volume import Volume, mask_values, reorient, resample_mask
from ..volume.grid import Grid
from .level_names import slice_ranges

# Resampling can turn 0 into something like 1e-16; SCT calls a voxel empty up to this value.
NEAR_ZERO = 1e-6
# Up to this tilt the angle correction measures the slices as they are; beyond it the grid is hardly
# axial.
MAX_TILT_DEG = 40.0


class EmptyMaskError(InputError):
    """The mask has no cord in it (at the chosen threshold)."""


@dataclass(frozen=True, eq=False)
class SliceStack:
    """Patches of one mask around the cord, one a slice, from the lowest to the highest slice with
    cord in it.

    The frame is SCT's RPI, that is nibabel "LAS": axis 0 runs from Right to Left, axis 1 from
    Posterior to Anterior, slices from Inferior to Superior.

    Attributes:
        patches: (n, R, C) float64, ≥ 0; zero beyond each slice's own box.
        first: (n, 2) index in the full slice of each patch's voxel (0, 0).
        size: (n, 2) rows and columns of each slice's own box; (0, 0) where the slice is empty.
        slices: (n,) slice numbers, without gaps.
        grid: the whole LAS grid.
        notes: sentences on changes to the mask.
    """

    patches: np.ndarray
    first: np.ndarray
    size: np.ndarray
    slices: np.ndarray
    grid: Grid
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.slices)

    @property
    def empty(self) -> np.ndarray:
        """(n,) True where a slice between the lowest and the highest has no cord."""
        return self.size[:, 0] == 0


def axial(mask: Volume, threshold: float | None = None) -> tuple[Volume, tuple[str, ...]]:
    """The mask on a grid whose slices are axial: LAS, reoriented, and resampled only where its
    slices are tilted too far.

    Args:
        mask: any orientation, left-handed and oblique grids included.
        threshold: only to find the part with cord in it, see :func:`extract_slices`.

    Returns:
        The volume, and a note where it was resampled.
    """
    volume = reorient(mask, "LAS")
    direction = volume.affine[:3, 2] / volume.spacing[2]
    tilt = np.degrees(np.arccos(np.clip(direction[2], -1.0, 1.0)))
    if tilt <= MAX_TILT_DEG:
        return volume, ()
    spacing = float(volume.spacing.min())
    resampled = resample_mask(
        volume.with_data(np.asarray(volume.data, dtype=np.float32)),
        _axial_grid(volume, threshold, spacing),
    )
    note = (
        f"The slices are tilted by {tilt:.0f}° from axial, so the mask was resampled to axial"
        f" slices of {spacing:.2f} mm first; slice numbers are those of the resampled grid."
    )
    return resampled, (note,)


def _axial_grid(volume: Volume, threshold: float | None, spacing: float) -> Grid:
    """A world-aligned LAS grid around the part of ``volume`` that has cord in it, plus one voxel
    on each side.
    """
    occupied = _occupied(np.asarray(volume.data), threshold)
    inside = np.argwhere(occupied)
    if len(inside) == 0:
        raise _empty(threshold)
    corners = (
        np.array(np.meshgrid(*zip(inside.min(0) - 1, inside.max(0) + 1), indexing="ij"))
        .reshape(3, -1)
        .T
    )
    world = volume.grid.to_world(corners)
    low, high = world.min(axis=0) - spacing, world.max(axis=0) + spacing
    shape = np.ceil((high - low) / spacing).astype(int) + 1
    affine = np.diag([-spacing, spacing, spacing, 1.0])
    affine[:3, 3] = [high[0], low[1], low[2]]
    return Grid(tuple(shape), affine)


def extract_slices(
    volume: Volume, threshold: float | None = None, notes: tuple[str, ...] = ()
) -> SliceStack:
    """Cut the patches out of an axial volume.

    Args:
        volume: LAS; its values as :func:`~SoftCordSegLib.volume.mask_values` takes them.
        threshold: None keeps the soft values; a number makes the mask 1 where it is ≥ threshold and
            0 elsewhere.
        notes: sentences to pass on.

    Raises:
        InputError: NaN or infinite values, an empty mask, a label image, values far outside [0, 1].
    """
    checked = mask_values(Volume(np.asarray(volume.data), volume.affine))
    data, notes = checked.data, (*notes, *checked.notes)
    row_hit, column_hit = _hits(data, threshold)
    occupied = np.flatnonzero(row_hit.any(axis=0))
    if len(occupied) == 0:
        raise _empty(threshold)
    slices = np.arange(occupied[0], occupied[-1] + 1)
    first, size = _boxes(row_hit[:, slices], column_hit[:, slices])
    patches = _cut(data, slices, first, size, threshold)
    gaps = slices[size[:, 0] == 0]
    if len(gaps):
        notes += (
            f"Slice(s) {slice_ranges(gaps)} between the ends of the cord have no mask: they"
            " count as missing.",
        )
    notes += _edge_note(first, size, slices, volume.shape)
    return SliceStack(patches, first, size, slices, volume.grid, notes)


def join_slices(
    stack: SliceStack, volume: Volume, start: int, stop: int, threshold: float | None = None
) -> SliceStack:
    """``stack`` with slices ``start`` to ``stop`` (exclusive) read anew from ``volume``, which is
    LAS on the stack's grid.

    Raises:
        InputError: as :func:`extract_slices`; nothing of the mask is left.
    """
    start, stop = max(start, 0), min(stop, volume.shape[2])
    part = Volume(volume.data[:, :, start:stop], volume.affine)
    try:
        edited = extract_slices(part, threshold)
    except EmptyMaskError:
        edited = None
    unchanged = (stack.slices < start) | (stack.slices >= stop)
    numbers, first, size = stack.slices[unchanged], stack.first[unchanged], stack.size[unchanged]
    patches = [stack.patches[unchanged]]
    if edited is not None:
        numbers = np.concatenate([numbers, edited.slices + start])
        first = np.concatenate([first, edited.first])
        size = np.concatenate([size, edited.size])
        patches.append(edited.patches)
    filled = numbers[size[:, 0] > 0]
    if len(filled) == 0:
        raise _empty(threshold)
    slices = np.arange(filled.min(), filled.max() + 1)
    joined = SliceStack(
        np.zeros((len(slices), *size.max(axis=0))),
        np.zeros((len(slices), 2), int),
        np.zeros((len(slices), 2), int),
        slices,
        stack.grid,
        stack.notes,
    )
    offset = 0
    for block in patches:
        number = numbers[offset : offset + len(block)]
        inside = (number >= slices[0]) & (number <= slices[-1])
        at = number[inside] - slices[0]
        rows, columns = np.minimum(block.shape[1:], joined.patches.shape[1:])
        joined.patches[at, :rows, :columns] = block[inside, :rows, :columns]
        joined.first[at], joined.size[at] = (
            first[offset : offset + len(block)][inside],
            size[offset : offset + len(block)][inside],
        )
        offset += len(block)
    return joined


def _cut(
    data: np.ndarray,
    slices: np.ndarray,
    first: np.ndarray,
    size: np.ndarray,
    level: float | None,
) -> np.ndarray:
    """Copy each slice's box into an (n, R, C) float64 array; soft where ``level`` is None, else 1
    where ``data`` ≥ ``level``.
    """
    patches = np.zeros((len(slices), *np.maximum(size.max(axis=0), 1)))
    for patch, number, (row, column), (rows, columns) in zip(patches, slices, first, size):
        if rows:
            part = data[row : row + rows, column : column + columns, number]
            patch[:rows, :columns] = part if level is None else part >= level
    return patches


def _occupied(data: np.ndarray, level: float | None) -> np.ndarray:
    return np.asarray(data > NEAR_ZERO if level is None else data >= level)


def _hits(data: np.ndarray, level: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Which (row, slice) and which (column, slice) have cord; one pass over the volume, then one
    over the cord's box.
    """
    row_hit = _occupied(data.max(axis=1), level)
    rows = np.flatnonzero(row_hit.any(axis=1))
    slices = np.flatnonzero(row_hit.any(axis=0))
    column_hit = np.zeros((data.shape[1], data.shape[2]), dtype=bool)
    if len(rows):
        inside = (slice(rows[0], rows[-1] + 1), slice(None), slice(slices[0], slices[-1] + 1))
        column_hit[:, inside[2]] = _occupied(data[inside].max(axis=0), level)
    return row_hit, column_hit


def _boxes(row_hit: np.ndarray, column_hit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First index and size of the box of each slice, from (rows, n) and (columns, n) hits."""
    found = np.asarray(row_hit.any(axis=0))
    first = np.stack([row_hit.argmax(axis=0), column_hit.argmax(axis=0)], axis=1)
    last = np.stack(
        [len(hit) - 1 - hit[::-1].argmax(axis=0) for hit in (row_hit, column_hit)], axis=1
    )
    return np.where(found[:, None], first, 0), np.where(found[:, None], last - first + 1, 0)


def _empty(threshold: float | None) -> EmptyMaskError:
    if threshold is None:
        return EmptyMaskError(
            "The mask is empty: no voxel is above 0.",
            hint="Segment the cord first, or choose another mask.",
        )
    return EmptyMaskError(
        f"The mask is empty at the threshold {threshold:g}.",
        hint="Lower the threshold, or choose another mask.",
    )


def _edge_note(
    first: np.ndarray, size: np.ndarray, slices: np.ndarray, shape: tuple[int, int, int]
) -> tuple[str, ...]:
    at_edge = (size[:, 0] > 0) & (
        (first == 0).any(axis=1) | (first + size == np.array(shape[:2])).any(axis=1)
    )
    if not at_edge.any():
        return ()
    return (
        f"The mask touches the edge of the image in slice(s) {slice_ranges(slices[at_edge])}:"
        " the cord may be cut off there.",
    )


# Neighbours within a slice only; a piece holds together through corners, a hole does not.
_PIECE = np.zeros((3, 3, 3), dtype=bool)
_PIECE[1] = True
_HOLE = np.zeros((3, 3, 3), dtype=bool)
_HOLE[1, 1, :] = _HOLE[1, :, 1] = True


def count_pieces_and_holes(stack: SliceStack) -> tuple[np.ndarray, np.ndarray]:
    """(n,) pieces and (n,) holes of each slice, of the voxels above half the slice's maximum."""
    inside = stack.patches > 0.5 * stack.patches.max(axis=(1, 2), keepdims=True)
    inside = np.pad(inside, ((0, 0), (1, 1), (1, 1)))
    return _count(inside, _PIECE), np.maximum(_count(~inside, _HOLE) - 1, 0)


def _count(inside: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    labels, total = ndimage.label(inside, neighbours)
    slice_of = np.zeros(total + 1, dtype=int)
    slice_of[labels.reshape(len(inside), -1)] = np.arange(len(inside))[:, None]
    return np.bincount(slice_of[1:], minlength=len(inside))


def piece_notes(stack: SliceStack) -> tuple[str, ...]:
    """Sentences on slices with several pieces or with holes: where they are, and how they count."""
    pieces, holes = count_pieces_and_holes(stack)
    notes: tuple[str, ...] = ()
    if (pieces > 1).any():
        notes += (
            "The mask has more than one piece in slice(s)"
            f" {slice_ranges(stack.slices[pieces > 1])}: all pieces are counted in the area,"
            " one ellipse is fitted to them together, and the centreline is drawn towards"
            " them, which changes the angle correction of the slices around.",
        )
    if (holes > 0).any():
        notes += (
            f"The mask has holes in slice(s) {slice_ranges(stack.slices[holes > 0])}: they are"
            " not counted in the area.",
        )
    return notes
