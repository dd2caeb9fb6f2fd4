"""Whether a new bundle may take its place."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .judge import Judged

# Mean soft Dice of the watched images may fall by so much: far less than contrasts or models differ
# by.
FORGETTING_MARGIN = 0.01
# Differences below it are rounding.
_TIE = 5e-4


@dataclass(frozen=True)
class Rival:
    """The bundle that is there already.

    Attributes:
        name: of it.
        rival, new: both on the held-out cases that the rival was not trained on.
    """

    name: str
    rival: Judged
    new: Judged


def objections(
    before: Judged,
    after: Judged,
    watched_before: Judged,
    watched_after: Judged,
    rival: Rival | None,
) -> tuple[str, ...]:
    """Why the new bundle should not take the place it is meant for: sentences; none where it may.

    Args:
        before, after: of parent and child on the held-out cases; both empty where none are held
            out.
        watched_before, watched_after: on the images by which forgetting is told.
        rival: the bundle in that place, if another is there.
    """
    found = []
    if after.soft_dice < before.soft_dice - _TIE:
        found.append(
            "On the held-out cases it is worse than the bundle it came from: mean soft Dice"
            f" {after.soft_dice:.4f}, before {before.soft_dice:.4f}."
        )
    fall = watched_before.soft_dice - watched_after.soft_dice
    if fall > FORGETTING_MARGIN:
        found.append(
            "It forgets: on images that it is not meant to change on, mean soft Dice falls from"
            f" {watched_before.soft_dice:.4f} to {watched_after.soft_dice:.4f}, by more than"
            f" {FORGETTING_MARGIN:g}."
        )
    if rival is not None and math.isnan(rival.rival.soft_dice):
        found.append(
            f"Whether it is better than {rival.name}, which is there already, nobody can say: there"
            " is no held-out case that the other was not trained on."
        )
    elif rival is not None and rival.new.soft_dice < rival.rival.soft_dice - _TIE:
        found.append(
            f"{rival.name}, which is there already, is better on the same held-out cases: mean soft"
            f" Dice {rival.rival.soft_dice:.4f}, the new one {rival.new.soft_dice:.4f}."
        )
    return tuple(found)
