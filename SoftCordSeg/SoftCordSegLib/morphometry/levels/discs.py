"""Disc labels: where they come from, and what can be wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ...volume import Volume
from ..slices.centreline import Centreline
from .names import LAST_DISC, disc_name, parse_disc

# The voxels of one label lie within this distance of their centre; more means that the value was
# used twice.
_ONE_LABEL_MM = 10.0
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
        InputError: a name that is no disc; two points of one disc.
    """
    discs = [
        DiscLabel(parse_disc(name), tuple(float(x) for x in position)) for name, position in points
    ]
    return _without_duplicates(discs)


def discs_from_label_image(labels: Volume) -> list[DiscLabel]:
    """From an image of disc points: SCT's label image, or BIDS ``_label-discs_dlabel``.

    One voxel a disc, as SCT has it, or a small blob, of which the centre is taken.

    Raises:
        InputError: no labels; values that are no discs; one value at two places; regions as of a
            labelled segmentation.
    """
    data = np.asarray(labels.data)
    voxels = np.argwhere(data > 0)
    if len(voxels) == 0:
        raise InputError(
            "The label image has no labels: all its voxels are 0. Choose the image with the discs"
            " marked in it."
        )
    values = data[tuple(voxels.T)]
    if not np.array_equal(values, np.round(values)):
        raise InputError(
            "The label image has values that are not whole numbers. Give disc points with SCT's"
            " values (C2/C3 = 3)."
        )
    discs = []
    for value in np.unique(values).astype(int):
        positions = labels.grid.to_world(voxels[values == value])
        centre = positions.mean(axis=0)
        if np.linalg.norm(positions - centre, axis=1).max() > _ONE_LABEL_MM:
            if len(positions) > 20:
                raise InputError(
                    f"The value {value} covers a region of {len(positions)} voxels, not a point:"
                    " this is a labelled segmentation. Use it as vertebral levels, not as disc"
                    " labels."
                )
            raise InputError(
                f"The disc {disc_name(value)} (value {value}) is marked at two places. Keep one of"
                " them."
            )
        discs.append(DiscLabel(parse_disc(str(value)), tuple(float(x) for x in centre)))
    return discs


def spinal_discs(discs: Iterable[DiscLabel]) -> list[DiscLabel]:
    """Only true discs (values 1 to 25), from above to below; the pontomedullary junction and the
    like are left out.
    """
    return sorted(
        (disc for disc in discs if 1 <= disc.value <= LAST_DISC), key=lambda disc: disc.value
    )


def places_along(discs: Sequence[DiscLabel], centreline: Centreline) -> np.ndarray:
    """(n,) slice number, continuous, at which the cord passes each disc: that of the nearest point
    of the centreline.

    Beyond the ends of the centreline it is continued straight on, so that discs outside the mask
    keep their order.

    Raises:
        InputError: a disc far off the cord, named.
    """
    points, tangents = centreline.points_mm, centreline.tangents
    step = (
        np.linalg.norm(np.gradient(points, axis=0), axis=1)
        if len(points) > 1
        else np.array([centreline.grid.spacing[2]])
    )
    places = np.empty(len(discs))
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
                f"The disc {disc.name} (value {disc.value}) is {aside:.0f} mm away from the cord."
                " Move it to the posterior tip of the disc, or check that the labels belong to"
                " this image."
            )
        shift = beyond / step[nearest]
        places[i] = centreline.slices[nearest] + (shift if abs(shift) > 0.5 else 0.0)
    return places


def check_discs(
    discs: Iterable[DiscLabel], centreline: Centreline
) -> tuple[list[DiscLabel], np.ndarray, tuple[str, ...]]:
    """Discs in order with their places along the cord.

    Returns:
        The true discs from above to below, (n,) their :func:`places_along`, and notes on discs that
        are missing between them.

    Raises:
        InputError: no disc, two of one value, a disc off the cord, discs in the wrong order.
    """
    discs = spinal_discs(_without_duplicates(discs))
    if not discs:
        raise InputError(
            "No intervertebral disc is marked. Mark at least one, for example C2/C3, at its"
            " posterior tip."
        )
    places = places_along(discs, centreline)
    for upper, lower, drop in zip(discs, discs[1:], places[:-1] - places[1:]):
        if drop <= 0:
            raise InputError(
                f"The disc {lower.name} (value {lower.value}) is not below {upper.name} (value"
                f" {upper.value}). Check the two names, or move the points."
            )
    missing = sorted(set(range(discs[0].value, discs[-1].value)) - {disc.value for disc in discs})
    notes = tuple(
        f"The disc {disc_name(value)} (value {value}) is not marked, so the level above it reaches"
        " down to the next marked disc."
        for value in missing
    )
    return discs, places, notes


def _without_duplicates(discs: Iterable[DiscLabel]) -> list[DiscLabel]:
    seen: dict[int, DiscLabel] = {}
    for disc in discs:
        if disc.value in seen:
            raise InputError(
                f"The disc {disc.name} (value {disc.value}) is marked twice. Keep one of the two"
                " points."
            )
        seen[disc.value] = disc
    return list(seen.values())
