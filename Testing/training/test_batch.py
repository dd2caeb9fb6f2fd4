"""Several sources as one, and batches that other processes make ahead: the same as made here."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from SoftCordSegLib.training.batch import Batch, BatchesAhead, MixedBatches


class Numbered:
    """Patches of one value, and with noise by seed and step; the first two rows are twins."""

    def __init__(self, value: float):
        self.value, self.sizes = value, []

    def batch(self, seed: int, step: int, size: int) -> Batch:
        self.sizes.append(size)
        noise = torch.from_numpy(np.random.default_rng([seed, step]).random((size, 1, 2, 2, 2)))
        twins = torch.tensor([[0, 1]] if size > 1 else []).view(-1, 2)
        value = torch.full((size, 1, 2, 2, 2), self.value)
        return Batch(noise, value, torch.ones_like(value), twins)


def values(batch: Batch) -> list[float]:
    return batch.label.amax(dim=(1, 2, 3, 4)).tolist()


@pytest.mark.parametrize(("share", "size", "counts"), [(0.5, 2, {1}), (0.5, 4, {2}), (1.0, 3, {3})])
def test_a_mixture_divides_each_batch_by_its_shares(share, size, counts):
    mixed = MixedBatches([Numbered(1), Numbered(2)], [share, 1 - share])
    for step in range(20):
        found = values(mixed.batch(7, step, size))
        assert len(found) == size
        assert found.count(1) in counts


def test_where_shares_are_no_whole_numbers_chance_decides():
    mixed = MixedBatches([Numbered(1), Numbered(2), Numbered(3)], [0.3, 0.3, 0.4])
    found = [value for step in range(400) for value in values(mixed.batch(1, step, 2))]
    for value, share in ((1, 0.3), (2, 0.3), (3, 0.4)):
        assert found.count(value) / len(found) == pytest.approx(share, abs=0.06)


def test_a_mixture_keeps_twins_and_draws_other_numbers_for_each_source():
    batch = MixedBatches([Numbered(1), Numbered(2)], [0.5, 0.5]).batch(1, 0, 4)
    assert batch.twins.tolist() == [[0, 1], [2, 3]]
    assert not torch.equal(batch.image[:2], batch.image[2:])
    again = MixedBatches([Numbered(1), Numbered(2)], [0.5, 0.5]).batch(1, 0, 4)
    assert torch.equal(batch.image, again.image)


def test_batches_made_ahead_are_the_same_wherever_a_run_begins():
    direct, ahead = Numbered(1), BatchesAhead(Numbered(1), processes=1, steps=6)
    for step in (0, 1, 2, 4, 5, 2):
        assert torch.equal(ahead.batch(3, step, 2).image, direct.batch(3, step, 2).image)
