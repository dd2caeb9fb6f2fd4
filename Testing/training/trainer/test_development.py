"""Validation scores what it should, on the same tiles every time."""

from __future__ import annotations

import pytest
import torch

from SoftCordSegLib.training.packed import read_packed
from SoftCordSegLib.training.trainer.development import development_cases, validate
from SoftCordSegLib.training.trainer.trainer import Pace, Trainer
from training.trainer.bright_tubes import BrightTubes, packed_tubes, plan


class Answers(torch.nn.Module):
    """Gives the label of a tube from its image: bright is cord."""

    def __init__(self, scale: float = 1.0):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(scale))

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        # Contrasts of 1 and 2 above -1; the threshold of half a voxel lies in between.
        return [(image > -0.4).float() * self.scale]


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    return read_packed(packed_tubes(tmp_path_factory.mktemp("packed") / "development.npz"))


def test_tiles_lie_about_the_cord_and_cover_its_length(packed):
    cases = development_cases(packed, plan())

    assert [case.name for case in cases] == ["case0", "case1", "case2"]
    for case in cases:
        assert case.image.shape == case.label.shape == (3, 1, 16, 16, 16)
        # The tube has a radius of 4: all of it is in the tile, in every slice.
        assert (case.label.sum(dim=(1, 2, 3)) > 45).all()
        assert float(case.weight.min()) == 1


def test_the_locator_has_tiles_of_the_coarse_images(packed):
    cases = development_cases(packed, plan(stage="locator"))

    assert cases[0].image.shape == (2, 1, 16, 16, 16)
    # Beyond the image nothing counts.
    assert float(cases[0].weight.min()) == 0
    assert (cases[0].label.sum(dim=(1, 2, 3)) < 20).all()


def test_pooled_tiles_hold_the_same_cord_in_fewer_voxels(packed):
    whole = {"stage": "locator", "tile": (64, 64, 64)}
    fine = development_cases(packed, plan(**whole))
    coarse = development_cases(packed, plan(**whole), count=2)

    # Coarse images of 15 x 17 x 20 voxels: what is left over is dropped.
    assert coarse[0].image.shape == (1, 1, 8, 8, 10)
    assert float(coarse[0].label.sum()) * 8 == pytest.approx(float(fine[0].label.sum()), rel=0.1)


def test_a_good_answer_scores_well_and_none_scores_nothing(packed):
    cases = development_cases(packed, plan())

    good, none = validate(Answers(), cases, "clip"), validate(Answers(0.0), cases, "clip")

    assert good["mean"]["dice"] > 0.9
    assert good["mean"]["volume"] == pytest.approx(1, abs=0.3)
    assert none["mean"]["soft_dice"] == 0
    assert none["mean"]["volume"] == 0
    assert set(good["contrasts"]) == {"T1w", "T2w"}
    assert set(good["cases"]) == {"case0", "case1", "case2"}


def test_half_an_answer_has_half_the_volume(packed):
    cases = development_cases(packed, plan())
    full, half = (validate(Answers(scale), cases, "clip")["mean"]["volume"] for scale in (1.0, 0.5))

    assert half == pytest.approx(full / 2, rel=1e-5)


def test_contrasts_count_alike(packed):
    scores = validate(Answers(), development_cases(packed, plan()), "clip")

    means = [one["soft_dice"] for one in scores["contrasts"].values()]
    assert scores["mean"]["soft_dice"] == pytest.approx(sum(means) / 2)


def test_a_training_validates_its_average_and_gets_better(tmp_path, packed):
    cases = development_cases(packed, plan())
    trainer = Trainer(tmp_path / "run", plan(), BrightTubes(), development=cases)

    state = trainer.run(steps=40, pace=Pace(validate_steps=10))

    steps = [one["step"] for one in state.history["validations"]]
    scores = [one["mean"]["soft_dice"] for one in state.history["validations"]]
    assert steps == [10, 20, 30, 40]
    assert scores[-1] > scores[0]
    assert "cases" in state.history["validations"][-1]
    assert "cases" not in state.history["validations"][0]


def test_a_tile_is_no_larger_than_the_image(packed):
    cases = development_cases(packed, plan(stage="locator", tile=(64, 64, 64)))

    # Coarse images of 15 x 17 x 20 voxels, and a network that halves once.
    assert cases[0].image.shape == (1, 1, 16, 18, 20)
    assert float(cases[0].label.sum()) == pytest.approx(
        float((packed.cases[0].coarse_label / 255.0).sum()), rel=1e-5
    )
