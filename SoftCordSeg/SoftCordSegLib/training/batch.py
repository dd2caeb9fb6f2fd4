"""A batch of training patches, and what makes batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Batch:
    """Patches on one device, axes to the Left, Anterior, Superior (nibabel LAS, SCT-RPI).

    Attributes:
        image: (B, 1, i, j, k) float32, intensities by the input contract (−3 to 3).
        label: (B, 1, i, j, k) float32 in [0, 1], soft mask of the cord.
        weight: (B, 1, i, j, k) float32, 0 where the answer is unknown, else up to 1.
        twins: (P, 2) int64, rows of one geometry in two appearances: mask and areas must be the
            same.
    """

    image: torch.Tensor
    label: torch.Tensor
    weight: torch.Tensor
    twins: torch.Tensor


class BatchSource(Protocol):
    """Makes batches; the same seed, step and size give the same batch on the same kind of
    device.
    """

    def batch(self, seed: int, step: int, size: int) -> Batch:
        """The batch of a step of the run that has ``seed``."""


class MixedBatches:
    """Several sources as one :class:`BatchSource`.

    Args:
        sources: at least one.
        shares: of the patches, one for each source; they sum to 1. Each batch is divided as evenly
            as whole numbers allow, by chance where they do not.
    """

    def __init__(self, sources: Sequence[BatchSource], shares: Sequence[float]):
        self._sources, self._ends = list(sources), np.cumsum(shares)

    def batch(self, seed: int, step: int, size: int) -> Batch:
        """The batch of a step of the run that has ``seed``."""
        import torch

        chance = np.random.default_rng([seed, step]).random()
        ends = np.floor(self._ends[:-1] * size + chance).astype(int)
        counts = np.diff([0, *ends, size])
        made = [
            # A seed of its own for each source, so that they draw different numbers.
            source.batch(len(self._sources) * seed + number, step, int(count))
            for number, (source, count) in enumerate(zip(self._sources, counts))
            if count > 0
        ]
        starts = np.cumsum([0, *[len(one.image) for one in made[:-1]]])
        twins = [one.twins + int(start) for one, start in zip(made, starts)]
        parts = ([getattr(one, name) for one in made] for name in ("image", "label", "weight"))
        return Batch(*map(torch.cat, parts), torch.cat(twins))


class BatchesAhead:
    """A :class:`BatchSource` whose batches other processes make before they are asked for.

    Args:
        source: of batches on the CPU.
        processes: how many.
        steps: in all.
    """

    def __init__(self, source: BatchSource, processes: int, steps: int):
        self._source, self._processes, self._steps = source, processes, steps
        self._expected: tuple[int, int, int] | None = None
        self._made: Iterator[Batch] = iter(())

    def batch(self, seed: int, step: int, size: int) -> Batch:
        """The batch of a step of the run that has ``seed``; steps are asked for in order."""
        from torch.utils.data import DataLoader

        if (seed, step, size) != self._expected:
            self._made = iter(
                DataLoader(
                    _Numbered(self._source, seed, size),
                    batch_size=None,
                    sampler=range(step, max(self._steps, step + 1)),
                    num_workers=self._processes,
                )
            )
        self._expected = (seed, step + 1, size)
        return next(self._made)


@dataclass(frozen=True)
class _Numbered:
    """The batches of one run by their step, as a PyTorch data set."""

    source: BatchSource
    seed: int
    size: int

    def __getitem__(self, step: int) -> Batch:
        return self.source.batch(self.seed, step, self.size)


def pooled(
    count: int, image: torch.Tensor, label: torch.Tensor, weight: torch.Tensor, *more: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """Means over the voxels of a coarser grid, as the program makes it; what is partly unknown has
    no weight.

    Args:
        count: voxels along each axis of which the mean is taken; what is left over is dropped.
        image, label, weight, more: (n, i, j, k).
    """
    from torch.nn import functional

    image, label, weight, *more = (
        functional.avg_pool3d(one[:, None], count)[:, 0] for one in (image, label, weight, *more)
    )
    return image, label, (weight > 0.999).float(), *more
