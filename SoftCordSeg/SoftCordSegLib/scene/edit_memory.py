"""The edit map that belongs to each earlier segment, so that an undo works across threshold moves.

The Segment Editor's undo restores voxels of the segment, and nothing else.  If the threshold was
moved since, these voxels differ from the segment by much more than the stroke that is undone; the
memory knows the edits that belong to them.  Its states are those of the editor's history, in the
same order: the state before each stroke, and the one that the first undo left.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np

from ..correction import Box, bounding_box, moved, segment_of

_STATES = 64  # twice what the Segment Editor can undo


class State(NamedTuple):
    """A segment and its edits.

    Attributes:
        segment: a digest of the segment's voxels; empty where there are none.
        threshold: at which the segment was shown.
        indices: flat (Fortran order) of the edits that are not 0.
        values: int8, these edits.
    """

    segment: bytes
    threshold: float
    indices: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, segment: np.ndarray, box: Box, edits: np.ndarray | None, threshold: float) -> State:
        """From bool voxels in a box, outside which the segment has none, and the whole edit map
        (None: nothing was ever edited).
        """
        flat = np.empty(0, np.int8) if edits is None else edits.ravel(order="F")
        indices = np.flatnonzero(flat != 0).astype(
            np.uint32
        )  # half the memory: a volume has fewer than 4e9 voxels
        return cls(_digest(segment, box), threshold, indices, flat[indices])

    def edits(self, shape: tuple[int, int, int]) -> np.ndarray:
        """The edit map, int8."""
        edits = np.zeros(shape, np.int8, order="F")
        edits.ravel(order="F")[self.indices] = self.values
        return edits

    def same_as(self, other: State) -> bool:
        """True for the same segment, threshold and edits."""
        same = (self.segment, self.threshold) == (other.segment, other.threshold)
        return (
            same
            and np.array_equal(self.indices, other.indices)
            and np.array_equal(self.values, other.values)
        )


class EditMemory:
    """The states that an undo or redo may restore, in their order, and the current or last one."""

    def __init__(self):
        self._states: list[State] = []
        self._now = -1

    def before_stroke(self, state: State) -> None:
        """Add the state before a stroke; states that could be redone until then are dropped."""
        del self._states[self._now + 1 :]
        self.here(state)

    def here(self, state: State) -> None:
        """Add the state of a stroke that changed nothing: it can be undone too."""
        if self._now < 0 or not self._states[self._now].same_as(state):
            self._states.insert(self._now + 1, state)
            self._now += 1
        forgotten = max(len(self._states) - _STATES, 0)
        del self._states[:forgotten]
        self._now -= forgotten

    def find(self, segment: np.ndarray, box: Box, p0: np.ndarray, threshold: float) -> int | None:
        """The state that an undo or redo has restored; of several equal ones, the one with the
        fewest steps.

        Args:
            segment: bool, the voxels in ``box``, outside which the segment has none.
            box: in the indices of the soft mask.
            p0: float32, the mask as predicted; states of another prediction are not found.
            threshold: at which the segment is shown now.

        Returns:
            For :meth:`go_to`; None where the segment is not known.  An empty segment is known only
            at the same threshold: one cleared by the user and one above a high threshold look the
            same.
        """
        key = _digest(segment, box)
        alike = [
            n
            for n, state in enumerate(self._states)
            if state.segment == key and (key or state.threshold == threshold)
        ]
        for n in sorted(alike, key=lambda n: abs(n - self._now)):
            state = self._states[n]
            if np.array_equal(
                segment_of(p0[box], state.edits(p0.shape)[box], state.threshold), segment
            ):
                return n
        return None

    def go_to(self, found: int, left: State) -> State:
        """The state of :meth:`find`, which becomes the current one; ``left`` is the one before,
        which a redo may restore.
        """
        if self._now == len(self._states) - 1 and not self._states[self._now].same_as(left):
            self._states.append(left)
        self._now = found
        return self._states[found]


def _digest(segment: np.ndarray, box: Box) -> bytes:
    inner = bounding_box(segment)
    if inner is None:
        return b""
    digest = hashlib.blake2b(np.packbits(segment[inner]).tobytes(), digest_size=16)
    digest.update(repr(moved(inner, [part.start for part in box])).encode())
    return digest.digest()
