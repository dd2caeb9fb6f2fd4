"""Floor 1: corrections by hand that keep a soft mask soft; plain arrays, no images, no Slicer.

The state of a corrected mask is the mask as it was predicted, p0, and the edit map E: +1 "this
voxel is cord", -1 "this voxel is not cord", 0 "as predicted".  :func:`merge` gives the corrected
mask, :func:`edits_from` the edit map that a changed segment means.  Both are pure functions, so
that undo, redo and threshold moves need no bookkeeping.
"""

from .boxes import Box, bounding_box, grown, moved, union
from .edits import edits_from, segment_of
from .merge import merge, merge_box, merge_into
from .ramp import reach, soft_value
from .rims import carry_rims

__all__ = [
    "Box",
    "bounding_box",
    "carry_rims",
    "edits_from",
    "grown",
    "merge",
    "merge_box",
    "merge_into",
    "moved",
    "reach",
    "segment_of",
    "soft_value",
    "union",
]
