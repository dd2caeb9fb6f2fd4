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


class BatchesByTurns:
    """Several sources of batches of different sizes as one :class:`BatchSource`: each step has a
    batch of one of them.

    Args:
        sources: at least one.
    """

    def __init__(self, sources: Sequence[BatchSource]):
        self._sources = list(sources)

    def batch(self, seed: int, step: int, size: int) -> Batch:
        """The batch of a step of the run that has ``seed``."""
        count = len(self._sources)
        turn, number = divmod(step, count)
        # A seed of its own for each source, so that they draw different numbers.
        return self._sources[number].batch(count * seed + number, turn, size)


class EchoedBatches:
    """A :class:`BatchSource` that gives each patch several times, in other mixtures, for patches
    that take longer to make than to learn from ("data echoing", Choi et al. 2019).

    Patches are made a block at a time and dealt out again in another order; from the second time on
    they may be mirrored, and their intensities are moved a little.

    Args:
        source: of batches without twins.
        times: how often each patch is used, at least 1.
        block: batches that are made at once.
    """

    def __init__(self, source: BatchSource, times: int, block: int = 16):
        self._source, self._times, self._block = source, times, block
        self._made: tuple[tuple[int, int, int], Batch] | None = None

    def batch(self, seed: int, step: int, size: int) -> Batch:
        """The batch of a step of the run that has ``seed``."""
        number, at = divmod(step, self._block * self._times)
        again, part = divmod(at, self._block)
        made = self._patches(seed, number, size)
        rng = np.random.default_rng([seed, number, again])
        rows = rng.permutation(self._block * size)[part * size : (part + 1) * size]
        chosen = [one[rows] for one in (made.image, made.label, made.weight)]
        if again:
            chosen = _changed_a_little(*chosen, np.random.default_rng([seed, step, again]))
        return Batch(*chosen, made.twins)

    def _patches(self, seed: int, number: int, size: int) -> Batch:
        """All patches of a block."""
        import torch

        if self._made is None or self._made[0] != (seed, number, size):
            # The last block goes before the next is made.
            self._made = None
            steps = range(number * self._block, (number + 1) * self._block)
            made = [self._source.batch(seed, step, size) for step in steps]
            parts = ([getattr(one, name) for one in made] for name in ("image", "label", "weight"))
            self._made = ((seed, number, size), Batch(*map(torch.cat, parts), made[0].twins))
        return self._made[1]


def _changed_a_little(
    image: torch.Tensor, label: torch.Tensor, weight: torch.Tensor, rng: np.random.Generator
) -> list[torch.Tensor]:
    """Mirrored or not, a little brighter, wider in range and noisier or not."""
    import torch

    mirrored = [one.clone() for one in (image, label, weight)]
    for row in np.flatnonzero(rng.random(len(image)) < 0.5):
        for one, given in zip(mirrored, (image, label, weight)):
            one[row] = given[row].flip(1)
    image, *maps = mirrored
    gain, offset, noise = (
        torch.from_numpy(x.astype(np.float32)).to(image.device).view(-1, 1, 1, 1, 1)
        for x in (
            rng.uniform(0.9, 1.1, len(image)),
            rng.uniform(-0.1, 0.1, len(image)),
            rng.uniform(0.0, 0.05, len(image)),
        )
    )
    grain = torch.from_numpy(rng.standard_normal(image.shape, dtype=np.float32)).to(image.device)
    return [(image * gain + offset + noise * grain).clamp(-3, 3), *maps]


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
