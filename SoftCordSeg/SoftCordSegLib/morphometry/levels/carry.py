"""Discs marked in one image of a visit, used in another: both lie in the scanner's coordinates."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...volume import Volume
from ..shape.measure import centreline_of
from .discs import DiscLabel, check_discs
from .names import disc_name


def carry_over_discs(
    discs: Iterable[DiscLabel], mask: Volume
) -> tuple[list[DiscLabel], tuple[str, ...]]:
    """The discs that matter for another image's cord: those along it, and the next one beyond each
    end.

    For thick axial slices, in which no disc can be seen.  Positions stay as they are, so that the
    patient must not have moved much between the images.

    Args:
        discs: of an image of the same visit.
        mask: of the cord in the other image.

    Returns:
        Discs from above to below, and notes: which were left out.

    Raises:
        InputError: as :func:`~.discs.check_discs`; a disc far off this image's cord means that the
            images do not share coordinates.
    """
    line = centreline_of(mask)
    known, places, _ = check_discs(discs, line)
    above = [index for index, place in enumerate(places) if place > line.slices[-1]]
    below = [index for index, place in enumerate(places) if place < line.slices[0]]
    left_out = above[:-1] + below[1:]
    kept = [disc for index, disc in enumerate(known) if index not in left_out]
    notes = ()
    if left_out:
        names = ", ".join(disc_name(known[index].value) for index in left_out)
        notes = (f"Left out, because this image does not show the cord there: {names}.",)
    return kept, notes


def discs_to_label_image(
    discs: Iterable[DiscLabel], like: Volume
) -> tuple[Volume, tuple[str, ...]]:
    """An image of disc points as SCT and BIDS (``_label-discs_dlabel``) have them: one voxel a
    disc, with its value.

    Args:
        discs: to draw.
        like: image whose grid to use.

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
    notes = (
        (f"Left out, because they are outside the image: {', '.join(outside)}.",) if outside else ()
    )
    if crowded:
        notes += (
            (
                f"Left out, because another disc is in the same voxel: {', '.join(crowded)}. A list"
                " of points holds them all."
            ),
        )
    return Volume(data, like.affine), notes
