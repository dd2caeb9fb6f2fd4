"""Batches by position: what the n-th batch holds depends on the seed and on n alone, however often
training was resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from ...errors import InputError, SoftCordSegError
from .train_config import Plan

# Validation has seeds that no training step reaches.
VALIDATION_SEED = 1_000_000_007


class Source(Protocol):
    """A list of cases; see :class:`.listed_cases.Listed`."""

    def __len__(self) -> int: ...

    def case(self, index: int, seed: int | Sequence[int]) -> np.ndarray:
        """Image and label of a case, (2, i, j, k) float32, augmented as the seed has it."""


@dataclass(frozen=True)
class Epochs:
    """How a training is divided; states are saved, and validations made, at the ends of epochs.

    What is left of the last batch of an epoch waits for another one, whose order is another.

    Attributes:
        batches: of an epoch.
        count: of epochs.
    """

    batches: int
    count: int

    @classmethod
    def of(cls, plan: Plan, cases: int) -> Epochs:
        """Those of a plan for a list of cases.

        Raises:
            InputError: there are fewer cases than a batch.
        """
        if cases < plan.batch:
            raise InputError(
                f"The list has {cases} cases for training, fewer than a batch of {plan.batch}.",
                hint="Add cases, or lower batch.",
            )
        return cls(cases // plan.batch, plan.epochs)

    @property
    def total(self) -> int:
        """Batches in all."""
        return self.batches * self.count


class Cases(Dataset):
    """Cases of a list by (epoch, index); the seed of a case is (seed, epoch, index)."""

    def __init__(self, source: Source, seed: int):
        self._source, self._seed = source, seed

    def __getitem__(self, key: tuple[int, int]) -> torch.Tensor:
        return torch.from_numpy(self._source.case(key[1], [self._seed, *key]))


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
    """All cases of a list for validation, as they are."""

    def __init__(self, source: Source):
        self._source = source

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.from_numpy(self._source.case(index, VALIDATION_SEED))


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


class EpochBatches:
    """One long run over a loader, handed to Lightning epoch by epoch.

    The workers go on making images while an epoch ends, validates and saves.

    Args:
        loader: makes the loader, given the first batch that is still to do.
        done: how many batches have been learnt; asked when the first is fetched, after a resumed
            run has read its state.
        count: batches of an epoch.
    """

    def __init__(self, loader: Callable[[int], DataLoader], done: Callable[[], int], count: int):
        self._loader, self._done, self._count = loader, done, count
        self._batches: Iterator[torch.Tensor] | None = None

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[torch.Tensor]:
        if self._batches is None:
            self._batches = iter(self._loader(self._done()))
        for _ in range(self._count):
            yield next(self._batches)

    def close(self) -> None:
        """End the workers."""
        self._batches = None


class CaseLoader(DataLoader):
    """A loader of batches; an error of a case is raised where the batch is used, with its fields,
    and not as the text of another process.

    Args:
        dataset: :class:`Cases` or :class:`HeldOut`.
        workers: processes that make images.
        options: of PyTorch's loader.
    """

    def __init__(self, dataset: Dataset, workers: int, **options: Any):
        super().__init__(
            _Caught(dataset),
            num_workers=workers,
            worker_init_fn=one_thread,
            collate_fn=_stacked,
            prefetch_factor=4 if workers else None,
            pin_memory=torch.cuda.is_available(),
            **options,
        )

    def __iter__(self) -> Iterator[torch.Tensor]:
        for batch in super().__iter__():
            if isinstance(batch, SoftCordSegError):
                raise batch
            yield batch


class _Caught(Dataset):
    """A data set whose errors are items."""

    def __init__(self, dataset: Dataset):
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, key: Any) -> torch.Tensor | SoftCordSegError:
        try:
            return self._dataset[key]
        except SoftCordSegError as error:
            return error


def _stacked(items: list[torch.Tensor | SoftCordSegError]) -> torch.Tensor | SoftCordSegError:
    errors = [one for one in items if isinstance(one, SoftCordSegError)]
    return errors[0] if errors else torch.stack(items)


def one_thread(_worker: int) -> None:
    """A worker makes one image at a time; more threads would slow down the one that trains."""
    torch.set_num_threads(1)
