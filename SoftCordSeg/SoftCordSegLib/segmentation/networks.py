"""The two networks of a bundle of ours, ready to run."""

from __future__ import annotations

from dataclasses import dataclass

from ..network import ModelBundle
from .predictor import left_right, predictor, with_flips
from .tiles import Predict


@dataclass(frozen=True)
class Networks:
    """A bundle and how it is run.

    Attributes:
        bundle: a locator and a segmenter.
        device: "cpu", "cuda", … or "auto".
        flips: the segmenter also sees the left-right mirror image.
    """

    bundle: ModelBundle
    device: str = "auto"
    flips: bool = False

    def locator(self) -> tuple[Predict, tuple[int, int, int]]:
        """Raw outputs of one tile, and what sizes must be multiples of."""
        network = self.bundle.network(self.bundle.locator)
        return _one_channel(
            predictor(network, self.device, channels_last=True)
        ), network.config.divisor

    def segmenter(self) -> Predict:
        """Raw outputs of one tile."""
        predict = _one_channel(
            predictor(self.bundle.network(self.bundle.segmenter), self.device, channels_last=True)
        )
        return with_flips(predict, left_right(self.bundle.orientation)) if self.flips else predict


def _one_channel(predict: Predict) -> Predict:
    return lambda tile: predict(tile)[0]
