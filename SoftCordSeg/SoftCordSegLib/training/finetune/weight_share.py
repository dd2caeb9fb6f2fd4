"""How much of what a fine-tuning changed is kept: weights between those before and those after.

Where all corrections make cords larger, a network learns from a few of them to draw all cords
larger.  Weights on the straight line from the ones before to the tuned ones keep most of what was
learned and lose most of what was not meant (Wortsman et al., Robust fine-tuning of zero-shot
models, CVPR 2022).  The share is the largest with which the network does no worse on images that it
is not meant to change on.  Held-out cases have no part in the choice, so that they stay a fair
judge of its result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .verdict import BundleScores

if TYPE_CHECKING:
    import torch

# Per cent, of the mean volume of the watched cords: about what two scans of one cord differ by.
LARGEST_DRIFT = 2.0
# Of the mean soft Dice of the watched images.
LARGEST_FALL = 0.002
_STEP, _TRIES = 0.05, 4
# Of the limits: a share that does so much harm is not worth another try.
_GOOD_ENOUGH = 0.8


@dataclass(frozen=True)
class ShareTry:
    """A share that was tried.

    Attributes:
        share: 0 for the weights before, 1 for the tuned ones.
        volume_change_percent: mean change of the volume of the watched cords.
        soft_dice: mean, of the watched images.
    """

    share: float
    volume_change_percent: float
    soft_dice: float


@dataclass(frozen=True)
class WeightShare:
    """The share that is kept.

    Attributes:
        share: above 0, up to 1.
        scores: of the watched images, with these weights.
        tried: all shares, in order; the first is 1.
    """

    share: float
    scores: BundleScores
    tried: tuple[ShareTry, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain types, for records."""
        rounded = [{name: round(v, 5) for name, v in asdict(one).items()} for one in self.tried]
        return {"share": self.share, "tried": rounded}


def volume_change_percent(before: BundleScores, after: BundleScores) -> float:
    """Mean change of the volume at 0.5 and above between two bundles on the same images, by their
    errors against the same references; 0 where there is none.  Soft Dice alone hides that all cords
    are drawn larger, and areas with them.
    """
    changes = [
        100 * (100 + after.scores[name].volume_error_percent) / (100 + old.volume_error_percent)
        - 100
        for name, old in before.scores.items()
        if old.volume_error_percent > -100
    ]
    return sum(changes) / len(changes) if changes else 0.0


def blended(
    before: Mapping[str, torch.Tensor], tuned: Mapping[str, torch.Tensor], share: float
) -> dict[str, torch.Tensor]:
    """Weights between two networks of one shape, in float32; whole numbers are the tuned ones."""
    return {
        name: (
            before[name].float().lerp(value.float(), share) if value.is_floating_point() else value
        )
        for name, value in tuned.items()
    }


def choose_share(
    score: Callable[[float], BundleScores], before: BundleScores, largest_drift: float | None
) -> WeightShare:
    """The largest share that keeps to the limits, to a step of 0.05 and within four tries: between
    a share that does and one that does not, the harm is taken to grow in proportion.  Where none
    does, the smallest that was tried.

    Args:
        score: the watched images with the weights of a share.
        before: the same with the weights before.
        largest_drift: per cent, of the mean volume; None keeps all of the change.
    """
    tried: list[ShareTry] = []
    kept: tuple[float, BundleScores] | None = None
    share = 1.0
    # Shares between which the largest lies, each with its harm: 1 is the limit.
    low, low_harm, high, high_harm = 0.0, 0.0, math.inf, math.inf
    while True:
        scores = score(share)
        change = volume_change_percent(before, scores)
        tried.append(ShareTry(share, change, scores.soft_dice))
        if largest_drift is None or not before.scores:
            return WeightShare(share, scores, tuple(tried))
        fall = before.soft_dice - scores.soft_dice
        harm = max(abs(change) / largest_drift, fall / LARGEST_FALL, 0.0)
        if harm <= 1:
            low, low_harm, kept = share, harm, (share, scores)
        else:
            high, high_harm = share, harm
        wanted = low + (high - low) * (1 - low_harm) / (high_harm - low_harm) if high < 9 else 1.0
        steps = math.floor(wanted / _STEP + 1e-9)
        following = round(max(steps, 1) * _STEP, 2)
        if len(tried) == _TRIES or low_harm >= _GOOD_ENOUGH or not low < following < high:
            break
        share = following
    if kept is None:
        kept = (share, scores)
    return WeightShare(*kept, tuple(tried))
