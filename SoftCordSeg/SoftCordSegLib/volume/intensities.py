"""The input contract: the scaling of intensities before a network sees them.  Training and
inference call the same functions.

Two contracts, named in a bundle:

*whole_image*
    The 1st and 99th percentiles of the whole image on the locator's coarse grid become -1 and 1,
    for both networks.
*around_cord*
    Voxels without image (not finite, or constant and connected to the border: padding, blank air)
    do not count.  For the locator the 1st and 99th percentiles of the rest, on its coarse grid,
    become -1 and 1; for the segmenter the 2nd and 98th percentiles of the image's own voxels within
    :data:`REACH_MM` of the located cord.  The rest of the field of view then hardly matters: an
    image may be padded, or cropped around its cord, and the cord looks the same.  (Percentiles of
    the coarse image there would move by up to 1.5 % of the range with the position of
    its voxels; the image's own voxels do not move.)

In both, values are clipped at -3 and 3.  Arrays are NumPy's; some functions also take
batches of PyTorch tensors, and say so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from .volume import Volume

LOCATOR_PERCENTILES = (1.0, 99.0)
SEGMENTER_PERCENTILES = (2.0, 98.0)
# The segmenter's range is taken from a cube of that half width about every voxel of the located
# cord: canal, bone and muscle.
REACH_MM = 14.0
# Scaled values are clipped at this, on both sides.
CLIP = 3.0
# A range is never taken for smaller than this.
LEAST_RANGE = 1e-6
# A corner's value counts as blank if at least this part of the image's faces has it; less is chance
# among noisy integers.
_LEAST_BLANK = 0.02


def scale(image: Any, low: Any, factor: Any) -> Any:
    """The mapping of both contracts, for arrays and for tensors: (image - low) · factor - 1,
    clipped at :data:`CLIP`; ``factor`` is 2 over the range.
    """
    return ((image - low) * factor - 1).clip(-CLIP, CLIP)


@dataclass(frozen=True)
class Scaling:
    """Maps ``low`` to -1 and ``high`` to 1, and clips at -3 and 3."""

    low: float
    high: float

    @classmethod
    def of(cls, image: np.ndarray) -> Scaling:
        """The 1st and 99th percentiles of a whole image (its coarse version serves)."""
        return cls(*limits(image, LOCATOR_PERCENTILES))

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """float32, the same shape."""
        factor = np.float32(2 / max(self.high - self.low, LEAST_RANGE))
        return scale(np.asarray(image, np.float32), np.float32(self.low), factor)


@dataclass(frozen=True, eq=False)
class Intensities:
    """The image from which its scaling is computed.

    Attributes:
        image: (i, j, k) in the axes of ``coarse``.
        coarse: the same on the locator's grid, whose outer corner it shares.
        with_image: bool, of the shape of ``coarse``: where that is not blank; None in the contract
            *whole_image*, where every voxel counts.
    """

    image: Volume
    coarse: Volume
    with_image: np.ndarray | None = None

    def for_locator(self) -> Scaling:
        """The scaling of ``coarse``."""
        return Scaling.of(
            self.coarse.data if self.with_image is None else self.coarse.data[self.with_image]
        )

    def for_segmenter(self, region: np.ndarray) -> Scaling:
        """The scaling of the fine image.

        Args:
            region: bool, of the shape of ``coarse``: of :func:`near_cord`, or the user's box.
                Unused in *whole_image*.
        """
        if self.with_image is None:
            return self.for_locator()
        values = self._own_voxels(region & self.with_image)
        low, high = limits(values, SEGMENTER_PERCENTILES) if values.size else (0.0, 0.0)
        return Scaling(low, high) if high > low else self.for_locator()

    def _own_voxels(self, region: np.ndarray) -> np.ndarray:
        """(n,) values of the image's voxels whose centres lie in a region of the coarse grid."""
        ratio = self.coarse.spacing / self.image.spacing
        indices = []
        for axis, filled in enumerate(_filled_ranges(region)):
            centres = ((np.arange(self.image.shape[axis]) + 0.5) / ratio[axis]).astype(int)
            indices.append(np.flatnonzero((centres >= filled.start) & (centres < filled.stop)))
        part = self.image.data[np.ix_(*indices)]
        inside = region[np.ix_(*[((at + 0.5) / r).astype(int) for at, r in zip(indices, ratio)])]
        return part[inside]


def around_cord(working: Volume, coarse: Volume) -> Intensities:
    """The contract *around_cord* for an image and its version on the locator's grid; both share
    axes and outer corner.
    """
    with_image = ~blank(working.data, coarse.spacing / working.spacing, coarse.shape)
    # An image that is blank everywhere is used as it is.
    return Intensities(
        working, coarse, with_image if with_image.any() else np.ones_like(with_image)
    )


def _filled_ranges(region: np.ndarray) -> list[slice]:
    """The smallest box that contains every True voxel; empty where there is none."""
    if not region.any():
        return [slice(0, 0)] * region.ndim
    return ndimage.find_objects(region.view(np.uint8))[0]


