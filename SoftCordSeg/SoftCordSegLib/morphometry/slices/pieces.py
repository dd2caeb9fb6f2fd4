"""Does a slice hold one whole piece of cord?  If not, the reader of the numbers is told where."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..wording import slice_ranges
from .stack import SliceStack

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
    """Sentences on slices with several pieces or with holes: how they are counted, and where they
    are.
    """
    pieces, holes = count_pieces_and_holes(stack)
    notes = ()
    if (pieces > 1).any():
        notes += (
            (
                "The mask has more than one piece in slice(s)"
                f" {slice_ranges(stack.slices[pieces > 1])}: all pieces are counted in the area,"
                " one ellipse is fitted to them together, and the centreline is drawn towards"
                " them, which changes the angle correction of the slices around."
            ),
        )
    if (holes > 0).any():
        notes += (
            (
                f"The mask has holes in slice(s) {slice_ranges(stack.slices[holes > 0])}: they are"
                " not counted in the area."
            ),
        )
    return notes
