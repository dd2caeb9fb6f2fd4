"""Whether a mask is a loose piece, which no cord is.

A cord begins at the brain and ends at the conus: at least one of its ends lies outside the image,
unless all of it is in the image, and then it is long.  So what is short, and ends inside the image
above and below, is something else: mostly the lower end of the sac, which narrows to the calibre of
a cord.  So is what is short and has more body above it than a head is high.  An end does not count
where the cord may go on unseen: near an edge or a side of the image, and where the image fades.
Nor is a piece loose where a conus may lie whose cord the network did not follow: in the upper half
of the image, with a lumbar spine's length of body below it.  The end of the sac lies lower.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..volume import Volume

# The cord of a newborn is longer than that, mm.
_SHORTEST_MM = 120.0
# No head is higher, from the upper end of the cord on; body has at least that part of the
# brightness about the piece, as a median over so much beside it, mm.
_HEAD_MM, _BODY, _BODY_MM = 200.0, 0.25, 40.0
# Below a conus are the lumbar spine and the sacrum, some 200 mm; below the end of the sac at most
# half of that.
_LUMBAR_MM = 130.0
# From which value a slice has cord.
_CERTAIN = 0.5
# An end is near an edge of the image within this, mm, or within so many slices of the image.
_EDGE_MM, _EDGE_SLICES = 20.0, 1.5
# It points to a side if its line, of so much cord before it, passes within the second of it before
# it has gone the third, mm.
_LINE_MM, _SIDE_MM, _AHEAD_MM = 16.0, 6.0, 25.0
# The image fades where it has less than this part of its brightness before the end; both are
# medians over so much, mm, along the cord, and on each side of it: the fluid about a cord may end
# with it.
_FADED, _ALONG_MM, _BESIDE_MM = 0.5, 20.0, 25.0
# The darkest of an image, some of which have values below 0, by one voxel of so many on each axis.
_DARK_PERCENT, _SAMPLED = 1.0, 4


def is_loose_piece(soft: Volume, image: Volume) -> bool:
    """Whether a mask is too short for a whole cord, and ends inside the image at both ends, or too
    far below the upper edge of the image.

    Args:
        soft: values in [0, 1], voxels of about 1 mm; axes to the Left, Anterior, Superior.
        image: that was segmented, without padding; the same axes.
    """
    step_mm = float(soft.spacing[2])
    certain = np.flatnonzero((soft.data >= _CERTAIN).any(axis=(0, 1)))
    if not len(certain) or (certain[-1] - certain[0] + 1) * step_mm >= _SHORTEST_MM:
        return False
    if not _is_free(soft, image, certain, 1):
        return False
    if _has_body(soft, image, int(certain[-1]), _HEAD_MM):
        return True
    return _is_free(soft, image, certain, -1) and not _is_conus_place(soft, image, certain)


def _is_free(soft: Volume, image: Volume, certain: np.ndarray, direction: int) -> bool:
    """Whether the lower (-1) or upper (1) end lies inside the image, which goes on beyond it."""
    step_mm = float(soft.spacing[2])
    end = int(certain[-1] if direction > 0 else certain[0])
    near = certain[np.abs(certain - end) * step_mm <= _LINE_MM]
    middles = np.array([[*ndimage.center_of_mass(soft.data[:, :, z]), z] for z in near])
    slope = np.zeros(2) if len(near) < 3 else np.polyfit(middles[:, 2], middles[:, :2], 1)[0]
    at_end = middles[np.argmin(np.abs(near - end))]

    def beyond(mm: float) -> np.ndarray:
        """Voxel of the image so far beyond the end."""
        way = direction * mm / step_mm
        point = at_end + np.array([*(slope * way), way])
        return image.grid.to_voxel(soft.grid.to_world(point))

    spacing, size = np.asarray(image.spacing, float), np.asarray(image.shape)
    margins = np.array([_SIDE_MM, _SIDE_MM]) / spacing[:2]
    here, ahead = beyond(0.0), beyond(_AHEAD_MM)
    to_edge = (size[2] - 0.5 - here[2] if direction > 0 else here[2] + 0.5) * spacing[2]
    if to_edge <= max(_EDGE_MM, _EDGE_SLICES * spacing[2]):
        return False
    if (ahead[:2] < margins).any() or (ahead[:2] > size[:2] - 1 - margins).any():
        return False
    before, after = (_brightness(image, beyond(way * _ALONG_MM / 2)) for way in (-1, 1))
    return after >= _FADED * before


def _is_conus_place(soft: Volume, image: Volume, certain: np.ndarray) -> bool:
    """Whether the lower end lies in the upper half of the image, above a lumbar spine."""
    end = int(certain[0])
    height = image.grid.to_voxel(soft.grid.to_world(np.array([0.0, 0.0, end])))[2]
    return height >= (image.shape[2] - 1) / 2 and _has_body(soft, image, end, -_LUMBAR_MM)


def _has_body(soft: Volume, image: Volume, end: int, above_mm: float) -> bool:
    """Whether there is body so far above (below if negative) the piece's slice at one end."""
    point = np.array([*ndimage.center_of_mass(soft.data[:, :, end]), end])
    at_end = image.grid.to_voxel(soft.grid.to_world(point))
    there = at_end + np.array([0, 0, above_mm / image.spacing[2]])
    here, beyond = (_brightness(image, middle, _BODY_MM) for middle in (at_end, there))
    return 0 <= there[2] < image.shape[2] and beyond >= _BODY * here


def _brightness(image: Volume, middle: np.ndarray, beside_mm: float = _BESIDE_MM) -> float:
    """The median about a voxel, above the darkest of the image; 0 where it is outside the image."""
    reach = np.array([beside_mm, beside_mm, _ALONG_MM / 2]) / image.spacing
    low = np.clip(np.floor(middle - reach).astype(int), 0, image.shape)
    high = np.clip(np.ceil(middle + reach).astype(int) + 1, low, image.shape)
    part = image.data[tuple(slice(a, b) for a, b in zip(low, high))]
    if not part.size:
        return 0.0
    dark = np.percentile(image.data[::_SAMPLED, ::_SAMPLED, ::_SAMPLED], _DARK_PERCENT)
    return max(float(np.median(part) - dark), 0.0)
