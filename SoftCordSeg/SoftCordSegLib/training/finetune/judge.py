"""How well a bundle does on images whose answer is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...progress import Progress
from ...volume import Volume

if TYPE_CHECKING:
    from ...network import ModelBundle


@dataclass(frozen=True)
class Scores:
    """Of one mask against its reference.

    Attributes:
        soft_dice: 2 Σ p y / (Σ p² + Σ y²), 1 for the reference itself, soft or not; bundles are
            judged by it.
        plain_soft_dice: 2 Σ p y / (Σ p + Σ y), as ``softcord evaluate`` and the authors have it; a
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
class Tools:
    """What lies on higher floors.

    Attributes:
        segment: the mask (0 to 1) of an image by a bundle, on the image's grid: the whole way of a
            user's image.
        compare: scores of a mask against a reference of the same grid.
    """

    segment: Callable[[Volume, ModelBundle, Progress], Volume]
    compare: Callable[[Volume, Volume], Scores]


@dataclass(frozen=True)
class Judged:
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


def judge(
    bundle: ModelBundle,
    images: Sequence[tuple[str, Volume, Volume]],
    tools: Tools,
    progress: Progress,
) -> Judged:
    """Segment images and score the masks.

    Args:
        bundle: which.
        images: (name, image, reference) each; names differ.
        tools: that do it.
        progress: told and asked.

    Raises:
        Cancelled: through ``progress``.
    """
    scores = {}
    for number, (name, image, reference) in enumerate(images):
        progress.check_cancelled()
        part = progress.part(number / len(images), (number + 1) / len(images))
        part.report(0.0, f"Segmenting {name} with {bundle.name}")
        scores[name] = tools.compare(tools.segment(image, bundle, part), reference)
    return Judged(scores)
