"""A network that is taught by another comes to answer as that one does, where labels are known and
where they are not.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.training.trainer.first_weights import Start, first_weights
from SoftCordSegLib.training.trainer.learner import Learner
from SoftCordSegLib.training.trainer.run_export import export_run
from SoftCordSegLib.training.trainer.teacher import Teacher
from SoftCordSegLib.training.trainer.trainer import Pace, Trainer
from SoftCordSegLib.training.trainer.trainer_plan import TrainerPlan
from training.trainer.bright_tubes import BrightTubes, plan

CPU, LAYOUT = torch.device("cpu"), torch.contiguous_format


@pytest.fixture(scope="module")
def taught_bundle(tmp_path_factory):
    """A bundle that knows bright tubes."""
    folder = tmp_path_factory.mktemp("teacher")
    state = Trainer(folder / "run", plan(), BrightTubes()).run(
        steps=60, pace=Pace(60.0, validate_steps=None)
    )
    return export_run(folder / "bundle", {"segmenter": state}, parent="compact")


@pytest.fixture(scope="module")
def batch():
    return BrightTubes().batch(9, 9, 4)


def test_labels_are_mixed_and_the_unknown_is_the_teachers(taught_bundle, batch):
    weight = batch.weight.clone()
    weight[:, :, :8] = 0
    alone = Teacher(plan(teacher=str(taught_bundle), taught=1.0), CPU, LAYOUT)
    answer, everywhere = alone.takes_part(batch.image, batch.label, weight)
    assert torch.equal(everywhere, torch.ones_like(weight))
    assert torch.corrcoef(torch.stack([answer.flatten(), batch.label.flatten()]))[0, 1] > 0.5

    mixed, counts = Teacher(plan(teacher=str(taught_bundle), taught=0.3), CPU, LAYOUT).takes_part(
        batch.image, batch.label, weight
    )
    known = weight > 0
    expected = 0.7 * batch.label + 0.3 * answer
    assert torch.allclose(mixed[known], expected[known], atol=1e-5)
    assert torch.allclose(mixed[~known], answer[~known], atol=1e-5)
    assert torch.allclose(counts[~known], torch.tensor(0.3))
    assert counts[known].min() == 1


class WithoutLabels(BrightTubes):
    """The same images, of none of which a label is known."""

    def batch(self, seed, step, size):
        batch = super().batch(seed, step, size)
        return replace(batch, label=torch.zeros_like(batch.label), weight=0 * batch.weight)


def test_without_any_label_a_network_learns_from_its_teacher(taught_bundle, batch):
    settings = plan(teacher=str(taught_bundle), seed=5)
    weights, _ = first_weights(settings, Start())
    learner = Learner(settings, weights)

    answer, _ = Teacher(settings, CPU, LAYOUT).takes_part(batch.image, *[0 * batch.label] * 2)

    @torch.no_grad()
    def off() -> float:
        return float(((learner.averaged()(batch.image)[0] - answer) ** 2).mean())

    before = off()
    for number in range(60):
        learner.step(number, 0, lambda n: WithoutLabels().batch(5, n, 2))
    assert off() < 0.2 * before


def test_a_bundle_says_who_took_part_in_its_labels(taught_bundle, tmp_path):
    settings = plan(teacher=str(taught_bundle), taught=0.25)
    state = Trainer(tmp_path / "run", settings, BrightTubes()).run(
        steps=2, pace=Pace(60.0, validate_steps=None)
    )
    learnt = load_bundle(export_run(tmp_path / "bundle", {"segmenter": state}, parent="compact"))
    said = learnt.metadata["provenance"]["segmenter"]
    teacher = load_bundle(taught_bundle)
    assert said["teacher"]["sha256"] == teacher.sha256[teacher.segmenter.weights]
    assert said["plan"]["taught"] == 0.25


def test_a_plan_without_a_teacher_is_that_of_before():
    assert not {"teacher", "taught"} & set(plan().to_json())
    with_one = plan(teacher="some", taught=0.25)
    assert TrainerPlan.from_json(with_one.to_json()) == with_one
    with pytest.raises(InputError, match="taught"):
        plan(taught=1.5)
