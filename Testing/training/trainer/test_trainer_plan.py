"""A plan is plain, complete, and says what cannot be."""

from __future__ import annotations

import json

import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.training.trainer.loss_curve import LossCurve
from SoftCordSegLib.training.trainer.run_description import RunDescription
from SoftCordSegLib.training.trainer.trainer_plan import TrainerPlan
from training.trainer.bright_tubes import plan


def test_a_plan_comes_back_from_json():
    one = plan(schedule="cosine", schedule_steps=10, loss_options={"area": 0.1})

    assert TrainerPlan.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_each_stage_has_its_loss():
    assert plan().loss == "squared_and_area_error"
    assert plan().loss_options == {"area": 0.05, "faint": 0.1}
    assert plan(stage="locator").loss == "dice_and_cross_entropy"


def test_the_rate_rises_and_falls():
    one = plan(learning_rate=1.0, warm_up=4, schedule="cosine", schedule_steps=100, floor=0.1)

    assert one.rate(0) == pytest.approx(0.25, rel=0.01)
    assert one.rate(50) == pytest.approx(0.55)
    assert one.rate(100) == one.rate(1000) == pytest.approx(0.1)
    assert plan(learning_rate=0.5).rate(12345) == 0.5


def test_the_average_follows_closely_at_first():
    one = plan(averaging=0.999)

    assert one.kept(1) < 0.2
    assert one.kept(1_000_000) == 0.999


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"learnin_rate": 1}, "learnin_rate"),
        ({"stage": "both"}, "stage"),
        ({"batch": 0}, "batch"),
        ({"tile": [17, 16, 16]}, "tile"),
        ({"schedule": "cosine"}, "schedule_steps"),
        ({"averaging": 1.5}, "averaging"),
        ({"gradient_clip": 0}, "gradient_clip"),
        ({"network": {"features": [4], "strides": [[1, 1, 1]]}}, "two stages"),
    ],
)
def test_what_cannot_be_is_named(settings, word):
    with pytest.raises(InputError, match=word):
        TrainerPlan.from_json(settings)


def test_a_description_is_merged_with_what_holds_for_all():
    base = {"plan": {"batch": 4, "seed": 3}, "recipe": {"kind": "plain", "away": 0.5}, "steps": 100}

    one = RunDescription.from_json(
        {"name": "one", "plan": {"seed": 4}, "recipe": {"away": 0.1}}, base
    )

    assert (one.plan.batch, one.plan.seed, one.steps) == (4, 4, 100)
    assert one.recipe == {"kind": "plain", "away": 0.1}
    with pytest.raises(InputError, match="'stpes'"):
        RunDescription.from_json({"name": "one", "stpes": 3})


def test_a_curve_of_any_length_has_few_points_and_the_right_mean():
    curve = LossCurve()
    for step in range(10_001):
        curve.add(float(step))

    assert len(curve.points) <= 2000
    assert sum(curve.points) / len(curve.points) == pytest.approx(
        sum(curve.steps()) / len(curve.points) - 0.5
    )
    assert LossCurve.from_json(json.loads(json.dumps(curve.to_json()))) == curve
    assert curve.recent(100) == pytest.approx(9950, abs=20)
