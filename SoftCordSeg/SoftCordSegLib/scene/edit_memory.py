"""What the edit map was when the segment looked like this: so that an undo finds its way back, wherever the threshold went.

The Segment Editor's undo restores voxels of the segment, and nothing else.  If the threshold was moved since, these voxels differ
from the segment by much more than the stroke that is taken back; the memory knows which edits they stood for.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import numpy as np

from ..correction import Box, bounding_box, moved, segment_of

_STATES = 64  # twice what the Segment Editor can undo


class EditMemory:
    """Edit maps by the voxels of the segment at the time."""

    def __init__(self):
        self._states: OrderedDict = OrderedDict()

    def remember(self, segment: np.ndarray, box: Box, edits: np.ndarray, threshold: float) -> None:
        """Keep an edit map.

        Args:
            segment: bool, the voxels in ``box``, outside which the segment has none.
            box: in the indices of the soft mask.
            edits: int8, the whole edit map; kept as its few voxels that are not 0.
            threshold: at which the segment was shown.
        """
        key = _key(segment, box)
        flat = edits.ravel(order="F")
        said = np.flatnonzero(flat != 0)
        self._states[key] = (said, flat[said], threshold)
        self._states.move_to_end(key)
        while len(self._states) > _STATES:
            self._states.popitem(last=False)

    def recall(self, segment: np.ndarray, box: Box, p0: np.ndarray, threshold: float) -> np.ndarray | None:
        """The edit map that a segment stood for.

        Args:
            segment, box: as for :meth:`remember`.
            p0: float32, the mask as predicted; what was remembered over another prediction is no longer known.
            threshold: at which the segment is shown now.

        Returns:
            int8, of the shape of ``p0``; None where it is not known.  An empty segment is known only at the same threshold: one
            cleared by the user and one above a high threshold look the same.
        """
        known = self._states.get(_key(segment, box))
        if known is None:
            return None
        said, values, then = known
        if then != threshold and not segment.any():
            return None
        edits = np.zeros(p0.shape, np.int8, order="F")
        edits.ravel(order="F")[said] = values
        return edits if np.array_equal(segment_of(p0[box], edits[box], then), segment) else None


def _key(segment: np.ndarray, box: Box) -> bytes:
    inner = bounding_box(segment)
    if inner is None:
        return b""
    digest = hashlib.blake2b(np.packbits(segment[inner]).tobytes(), digest_size=16)
    digest.update(repr(moved(inner, [part.start for part in box])).encode())
    return digest.digest()
