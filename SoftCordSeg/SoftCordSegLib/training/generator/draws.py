"""Random numbers of a batch: small ones drawn on the host, one a sample, and large fields drawn on
the device.

Whether a sample gets this or that is decided on the host, so that no device is ever waited for, and
the shapes of all tensors are known there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from .axis_operators import along


class Draws:
    """The random numbers that belong to one batch.

    Args:
        seed, step: of the run, and of the batch in it.
        device: where fields are drawn.
    """

    def __init__(self, seed: int, step: int, device: torch.device):
        self.host = np.random.default_rng([seed, step])
        self.device = device
        self._generator = torch.Generator(device)
        self._generator.manual_seed(int(self.host.integers(2**62)))

    def put(self, values: np.ndarray | Sequence[float]) -> torch.Tensor:
        """One number a sample as (n, 1, 1, 1) float32 on the device, so that it broadcasts over
        voxels.
        """
        return self.table(values).view(-1, 1, 1, 1)

    def table(self, values: np.ndarray | Sequence[float]) -> torch.Tensor:
        """Numbers as float32 on the device, in their own shape."""
        return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(
            self.device, non_blocking=True
        )

    def uniform(self, low: float, high: float, count: int) -> torch.Tensor:
        """(count, 1, 1, 1), evenly between two numbers."""
        return self.put(self.host.uniform(low, high, count))

    def rows(self, probability: float, count: int) -> np.ndarray:
        """Which of ``count`` samples get what has this probability: their numbers, in order; none
        is drawn where it is 0.
        """
        return (
            np.flatnonzero(self.host.random(count) < probability)
            if probability > 0
            else np.empty(0, int)
        )

    def index(self, rows: np.ndarray) -> torch.Tensor:
        """Numbers of samples as an index on the device."""
        return torch.from_numpy(np.ascontiguousarray(rows, np.int64)).to(
            self.device, non_blocking=True
        )

    def normal(self, *shape: int) -> torch.Tensor:
        """Independent normal numbers on the device."""
        return torch.randn(shape, generator=self._generator, device=self.device)

    def even(self, *shape: int) -> torch.Tensor:
        """Independent numbers between 0 and 1 on the device."""
        return torch.rand(shape, generator=self._generator, device=self.device)

    def smooth(
        self, count: int, shape: Sequence[int], scale: float | np.ndarray | Sequence
    ) -> torch.Tensor:
        """Gaussian noise, mean 0, standard deviation about 1 (less, the smoother it is), that
        varies over ``scale`` voxels.

        Made small and enlarged by linear interpolation along each axis, which is many times cheaper
        than filtering.

        Args:
            count: of samples.
            shape: voxels along the three axes.
            scale: a number; (count,) one for each sample; (count, 3) or (1, 3) one for each axis
                too.

        Returns:
            (count, i, j, k) float32.
        """
        scale = np.asarray(scale, float)
        scale = scale[:, None] if scale.ndim == 1 else scale
        scale = np.maximum(np.broadcast_to(scale, (count, 3)), 1.0)
        smooth = scale.max(axis=0) > 1.0
        knots = [
            int(math.ceil(n / s)) + 2 if wide else n
            for n, s, wide in zip(shape, scale.min(axis=0), smooth)
        ]
        field = self.normal(count, *knots)
        for axis in np.flatnonzero(smooth):
            field = along(
                field, self._interpolation(shape[axis], knots[axis], scale[:, axis]), int(axis)
            )
        return field

    def _interpolation(self, size: int, knots: int, scale: np.ndarray) -> torch.Tensor:
        """Matrices (count, size, knots) that interpolate linearly between knots ``scale`` samples
        apart.
        """
        phase = self.host.random(len(scale))
        at = (
            torch.arange(size, device=self.device) / self.table(scale)[:, None]
            + self.table(phase)[:, None]
        )
        return (1 - (at[:, :, None] - torch.arange(knots, device=self.device)).abs()).clamp_(min=0)


class Curves:
    """Smooth random functions of one coordinate (mm), one a sample: sums of a few waves.

    Args:
        draws: random numbers.
        amplitude: (count,) standard deviation of the values.
        wavelengths: the range to draw from, mm.
        waves: of each sum.
    """

    def __init__(
        self, draws: Draws, amplitude: np.ndarray, wavelengths: tuple[float, float], waves: int = 3
    ):
        shape = (waves, len(amplitude))
        frequency, phase = (
            2 * np.pi / draws.host.uniform(*wavelengths, shape),
            draws.host.uniform(0, 2 * np.pi, shape),
        )
        weight = draws.host.standard_normal(shape) * amplitude * np.sqrt(2 / waves)
        self._waves = [[draws.put(x) for x in wave] for wave in zip(frequency, phase, weight)]

    def __call__(self, at: torch.Tensor | float) -> torch.Tensor:
        """Values at (count, i, j, k) places, or at one place for all."""
        return sum(
            weight * torch.sin(at * frequency + phase) for frequency, phase, weight in self._waves
        )


def interpolate_curve(values: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """Piecewise linear functions, one a sample.

    Args:
        values: (n, m) at m places evenly spread from 0 to 1.
        at: (n, i, j, k); below 0 and above 1 the first and the last value go on.
    """
    last = values.shape[1] - 1
    place = (at * last).clamp(0, last).flatten(1)
    low = place.long().clamp_(max=last - 1)
    first = values.gather(1, low)
    return (first + (values.gather(1, low + 1) - first) * (place - low)).view_as(at)
