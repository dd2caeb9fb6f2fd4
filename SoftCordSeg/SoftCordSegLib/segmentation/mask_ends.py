"""Where a mask of the cord ends inside the image without tapering, as a cord does not, and where it
is interrupted: there it may be incomplete.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..volume import Volume
from ..volume.orientation import slice_axis

# A cord tapers at the conus over some centimetres.  A mask that is cut off has this part of its
# area again so far from its end; the soft rim of a cut is 3 to 6 mm long, and twice that where the
# cord fades in the image.
_FULL_AGAIN, _RIM_MM, _FADING_MM = 0.85, 6.0, 12.0
# Slices with less than this part of the usual area are not counted.
_LEAST_PART = 0.05
# Where the image has one value all over a square of this size beyond the end, it has ended itself.
_AROUND_MM = 15.0


@dataclass(frozen=True)
class AbruptEnd:
    """An end of a mask inside the image, without tapering.

    Attributes:
        upper: True for the end towards the head.
        position_mm: the middle of the cord in the last slice, RAS (mm).
        to_edge_mm: from there to the edge of the image, across the slices.
        slice_index: of the last slice, counted from 0 along the image's own axis.
    """

    upper: bool
    position_mm: tuple[float, float, float]
    to_edge_mm: float
    slice_index: int

    @property
    def where(self) -> str:
        """In words: "54 mm above its lower edge (slice 53)", said of the image."""
        words = "below its upper" if self.upper else "above its lower"
        return f"{self.to_edge_mm:.0f} mm {words} edge (slice {self.slice_index})"

    @property
    def sentence(self) -> str:
        """For the reader of the mask."""
        if self.upper:
            return (
                f"The mask begins inside the image, {self.where}, without tapering: this is right"
                " at the brainstem; elsewhere, check whether the cord goes on there."
            )
        return (
            f"The mask ends inside the image, {self.where}, without tapering: check whether the"
            " cord goes on there."
        )


def abrupt_ends(mask: Volume, image: Volume | None = None) -> tuple[AbruptEnd, ...]:
    """The ends of a soft mask that are not at an edge of the image and do not taper.

    Args:
        mask: soft values, in any orientation.
        image: on the same grid; where it has no content beyond an end, that is its edge.

    Returns:
        The lower one, then the upper one, as far as there are any; none of a mask that is too short
        to tell (about 3 cm).
    """
    axis = slice_axis(mask.affine)
    spacing = float(mask.spacing[axis])
    upwards = mask.affine[2, axis] > 0
    found = []
    for upper in (False, True):
        # As if the slices were counted from this end.
        turned = upper == upwards
        slices = np.moveaxis(mask.data, axis, 0)[:: -1 if turned else 1]
        areas = slices.sum(axis=(1, 2), dtype=float)
        first = _cut_off_at(areas, spacing)
        if first is None or first * spacing <= max(_RIM_MM, 1.5 * spacing):
            continue
        row, column = _middle(slices[first])
        if _at_a_side(slices[first : first + _slices(_RIM_MM, spacing) + 1]):
            continue
        if image is not None and not _goes_on(image, axis, turned, (first, row, column)):
            continue
        index = len(areas) - 1 - first if turned else first
        voxel = np.insert([row, column], axis, index)
        position = mask.affine[:3, :3] @ voxel + mask.affine[:3, 3]
        x, y, z = (float(part) for part in position)
        found.append(AbruptEnd(upper, (x, y, z), first * spacing, int(index)))
    return tuple(found)


@dataclass(frozen=True)
class Interruption:
    """Slices between the ends of a mask in which it is empty.

    Attributes:
        first, last: of these slices, counted from 0 along the image's own axis, the lower first.
        length_mm: their thickness together.
        position_mm: half the way between the mask below and above, RAS (mm).
    """

    first: int
    last: int
    length_mm: float
    position_mm: tuple[float, float, float]

    @property
    def sentence(self) -> str:
        """For the reader of the mask."""
        return (
            f"The mask is interrupted over {self.length_mm:.0f} mm ({slices_text(self)}): check"
            " whether the cord goes on there."
        )


def slices_text(stretch: Interruption) -> str:
    """As "slices 40 to 52", or "slice 40"."""
    low, high = sorted((stretch.first, stretch.last))
    return f"slice {low}" if low == high else f"slices {low} to {high}"


def interruptions(mask: Volume, image: Volume | None = None) -> tuple[Interruption, ...]:
    """The gaps of a soft mask between its ends, from below.

    Args:
        mask: soft values, in any orientation.
        image: on the same grid; slices that hold one value all over are no image, and none is said
            of them.
    """
    axis = slice_axis(mask.affine)
    slices, order = np.moveaxis(mask.data, axis, 0), np.arange(mask.shape[axis])
    if mask.affine[2, axis] < 0:
        slices, order = slices[::-1], order[::-1]
    filled = np.flatnonzero(slices.any(axis=(1, 2)))
    found = []
    for below, above in zip(filled[:-1], filled[1:]):
        if above - below < 2:
            continue
        first, last = int(order[below + 1]), int(order[above - 1])
        if image is not None and _is_blank(image.data, axis, first, last):
            continue
        ends = [
            np.insert(_middle(slices[z]), axis, float(order[z])) for z in (int(below), int(above))
        ]
        x, y, z = (float(part) for part in mask.grid.to_world(np.mean(ends, axis=0)))
        length = float((above - below - 1) * mask.spacing[axis])
        found.append(Interruption(first, last, length, (x, y, z)))
    return tuple(found)


def _is_blank(image: np.ndarray, axis: int, first: int, last: int) -> bool:
    """Whether each of the slices holds one value all over."""
    low, high = sorted((first, last))
    return all(plane.min() == plane.max() for plane in np.moveaxis(image, axis, 0)[low : high + 1])


def _slices(length_mm: float, spacing: float) -> int:
    return max(1, round(length_mm / spacing))


def _cut_off_at(areas: np.ndarray, spacing: float) -> int | None:
    """The first slice of a mask that is cut off there; None where it tapers, or cannot be told."""
    if not areas.any():
        return None
    first = int(np.argmax(areas > _LEAST_PART * np.median(areas[areas > 0])))
    for rim in (_slices(_RIM_MM, spacing), _slices(_FADING_MM, spacing)):
        behind = areas[first + 2 * rim : first + 4 * rim + 1]
        if len(behind) < 2 * rim + 1 or not behind.all():
            return None
        if areas[first + rim] >= _FULL_AGAIN * behind.mean():
            return first
    return None


def _middle(values: np.ndarray) -> tuple[float, float]:
    rows, columns = np.nonzero(values)
    weights = values[rows, columns]
    return float(np.average(rows, weights=weights)), float(np.average(columns, weights=weights))


def _at_a_side(slices: np.ndarray) -> bool:
    """Whether the cord leaves the image through a side, as a bent one does."""
    return bool(slices[:, (0, -1), :].any() or slices[:, :, (0, -1)].any())


def _goes_on(image: Volume, axis: int, turned: bool, end: tuple[int, float, float]) -> bool:
    """Whether the image has content beyond the end, or is padded with one value."""
    slices = np.moveaxis(image.data, axis, 0)[:: -1 if turned else 1]
    sizes = np.delete(np.asarray(image.spacing, dtype=float), axis)
    first, *middle = end
    around = tuple(
        slice(max(int(at - _AROUND_MM / size), 0), int(at + _AROUND_MM / size) + 1)
        for at, size in zip(middle, sizes)
    )
    outward = slice(max(first - _slices(_RIM_MM, float(image.spacing[axis])), 0), first)
    chosen = (outward, *around)
    beyond = slices[chosen]
    return bool(beyond.size and beyond.min() != beyond.max())
