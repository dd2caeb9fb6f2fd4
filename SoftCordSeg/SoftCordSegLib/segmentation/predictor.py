"""A network as a function on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ModelError, OptionError
from ..network import ModelBundle
from .tiles import Predict

if TYPE_CHECKING:
    import torch


def usable_device(device: str) -> str:
    """The device itself; of "auto", CUDA where there is one.

    Raises:
        OptionError: PyTorch does not know it, or this computer has none.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        wanted = torch.device(device)
    except RuntimeError as error:
        raise OptionError(
            f"'{device}' is not a device.", hint="Choose auto, cpu, cuda, or cuda:1 and so on."
        ) from error
    if wanted.type == "cuda" and (wanted.index or 0) >= torch.cuda.device_count():
        raise OptionError(
            f"PyTorch finds no graphics card '{device}' on this computer.",
            hint="Choose auto or cpu.",
        )
    return device


def predictor(network: torch.nn.Module, device: str, channels_last: bool = False) -> Predict:
    """Raw outputs of one tile: (i, j, k) float32 to (channels, i, j, k) float32.

    Args:
        network: in evaluation mode; its output is a tensor, or a list with the full resolution
            first.
        device: "cpu", "cuda", … or "auto": CUDA where there is one.
        channels_last: order of the voxels in memory; faster for narrow networks such as ours,
            slower for the paper's.

    Raises:
        ModelError: by the function that is returned, where an output is not finite.
    """
    import torch

    order = torch.channels_last_3d if channels_last else torch.contiguous_format

    device = usable_device(device)
    network = network.to(device=device, memory_format=order)  # type: ignore[call-overload]

    def predict(tile: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            tensor = torch.from_numpy(np.ascontiguousarray(tile))[None, None].to(device)
            output = network(tensor.contiguous(memory_format=order))
            output = output[0] if isinstance(output, (list, tuple)) else output
            output = output[0].float()
            if not bool(output.isfinite().all()):
                # Otherwise nothing would be found, as in an image without a cord.
                raise ModelError(
                    "The network's output is not finite (NaN or infinite), so that no mask can be"
                    " made of it.",
                    hint="Use another model, or install this one again.",
                )
            return output.cpu().numpy()

    return predict


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

    Attributes:
        bundle: a locator and a segmenter.
        device: "cpu", "cuda", … or "auto".
        flips: the segmenter also sees the left-right mirror image.
    """

    bundle: ModelBundle
    device: str = "auto"
    flips: bool = False

    def locator(self) -> tuple[Predict, tuple[int, int, int]]:
        """Raw outputs of one tile, and the divisor of its sizes."""
        network = self.bundle.network(self.bundle.stages[0])
        return _one_channel(
            predictor(network, self.device, channels_last=True)
        ), network.config.divisor

    def segmenter(self) -> Predict:
        """Raw outputs of one tile."""
        predict = _one_channel(
            predictor(self.bundle.network(self.bundle.stages[1]), self.device, channels_last=True)
        )
        return with_flips(predict, left_right(self.bundle.orientation)) if self.flips else predict


def _one_channel(predict: Predict) -> Predict:
    return lambda tile: predict(tile)[0]
