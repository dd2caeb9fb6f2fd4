"""Disc labels: from points and label images and back, their checks, and their use in another image
of the visit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..volume import Volume
from .centreline import Centreline
from .level_names import LAST_DISC, disc_name, parse_disc
from .measure import centreline_of

# The voxels of one label are within this distance of their centre; more means that the value was
# used twice.
_ONE_LABEL_MM = 10.0
# Values this near to a whole number are rounding.
_WHOLE = 1e-3
# Beyond the end of the mask the centreline goes on straight, which holds for about a vertebra.
_BEYOND_MM = 40.0
# The posterior tip of a disc is 5 to 20 mm from the cord's middle.
_OFF_CORD_MM = 35.0


@dataclass(frozen=True)
class DiscLabel:
    """The posterior tip of an intervertebral disc.

    Attributes:
        value: SCT's value, the number of the vertebra below: 1 top of C1, 2 C1/C2, 3 C2/C3 … 8
            C7/T1 … 20 T12/L1 … 25 L5/S1; 49 pontomedullary groove, 50 pontomedullary junction, 60
            conus.
        position_mm: (x, y, z), world RAS+, mm.
    """

    value: int
    position_mm: tuple[float, float, float]

    @property
    def name(self) -> str:
        """For example "C2/C3"."""
        return disc_name(self.value)


def discs_from_points(points: Iterable[tuple[str | int, Sequence[float]]]) -> list[DiscLabel]:
    """From markups: (name, position) pairs, the name in any usual form.

    Raises:
        InputError: a name that is not a disc; two points of one disc.
    """
    discs = [DiscLabel(parse_disc(name), _position(position)) for name, position in points]
    return _without_duplicates(discs)


def discs_from_label_image(labels: Volume) -> list[DiscLabel]:
    """From an image of disc points: SCT's label image, or BIDS ``_label-discs_dlabel``.

    One voxel a disc, as SCT has it, or a small blob, of which the centre is taken.

    Raises:
        InputError: no labels; values that are not discs; one value at two positions; regions as of
            a labelled segmentation.
    """
    data = np.asarray(labels.data)
    voxels = np.argwhere(data > 0)
    if len(voxels) == 0:
        raise InputError(
            "The label image has no labels: all its voxels are 0.",
            hint="Choose the image with the discs marked in it.",
        )
    values = data[tuple(voxels.T)].astype(float)
    if np.abs(values - np.round(values)).max() > _WHOLE:
        raise InputError(
            "The label image has values that are not integers.",
            hint="Give disc points with SCT's values (C2/C3 = 3).",
        )
    values = np.round(values)
    discs = []
    for value in np.unique(values).astype(int):
        positions = labels.grid.to_world(voxels[values == value])
        centre = positions.mean(axis=0)
        if np.linalg.norm(positions - centre, axis=1).max() > _ONE_LABEL_MM:
            if len(positions) > 20:
                levels = values.max() <= LAST_DISC
                raise InputError(
                    f"The value {value} covers a region of {len(positions)} voxels, not a point:"
                    " this is a labelled segmentation.",
                    hint="Use it as vertebral levels, not as disc labels."
                    if levels
                    else "Its values are no vertebral levels either: mark one point a disc.",
                )
            raise InputError(
                f"The disc {disc_name(value)} (value {value}) is marked at two positions.",
                hint="Keep one of them.",
            )
        discs.append(DiscLabel(parse_disc(str(value)), _position(centre)))
    return discs


def spinal_discs(discs: Iterable[DiscLabel]) -> list[DiscLabel]:
    """Only true discs (values 1 to 25), from above to below; the pontomedullary junction and the
    like are left out.
    """
    return sorted(
        (disc for disc in discs if 1 <= disc.value <= LAST_DISC), key=lambda disc: disc.value
    )


def slice_positions(discs: Sequence[DiscLabel], centreline: Centreline) -> np.ndarray:
    """(n,) slice number, continuous, at which the cord passes each disc: that of the nearest point
    of the centreline.

    The centreline is extended straight beyond its ends, so that discs outside the mask keep their
    order.

    Raises:
        InputError: a disc far from the cord.
    """
    points, tangents = centreline.points_mm, centreline.tangents
    step = (
        np.linalg.norm(np.gradient(points, axis=0), axis=1)
        if len(points) > 1
        else np.array([centreline.grid.spacing[2]])
    )
    positions = np.empty(len(discs))
    for i, disc in enumerate(discs):
        offset = np.asarray(disc.position_mm) - points
        nearest = int(np.argmin((offset**2).sum(axis=1)))
        beyond = 0.0
        along = float(offset[nearest] @ tangents[nearest])
        if (nearest == 0 and along < 0) or (nearest == len(points) - 1 and along > 0):
            beyond = along
        aside = float(np.linalg.norm(offset[nearest] - beyond * tangents[nearest]))
        if aside > _OFF_CORD_MM + 0.5 * abs(beyond):
            raise InputError(
                f"The disc {disc.name} (value {disc.value}) is {aside:.0f} mm away from the cord.",
                hint="Move it to the posterior tip of the disc, or check that the labels belong to"
                " this image.",
            )
        shift = beyond / step[nearest]
        positions[i] = centreline.slices[nearest] + (shift if abs(shift) > 0.5 else 0.0)
    return positions


def check_discs(
    discs: Iterable[DiscLabel], centreline: Centreline
) -> tuple[list[DiscLabel], np.ndarray, tuple[str, ...]]:
    """Discs in order with their positions along the cord.

    Returns:
        The true discs from above to below, (n,) their :func:`slice_positions`, and notes on discs
        that are missing between them.

    Raises:
        InputError: no disc, two of one value, a disc far from the cord, discs in the wrong order.
    """
    discs = spinal_discs(_without_duplicates(discs))
    if not discs:
        raise InputError(
            "No intervertebral disc is marked.",
            hint="Mark at least one, for example C2/C3, at its posterior tip.",
        )
    positions = slice_positions(discs, centreline)
    for upper, lower, drop in zip(discs, discs[1:], positions[:-1] - positions[1:]):
        if drop <= 0:
            raise InputError(
                f"The disc {lower.name} (value {lower.value}) is not below {upper.name} (value"
                f" {upper.value}).",
                hint="Check the two names, or move the points.",
            )
    away = max(
        float(centreline.slices[0] - positions[0]), float(positions[-1] - centreline.slices[-1])
    )
    away_mm = away * float(centreline.grid.spacing[2])
    if away_mm > _BEYOND_MM:
        raise InputError(
            f"All discs are beyond the end of the mask, the nearest by {away_mm:.0f} mm.",
            hint="Check that the labels belong to this image.",
        )
    missing = sorted(set(range(discs[0].value, discs[-1].value)) - {disc.value for disc in discs})
    notes = tuple(
        f"The disc {disc_name(value)} (value {value}) is not marked, so the level above it reaches"
        " down to the next marked disc."
        for value in missing
    )
    return discs, positions, notes


def _position(values: Iterable[float]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _without_duplicates(discs: Iterable[DiscLabel]) -> list[DiscLabel]:
    seen: dict[int, DiscLabel] = {}
    for disc in discs:
        if disc.value in seen:
            raise InputError(
                f"The disc {disc.name} (value {disc.value}) is marked twice.",
                hint="Keep one of the two points.",
            )
        seen[disc.value] = disc
    return list(seen.values())


def carry_over_discs(
    discs: Iterable[DiscLabel], mask: Volume
) -> tuple[list[DiscLabel], tuple[str, ...]]:
    """The discs that matter for another image's cord: those along it, and the next one beyond each
    end.

    For thick axial slices, in which no disc can be seen.  Positions do not change, so the
    patient must not have moved much between the images.

    Args:
        discs: of an image of the same visit.
        mask: of the cord in the other image.

    Returns:
        Discs from above to below, and notes: which were left out.

    Raises:
        InputError: as :func:`~.discs.check_discs`; a disc far from this image's cord means that
            the images do not share coordinates.
    """
    line = centreline_of(mask)
    known, positions, _ = check_discs(discs, line)
    above = [index for index, position in enumerate(positions) if position > line.slices[-1]]
    below = [index for index, position in enumerate(positions) if position < line.slices[0]]
    left_out = above[:-1] + below[1:]
    used = [disc for index, disc in enumerate(known) if index not in left_out]
    notes: tuple[str, ...] = ()
    if left_out:
        names = ", ".join(disc_name(known[index].value) for index in left_out)
        notes = (f"Left out, because this image does not show the cord there: {names}.",)
    return used, notes


def discs_to_label_image(
    discs: Iterable[DiscLabel], like: Volume
) -> tuple[Volume, tuple[str, ...]]:
    """An image of disc points as SCT and BIDS (``_label-discs_dlabel``) have them: one voxel a
    disc, with its value.

    Args:
        discs: to draw.
        like: the image whose grid is used.

    Returns:
        The label image (uint8), and notes: discs outside the grid, or in the voxel of another one,
        which are left out.
    """
    data = np.zeros(like.shape, dtype=np.uint8)
    outside, crowded = [], []
    for disc in discs:
        voxel = np.round(like.grid.to_voxel(np.asarray(disc.position_mm))).astype(int)
        if not ((voxel >= 0).all() and (voxel < like.shape).all()):
            outside.append(disc.name)
        elif data[tuple(voxel)]:
            crowded.append(disc.name)
        else:
            data[tuple(voxel)] = disc.value
    notes: tuple[str, ...] = ()
    if outside:
        notes += (f"Left out, because they are outside the image: {', '.join(outside)}.",)
    if crowded:
        notes += (
            f"Left out, because another disc is in the same voxel: {', '.join(crowded)}. A list"
            " of points holds them all.",
        )
    return Volume(data, like.affine), notes


_REMARK = re.compile(
    r"found as (?P<name>.+) at R (?P<r>\S+) A (?P<a>\S+) S (?P<s>\S+) with confidence"
)
# A smaller change is rounding, not a move.
_MOVED_MM = 0.05


def found_remark(disc: DiscLabel, confidence: float) -> str:
    """The name, position (world RAS+, mm) and confidence (0 to 1) of a found disc as text, for the
    description of its point.
    """
    r, a, s = disc.position_mm
    return f"found as {disc.name} at R {r:.3f} A {a:.3f} S {s:.3f} with confidence {confidence:.2f}"


def parse_found_remark(remark: str) -> tuple[str, tuple[float, float, float]] | None:
    """Name and position that :func:`found_remark` wrote; None for any other text."""
    match = _REMARK.search(remark)
    if match is None:
        return None
    try:
        return match["name"], (float(match["r"]), float(match["a"]), float(match["s"]))
    except ValueError:
        return None


def is_unmoved(disc: DiscLabel, name: str, position_mm: Sequence[float]) -> bool:
    """Whether a disc still has the name and position that it was found with."""
    return disc.name == name and math.dist(disc.position_mm, position_mm) <= _MOVED_MM
