"""The networks of a bundle as functions of one tile, and their mirror images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from ..network import ModelBundle
from ..network.engines import Engine, Predict
from ..network.unet_config import UNetConfig
from ..progress import Progress


def with_flips(predict: Predict, flips: Sequence[tuple[int, ...]]) -> Predict:
    """The mean of a network's raw outputs for a tile and for its mirror images; slower by their
    number plus one.

    Args:
        predict: gives (…, i, j, k).
        flips: the axes (0, 1, 2 of the tile) along which each mirror image is flipped.
    """
    if not flips:
        return predict

    def mean(tile: np.ndarray) -> np.ndarray:
        total = predict(tile).copy()
        for axes in flips:
            mirrored = predict(np.flip(tile, axes))
            total += np.flip(mirrored, tuple(axis - 3 for axis in axes))
        return total / np.float32(len(flips) + 1)

    return mean


def left_right(letters: str) -> list[tuple[int, ...]]:
    """The one flip that keeps the anatomy plausible, in a frame with these letters."""
    return [(next(axis for axis, letter in enumerate(letters) if letter in "LR"),)]


def all_flips(axes: Sequence[int]) -> list[tuple[int, ...]]:
    """Every combination of axes, as nnU-Net mirrors."""
    return [chosen for count in range(1, len(axes) + 1) for chosen in combinations(axes, count)]


@dataclass(frozen=True)
class Networks:
    """The two networks of a bundle of ours, ready to run.

    While one is in use the other gives back the memory of its layers.  The locator's, hundreds of
    megabytes, would else stay until the next image is located, with that image and the last one
    beside them; taking them again costs a tenth of the locator's time or less.

    Attributes:
        bundle: a locator and a segmenter.
        engine: that runs them.
        flips: the segmenter also sees the left-right mirror image.
        progress: checked for cancellation while a tile is computed.
    """

    bundle: ModelBundle
    engine: Engine
    flips: bool = False
    progress: Progress = field(default_factory=Progress)

    def locator(self) -> tuple[Predict, tuple[int, int, int]]:
        """Raw outputs of one tile, and the divisor of its sizes."""
        stage, other = self.bundle.stages
        self.bundle.release_layers(self.engine, other)
        predict = self.bundle.predictor(stage, self.engine, self.progress.check_cancelled)
        return _one_channel(predict), UNetConfig(stage.features, stage.strides).divisor

    def segmenter(self) -> Predict:
        """Raw outputs of one tile."""
        other, stage = self.bundle.stages
        self.bundle.release_layers(self.engine, other)
        predict = self.bundle.predictor(stage, self.engine, self.progress.check_cancelled)
        one = _one_channel(predict)
        return with_flips(one, left_right(self.bundle.orientation)) if self.flips else one


def _one_channel(predict: Predict) -> Predict:
    return lambda tile: predict(tile)[0]
