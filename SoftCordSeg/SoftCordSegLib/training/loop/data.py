"""Batches by position: what the n-th batch holds depends on the seed and on n alone, however often
training was resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from ..pairs import Pair, Source

# Validation pairs have seeds that no training step reaches.
VALIDATION_SEED = 1_000_000_007


def tensor(pair: Pair) -> torch.Tensor:
    """(3, i, j, k): image, label and weight."""
    return torch.stack([torch.from_numpy(x) for x in (pair.image, pair.label, pair.weight)])


class Endless(Dataset):
    """Pairs of a source by position; the seed of pair n is (seed, n), whoever asks and whenever."""

    def __init__(self, source: Source, seed: int):
        self._source, self._seed = source, seed

    def __getitem__(self, position: int) -> torch.Tensor:
        return tensor(self._source.pair([self._seed, position]))


class Cases(Dataset):
    """Cases of a list by (epoch, index); the seed of a case is (seed, epoch, index)."""

    def __init__(self, source: Any, seed: int):
        self._source, self._seed = source, seed

    def __getitem__(self, key: tuple[int, int]) -> torch.Tensor:
        return tensor(self._source.case(key[1], [self._seed, *key]))


class Shuffled:
    """From a position in training to (epoch, index): each epoch goes through the cases in an order
    of its own.

    Args:
        seed: of the orders.
        cases: in the list.
        used: positions an epoch, a multiple of the batch.
    """

    def __init__(self, seed: int, cases: int, used: int):
        self._seed, self._cases, self._used = seed, cases, used
        self._order: tuple[int, np.ndarray] | None = None

    def __call__(self, position: int) -> tuple[int, int]:
        epoch, within = divmod(position, self._used)
        if self._order is None or self._order[0] != epoch:
            self._order = epoch, np.random.default_rng([self._seed, epoch]).permutation(self._cases)
        return epoch, int(self._order[1][within])


class HeldOut(Dataset):
    """Pairs for validation: all cases of a list, or the first of an endless source, which are made
    once and kept.
    """

    def __init__(self, source: Source, count: int):
        self._source = source
        self._listed = hasattr(source, "case")
        self._count = len(source) if self._listed else count
        self._kept: dict[int, torch.Tensor] = {}

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> torch.Tensor:
        if self._listed:
            return tensor(self._source.case(index, VALIDATION_SEED))
        if index not in self._kept:
            self._kept[index] = tensor(self._source.pair([VALIDATION_SEED, index]))
        return self._kept[index]

    @property
    def workers_help(self) -> bool:
        """Whether several processes should read it: what is kept in one would be made anew in
        each.
        """
        return self._listed


class Positions(Sampler):
    """The positions of each batch from ``start`` on; of several processes each takes its share of
    every batch.

    Args:
        start, stop: batches.
        batch: positions a batch, over all processes.
        rank, world: of this process.
        key: from a position to what the data set is asked for.
    """

    def __init__(
        self,
        start: int,
        stop: int,
        batch: int,
        rank: int = 0,
        world: int = 1,
        key: Callable[[int], Any] = int,
    ):
        self._range, self._batch, self._rank, self._world, self._key = (
            range(start, stop),
            batch,
            rank,
            world,
            key,
        )

    def __len__(self) -> int:
        return len(self._range)

    def __iter__(self) -> Iterator[list[Any]]:
        for n in self._range:
            yield [
                self._key(position)
                for position in range(
                    n * self._batch + self._rank, (n + 1) * self._batch, self._world
                )
            ]


class Chunks:
    """One long run over a loader, handed out in chunks: to Lightning each chunk is an epoch.

    The workers go on making images while a chunk ends, validates and saves.

    Args:
        loader: makes the loader, given the first batch that is still to do.
        done: how many batches have been learnt; asked when the first is fetched, after a resumed
            run has read its state.
        chunk: batches.
    """

    def __init__(self, loader: Callable[[int], DataLoader], done: Callable[[], int], chunk: int):
        self._loader, self._done, self._chunk = loader, done, chunk
        self._batches: Iterator[torch.Tensor] | None = None

    def __len__(self) -> int:
        return self._chunk

    def __iter__(self) -> Iterator[torch.Tensor]:
        if self._batches is None:
            self._batches = iter(self._loader(self._done()))
        for _ in range(self._chunk):
            yield next(self._batches)

    def close(self) -> None:
        """End the workers."""
        self._batches = None


def loader(dataset: Dataset, positions: Positions, workers: int) -> DataLoader:
    """A loader of batches in the order of ``positions``."""
    return DataLoader(
        dataset,
        batch_sampler=positions,
        num_workers=workers,
        worker_init_fn=one_thread,
        prefetch_factor=4 if workers else None,
        pin_memory=torch.cuda.is_available(),
    )


def one_thread(_worker: int) -> None:
    """A worker makes one image at a time; more threads would quarrel with the one that trains."""
    torch.set_num_threads(1)
