"""How well bundles do on images whose masks are known, and whether one may replace another."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...progress import Progress
from ...volume import Volume

if TYPE_CHECKING:
    from ...network import ModelBundle

# Mean soft Dice of the watched images may fall by so much: far less than contrasts or models differ
# by.
FORGETTING_MARGIN = 0.01
# Differences below it are rounding.
_TIE = 5e-4


@dataclass(frozen=True)
class Scores:
    """Of one mask against its reference.

    Attributes:
        soft_dice: 2 Σ p y / (Σ p² + Σ y²), 1 for the reference itself, soft or not; bundles are
            compared by it.
        plain_soft_dice: 2 Σ p y / (Σ p + Σ y), as the paper's evaluation has it; a
            soft mask does not reach 1.
        dice: of both at 0.5 and above.
        volume_error_percent: (V - V_ref) / V_ref at 0.5 and above.
    """

    soft_dice: float
    plain_soft_dice: float
    dice: float
    volume_error_percent: float

    def rounded(self) -> dict[str, float]:
        """For records."""
        return {name: round(value, 5) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Scorer:
    """Segments and scores images, by what lies on other floors.

    Attributes:
        segment: the mask (0 to 1) of an image by a bundle, on the image's grid, as for a user's
            image.
        compare: scores of a mask against a reference of the same grid.
    """

    segment: Callable[[Volume, ModelBundle, Progress], Volume]
    compare: Callable[[Volume, Volume], Scores]


@dataclass(frozen=True)
class BundleScores:
    """Attributes: scores by the image's name, in order."""

    scores: dict[str, Scores]

    @property
    def soft_dice(self) -> float:
        """The mean over the images; not a number where there is none."""
        return (
            float(np.mean([one.soft_dice for one in self.scores.values()]))
            if self.scores
            else float("nan")
        )

    def rounded(self) -> dict[str, dict[str, float]]:
        """For records."""
        return {name: one.rounded() for name, one in self.scores.items()}


def score_bundle(
    bundle: ModelBundle,
    images: Sequence[tuple[str, Volume, Volume]],
    scorer: Scorer,
    progress: Progress,
) -> BundleScores:
    """Segment images and score the masks.

    Args:
        bundle: which.
        images: (name, image, reference) each; names differ.
        scorer: segments and compares.
        progress: receives progress; checked for cancellation.

    Raises:
        Cancelled: through ``progress``.
    """
    scores = {}
    for number, (name, image, reference) in enumerate(images):
        progress.check_cancelled()
        part = progress.part(number / len(images), (number + 1) / len(images))
        part.report(0.0, f"Segmenting {name} with {bundle.name}")
        scores[name] = scorer.compare(scorer.segment(image, bundle, part), reference)
    return BundleScores(scores)


@dataclass(frozen=True)
class Rival:
    """The bundle that is there already.

    Attributes:
        name: of it.
        rival, new: both on the held-out cases that the rival was not trained on.
    """

    name: str
    rival: BundleScores
    new: BundleScores


def objections(
    before: BundleScores,
    after: BundleScores,
    watched_before: BundleScores,
    watched_after: BundleScores,
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
            f"Whether it is better than {rival.name}, which is there already, is unknown: there is"
            " no held-out case that the other was not trained on."
        )
    elif rival is not None and rival.new.soft_dice < rival.rival.soft_dice - _TIE:
        found.append(
            f"{rival.name}, which is there already, is better on the same held-out cases: mean soft"
            f" Dice {rival.rival.soft_dice:.4f}, the new one {rival.new.soft_dice:.4f}."
        )
    return tuple(found)