def limits(values: np.ndarray, percentiles: tuple[float, float]) -> tuple[float, float]:
    """The low and the high percentile of ``values`` (any shape), interpolated between
    neighbours.
    """
    low, high = np.percentile(values, percentiles)
    return float(low), float(high)


def batch_limits(values: Any, region: Any, percentiles: tuple[float, float]) -> tuple[Any, Any]:
    """:func:`limits` of the values in each region of a batch, for PyTorch tensors on any device.

    Args:
        values: (B, …) float.
        region: (B, …) bool, the same shape.
        percentiles: low and high, 0 to 100.

    Returns:
        (B,) and (B,), of the type of ``values``.  Where a region is empty or holds one value, of
        all values; see :meth:`Intensities.for_segmenter`.
    """
    flat, inside = values.flatten(1), region.flatten(1)
    # One sorting serves both regions and whole images: the voxels of a region keep their order.
    ordered, order = flat.sort(dim=1)
    everywhere = _counted_limits(
        ordered, inside.new_ones(inside.shape).cumsum(dim=1), LOCATOR_PERCENTILES
    )
    low, high = _counted_limits(ordered, inside.gather(1, order).cumsum(dim=1), percentiles)
    # Not an "if": it would wait for the GPU.
    ranged = (high > low) & inside.any(dim=1)
    return low.where(ranged, everywhere[0]), high.where(ranged, everywhere[1])


def _counted_limits(
    ordered: Any, counted: Any, percentiles: tuple[float, float]
) -> tuple[Any, Any]:
    """Percentiles of some of the ordered values: ``counted`` says how many of them there are up to
    each index.
    """
    from torch import searchsorted

    last = (counted[:, -1:] - 1).clamp(min=0)
    results = []
    for percentile in percentiles:
        rank = last.to(ordered.dtype) * (percentile / 100)
        below = rank.floor().to(counted.dtype)
        # The first index with so many; any where there is none.
        lower, upper = (
            ordered.gather(1, searchsorted(counted, number + 1).clamp(max=ordered.shape[1] - 1))[
                :, 0
            ]
            for number in (below, (below + 1).minimum(last))
        )
        results.append(lower + (upper - lower) * (rank - below)[:, 0])
    return results[0], results[1]


def near_cord(located: Any, spacing_mm: float = 2.0) -> Any:
    """The voxels within a cube of :data:`REACH_MM` about the located cord: the segmenter's region.

    Args:
        located: (…, i, j, k) bool array, or a tensor; True, or above 0, in the cord.
        spacing_mm: of its voxels.

    Returns:
        bool, the same shape and kind.
    """
    reach = round(REACH_MM / spacing_mm)
    if isinstance(located, np.ndarray):
        size = (1,) * (located.ndim - 3) + (2 * reach + 1,) * 3
        return ndimage.maximum_filter(located > 0, size=size, mode="constant", cval=False)
    from torch import arange

    # Along one axis after the other it is the same, and as a sum over neighbours it is many times
    # cheaper than pooling.
    grown = located > 0
    for axis in (-3, -2, -1):
        at = arange(grown.shape[axis], device=grown.device)
        near = ((at[:, None] - at).abs() <= reach).float()
        grown = (grown.movedim(axis, -1).float() @ near).movedim(-1, axis) > 0
    return grown


def without_padding(image: Volume) -> Volume:
    """The image without the outer planes in which nothing changes (padding by any constant, rows of
    air or of NaN); a view.

    The result is the image before padding.  An image that is constant throughout is returned as it
    is.
    """
    data = image.data
    start, stop = np.zeros(3, int), np.array(data.shape)
    shrunk = True
    while shrunk:
        shrunk = False
        for axis in range(3):
            for at_start in (True, False):
                while stop[axis] - start[axis] > 1 and _is_flat(data, start, stop, axis, at_start):
                    (start if at_start else stop)[axis] += 1 if at_start else -1
                    shrunk = True
    if _is_flat(data, start, stop, 0, True) and stop[0] - start[0] == 1:
        return image
    grid = image.grid.crop(start, stop)
    return Volume(data[tuple(slice(a, b) for a, b in zip(start, stop))], grid.affine)


def with_padding_filled(image: Volume, cropped: Volume, most_mm: float) -> Volume:
    """The image with its padding taken off where it is wide, and filled with the nearest image
    where it is narrow.

    A narrow margin stays because taking it off moves the working grid by a part of a voxel, which
    changes every value a little.

    Args:
        image: as it is.
        cropped: of :func:`without_padding`.
        most_mm: of a narrow margin.
    """
    start = np.rint(image.grid.to_voxel(cropped.grid.to_world(np.zeros(3)))).astype(int)
    margins = np.stack([start, np.array(image.shape) - start - cropped.shape], axis=1)
    kept = np.where(margins * image.spacing[:, None] <= most_mm, margins, 0)
    if not kept.any():
        return cropped
    grid = cropped.grid.crop(-kept[:, 0], np.array(cropped.shape) + kept[:, 1])
    return Volume(np.pad(cropped.data, kept, mode="edge"), grid.affine)


