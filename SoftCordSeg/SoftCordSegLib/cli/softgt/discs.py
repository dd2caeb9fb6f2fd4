"""Discs that were marked in one contrast, in every other one, through the registration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..discs.files import read_discs
from .inputs import Participant

if TYPE_CHECKING:
    from ...groundtruth import GroundTruth
    from ...morphometry import DiscLabel
    from ...volume import Volume


def carried_discs(participant: Participant, truth: GroundTruth) -> dict[str, list[DiscLabel]]:
    """The discs in every contrast's own space, through the registration; none where none were
    given.

    Raises:
        InputError: the file of discs cannot be read.
    """
    import numpy as np

    from ...morphometry import DiscLabel

    if participant.discs is None:
        return {}
    discs = read_discs(participant.discs)
    source = truth.of(participant.discs_of).transform
    places = source.to_reference(np.array([disc.position_mm for disc in discs]))
    carried = {}
    for one in truth.contrasts:
        moved = places if one.is_reference else one.transform.to_moving(places)
        moved = [disc.position_mm for disc in discs] if one.name == participant.discs_of else moved
        carried[one.name] = [
            DiscLabel(disc.value, tuple(float(x) for x in place))
            for disc, place in zip(discs, moved)
        ]
    return carried


def disc_images(
    participant: Participant, truth: GroundTruth, discs: dict[str, list[DiscLabel]]
) -> tuple[dict[str, Volume], list[str]]:
    """The carried discs as label images, but for the contrast they were marked in; and which of
    them did not fit.
    """
    from ...morphometry import discs_to_label_image

    images, notes = {}, []
    for one in truth.contrasts:
        if one.name in discs and one.name != participant.discs_of:
            labels, left_out = discs_to_label_image(discs[one.name], one.soft)
            notes += [f"Discs of {one.name}: {sentence}" for sentence in left_out]
            if (labels.data > 0).any():
                images[one.name] = labels
    return images, notes
