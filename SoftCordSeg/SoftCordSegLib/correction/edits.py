"""What a changed segment says: which voxels are cord and which are not, whatever was predicted."""

from __future__ import annotations

import numpy as np

from .threshold import at_least


def segment_of(p0: np.ndarray, edits: np.ndarray, threshold: float) -> np.ndarray:
    """The segment of a corrected mask, without making the mask: ``merge(p0, edits, threshold, ...)
    >= threshold``.

    Args:
        p0: float32, the mask as predicted, in [0, 1].
        edits: int8 of -1, 0, +1, same shape.
        threshold: in (0, 1].

    Returns:
        bool, same shape.
    """
    return np.where(edits == 0, at_least(p0, threshold), edits > 0)


def edits_from(
    segment: np.ndarray, p0: np.ndarray, edits: np.ndarray, threshold: float
) -> np.ndarray:
    """The edit map after somebody changed the segment.

    Voxel by voxel, so that a crop of all three arrays will do.  A voxel that was not changed keeps
    what was said of it, also where the threshold has moved since and the prediction alone would now
    say the same.  A voxel that was changed to what is predicted at this threshold is as predicted
    again: an undo leaves nothing behind.

    Args:
        segment: bool (or 0 and not 0), the segment after the change.
        p0: float32, same shape, the mask as predicted, in [0, 1].
        edits: int8 of -1, 0, +1, same shape: the edit map before the change.
        threshold: in (0, 1], at which the segment was shown and changed.

    Returns:
        int8, same shape: the edit map after the change.  ``segment_of(p0, result, threshold)`` is
        ``segment``.
    """
    segment = np.asarray(segment) != 0
    predicted = at_least(p0, threshold)
    changed = segment != np.where(edits == 0, predicted, edits > 0)
    said = np.where(segment == predicted, 0, np.where(segment, 1, -1))
    return np.where(changed, said, edits).astype(np.int8)
