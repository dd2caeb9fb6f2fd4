"""Several sources as one, and batches that other processes make ahead: the same as made here."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from SoftCordSegLib.training.batch import (
    Batch,
    BatchesAhead,
    BatchesByTurns,
    EchoedBatches,
    MixedBatches,
)


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


def test_batches_by_turns_are_of_one_source_each_and_draw_other_numbers():
    by_turns = BatchesByTurns([Numbered(1), Numbered(2), Numbered(3)])
    batches = [by_turns.batch(4, step, 2) for step in range(6)]
    assert [values(batch) for batch in batches] == [[1, 1], [2, 2], [3, 3]] * 2
    assert len({tuple(batch.image.flatten().tolist()) for batch in batches}) == 6
    assert torch.equal(by_turns.batch(4, 3, 2).image, batches[3].image)


class Patches:
    """Patches with a number of their own each as label, and a gradient from right to left as
    image.
    """

    def __init__(self):
        self.steps = []

    def batch(self, seed: int, step: int, size: int) -> Batch:
        self.steps.append(step)
        number = torch.arange(step * size, (step + 1) * size, dtype=torch.float32)
        label = number.view(-1, 1, 1, 1, 1).expand(-1, 1, 4, 2, 2).clone()
        image = torch.linspace(-1, 1, 4).view(1, 1, 4, 1, 1).expand(size, 1, 4, 2, 2).clone()
        weight = (image > -0.9).float()
        return Batch(image, label, weight, torch.zeros((0, 2), dtype=torch.int64))


def test_echoed_patches_come_equally_often_and_in_other_mixtures():
    echoed = EchoedBatches(Patches(), times=3, block=8)
    batches = [echoed.batch(5, step, 2) for step in range(48)]
    numbers = [[int(n) for n in values(batch)] for batch in batches]
    for block in (0, 1):
        found = [n for one in numbers[24 * block : 24 * (block + 1)] for n in one]
        assert sorted(found) == sorted(3 * list(range(16 * block, 16 * (block + 1))))
    mixtures = [tuple(sorted(one)) for one in numbers]
    assert len(set(mixtures)) > 40


def test_echoed_patches_keep_image_label_and_weight_together():
    echoed = EchoedBatches(Patches(), times=2, block=4)
    mirrored = 0
    for step in range(8):
        batch = echoed.batch(1, step, 3)
        for image, weight in zip(batch.image[:, 0], batch.weight[:, 0]):
            first, last = float(image[0].mean()), float(image[-1].mean())
            assert (weight[0] if first < last else weight[-1]).max() == 0
            assert weight.sum() == 12
            assert abs(first - last) == pytest.approx(2, abs=0.35)
            assert step >= 4 or torch.equal(image[:, 0, 0], torch.linspace(-1, 1, 4))
            mirrored += first > last
    assert 2 <= mirrored <= 10


def test_echoed_batches_are_the_same_wherever_a_run_begins():
    echoed = EchoedBatches(Patches(), times=3, block=4)
    first = [echoed.batch(2, step, 2) for step in range(24)]
    for step in (17, 3, 23):
        again = EchoedBatches(Patches(), times=3, block=4).batch(2, step, 2)
        assert torch.equal(again.image, first[step].image)
        assert torch.equal(again.label, first[step].label)


def test_patches_are_made_once():
    source = Patches()
    echoed = EchoedBatches(source, times=4, block=4)
    for step in range(32):
        echoed.batch(2, step, 2)
    assert source.steps == list(range(8))