def _is_flat(data: np.ndarray, start: Any, stop: Any, axis: int, at_start: bool) -> bool:
    index: list[Any] = [slice(a, b) for a, b in zip(start, stop)]
    index[axis] = index[axis].start if at_start else stop[axis] - 1
    plane = data[tuple(index)]
    if np.issubdtype(plane.dtype, np.floating) and not np.isfinite(plane.flat[0]):
        return not np.isfinite(plane).any()
    # A few voxels nearly always suffice.
    first = plane.flat[0]
    return bool((plane[:: max(plane.shape[0] // 8, 1)] == first).all() and (plane == first).all())


def blank_slices(image: np.ndarray) -> list[tuple[int, int]]:
    """Slices, between others, that hold one value all over, or none: they were lost.

    Args:
        image: (i, j, k) any real type.

    Returns:
        (axis, index) of each.
    """
    found = []
    for axis in range(3):
        planes = np.moveaxis(image, axis, 0)
        # Two voxels tell of nearly all slices that they are not flat.
        corner, middle = planes[:, 0, 0], planes[:, planes.shape[1] // 2, planes.shape[2] // 2]
        flat = (corner == middle) | ~(np.isfinite(corner) | np.isfinite(middle))
        for n in np.flatnonzero(flat):
            flat[n] = _is_flat(planes[n : n + 1], (0, 0, 0), _size(planes), 0, True)
        if flat.all():
            continue
        first, last = np.flatnonzero(~flat)[[0, -1]]
        found += [(axis, int(n)) for n in np.flatnonzero(flat) if first < n < last]
    return found


def _size(planes: np.ndarray) -> tuple[int, int, int]:
    return (1, planes.shape[1], planes.shape[2])


def padding_values(image: np.ndarray) -> list[float]:
    """The values of the corners that much of the image's border has: of padding, of air that was
    set to one value.

    Args:
        image: (i, j, k) any real type.
    """
    faces = [np.moveaxis(image, axis, 0)[end] for axis in range(3) for end in (0, -1)]
    size = sum(face.size for face in faces)
    return [
        value
        for value in np.unique(image[np.ix_(*[(0, -1)] * 3)])
        if np.isfinite(value)
        and sum(np.count_nonzero(face == value) for face in faces) >= _LEAST_BLANK * size
    ]


def without_image(part: np.ndarray, padding: Iterable[float]) -> np.ndarray:
    """The voxels that hold no image: not finite, or of a value of the padding, as all their
    neighbours are.

    Args:
        part: (i, j, k) of an image, any real type.
        padding: :func:`padding_values` of the whole image.

    Returns:
        (i, j, k) bool.
    """
    result = np.zeros(part.shape, bool)
    for value in padding:
        result |= ndimage.binary_erosion(part == value, np.ones((3, 3, 3)), border_value=1)
    if np.issubdtype(part.dtype, np.floating):
        result |= ~np.isfinite(part)
    return result


def blank(image: np.ndarray, ratio: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Where a coarser version of an image consists of, or is influenced by, voxels without image.

    Without image are voxels that are not finite, and those that have the value of a corner and are
    connected to the border: the wedges beside a rotated image, air that was set to 0.

    Args:
        image: (i, j, k) any real type.
        ratio: (3,) coarse voxel widths in voxels of ``image``; both grids share their outer corner.
        shape: of the coarser version.

    Returns:
        (i, j, k) bool, of ``shape``.
    """
    result = np.zeros(shape, bool)
    for value in padding_values(image):
        result |= _connected_to_border(_all_of(image == value, ratio, shape))
    if np.issubdtype(image.dtype, np.floating):
        finite = np.isfinite(image)
        if not finite.all():
            result |= ~_all_of(finite, ratio, shape)
    # The coarse image is averaged: voxels beside blank or partly blank ones are influenced by them.
    return (
        ndimage.maximum_filter(result, size=5, mode="constant", cval=False)
        if result.any()
        else result
    )


def _all_of(mask: np.ndarray, ratio: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """(i, j, k) bool: coarse voxels all of whose voxels, wholly or in part inside, are True."""
    for axis in range(3):
        size = mask.shape[axis]
        edges = np.arange(shape[axis] + 1) * ratio[axis]
        first = np.clip(np.floor(edges[:-1] + 1e-4).astype(int), 0, size - 1)
        last = np.clip(np.ceil(edges[1:] - 1e-4).astype(int), first + 1, size)
        lines = np.moveaxis(mask, axis, 0)
        mask = np.moveaxis(
            np.stack([np.logical_and.reduce(lines[a:b], axis=0) for a, b in zip(first, last)]),
            0,
            axis,
        )
    return mask


def _connected_to_border(mask: np.ndarray) -> np.ndarray:
    if not mask.any() or mask.all():
        return mask
    pieces, count = ndimage.label(mask)
    touching = np.zeros(count + 1, bool)
    for axis in range(3):
        for end in (0, -1):
            touching[np.take(pieces, end, axis)] = True
    touching[0] = False
    return touching[pieces]
