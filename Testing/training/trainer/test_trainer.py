"""A training learns, stops and resumes to the same curve, and refuses what would mix two
trainings.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.processes import kill
from SoftCordSegLib.training.trainer.first_weights import Start
from SoftCordSegLib.training.trainer.run_state import load_state, numbered
from SoftCordSegLib.training.trainer.trainer import Pace, Trainer
from training.trainer.bright_tubes import BrightTubes, plan

OFTEN = Pace(save_minutes=0.0, validate_steps=None)
END = Pace(save_minutes=60.0, validate_steps=None)


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    return Trainer(folder, plan(), BrightTubes()).run(steps=30, pace=END)


def test_a_training_learns(whole_run):
    losses = whole_run.history["losses"]["points"]

    assert len(losses) == 30
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
    assert whole_run.patches == 60


def test_a_stopped_training_goes_on_to_the_same_curve(tmp_path, whole_run):
    for steps in (1, 11, 30):
        state = Trainer(tmp_path / "run", plan(), BrightTubes()).run(steps=steps, pace=END)

    assert state.history["losses"] == whole_run.history["losses"]
    assert same(state.weights, whole_run.weights)
    assert same(state.average, whole_run.average)
    assert same(state.moments, whole_run.moments)


def test_a_killed_training_goes_on_to_the_same_curve(tmp_path, whole_run, repository):
    program = (
        "import torch; torch.set_num_threads(1)\nfrom pathlib import Path\nfrom"
        " training.trainer.bright_tubes import BrightTubes, plan\nfrom"
        " SoftCordSegLib.training.trainer.trainer import Pace, Trainer\nTrainer(Path('run'),"
        " plan(), BrightTubes()).run(steps=30, pace=Pace(save_minutes=0.0, validate_steps=None))\n"
    )
    paths = os.pathsep.join(str(repository / part) for part in ("SoftCordSeg", "Testing"))
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    killed = 0
    for wanted in (4, 12):
        process = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, env=environment)
        while process.poll() is None and not any(
            int(one.name) >= wanted for one in numbered(tmp_path / "run")
        ):
            time.sleep(0.002)
        if process.poll() is None:
            kill(process.pid)
            killed += 1
        process.wait()
    assert killed

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        state = Trainer(tmp_path / "run", plan(), BrightTubes()).run(steps=30, pace=OFTEN)
        unbroken = Trainer(tmp_path / "other", plan(), BrightTubes()).run(steps=30, pace=END)
    finally:
        torch.set_num_threads(threads)

    assert state.history["losses"] == unbroken.history["losses"]
    assert same(state.weights, unbroken.weights)
    assert same(state.average, unbroken.average)


def test_the_average_follows_and_is_not_the_weights(whole_run):
    apart = max(
        float((whole_run.average[name] - whole_run.weights[name]).abs().max())
        for name in whole_run.weights
    )

    assert 0 < apart < 0.5


def test_other_settings_are_refused_with_their_names(tmp_path):
    Trainer(tmp_path / "run", plan(), BrightTubes(), recipe={"contrast": 2}).run(steps=2, pace=END)

    with pytest.raises(InputError, match=r"other settings \(learning_rate\)"):
        Trainer(tmp_path / "run", plan(learning_rate=1e-4), BrightTubes(), recipe={"contrast": 2})
    with pytest.raises(InputError, match=r"other settings \(recipe\)"):
        Trainer(tmp_path / "run", plan(), BrightTubes(), recipe={"contrast": 3})


def test_new_settings_go_on_from_the_weights_where_that_is_asked_for(tmp_path):
    before = Trainer(tmp_path / "run", plan(), BrightTubes()).run(steps=3, pace=END)
    slower = plan(learning_rate=1e-4, warm_up=10)

    trainer = Trainer(tmp_path / "run", slower, BrightTubes(), renew=True)

    assert same(trainer.state().weights, before.weights)
    after = trainer.run(steps=4, pace=END)
    assert after.rate_from == 3
    assert after.history["changes"] == [{"step": 3, "settings": ["learning_rate", "warm_up"]}]
    # Once taken up, the new settings are the run's own.
    assert Trainer(tmp_path / "run", slower, BrightTubes()).step == 4


def test_another_network_is_never_mixed_in(tmp_path):
    Trainer(tmp_path / "run", plan(), BrightTubes()).run(steps=1, pace=END)
    wider = plan(network=replace(plan().network, features=(6, 8)))

    with pytest.raises(InputError, match="another network"):
        Trainer(tmp_path / "run", wider, BrightTubes(), renew=True)


def test_a_training_stops_where_it_is_asked_to_and_keeps_its_state(tmp_path):
    answers = iter([True, True, False])

    Trainer(tmp_path / "run", plan(), BrightTubes()).run(
        pace=END, before_step=lambda: next(answers)
    )

    assert load_state(tmp_path / "run").step == 2


def test_a_training_ends_when_its_minutes_are_over(tmp_path):
    state = Trainer(tmp_path / "run", plan(), BrightTubes()).run(minutes=0.01, pace=END)

    assert 1 <= state.step < 1000


def test_two_batches_of_one_are_a_step_like_one_batch_of_two(tmp_path):
    class Halves:
        def batch(self, seed: int, step: int, size: int):
            whole = BrightTubes().batch(seed, step // 2, 2)
            row = slice(step % 2, step % 2 + 1)
            return type(whole)(whole.image[row], whole.label[row], whole.weight[row], whole.twins)

    one = Trainer(tmp_path / "one", plan(loss="squared_error"), BrightTubes()).run(
        steps=1, pace=END
    )
    two = Trainer(
        tmp_path / "two", plan(loss="squared_error", batch=1, accumulate=2), Halves()
    ).run(steps=1, pace=END)

    assert two.patches == one.patches
    assert two.history["losses"]["points"] == pytest.approx(
        one.history["losses"]["points"], rel=1e-4
    )


def test_a_training_begins_with_the_average_of_another_run(tmp_path, whole_run):
    Trainer(tmp_path / "run", plan(), BrightTubes()).run(steps=3, pace=END)
    average = load_state(tmp_path / "run").average

    trainer = Trainer(
        tmp_path / "next", plan(), BrightTubes(), start=Start(run=str(tmp_path / "run"))
    )

    assert same(trainer.state().weights, average)
    assert trainer.step == 0


def test_agreement_brings_twins_together(tmp_path):
    source = BrightTubes(twins=True)
    apart = {}
    for agreement in (0.0, 5.0):
        state = Trainer(
            tmp_path / str(agreement), plan(agreement=agreement, averaging=0.0), source
        ).run(steps=25, pace=END)
        trainer = Trainer(
            tmp_path / str(agreement), plan(agreement=agreement, averaging=0.0), source
        )
        with torch.no_grad():
            output = trainer.learner.averaged()(source.batch(9, 0, 2).image)[0]
        apart[agreement] = float(((output[0] - output[1]) ** 2).mean())
        assert state.step == 25

    assert apart[5.0] < 0.8 * apart[0.0]


def test_a_loss_that_is_not_finite_leaves_the_network_as_it_was_and_then_ends_the_training(
    tmp_path,
):
    class Broken(BrightTubes):
        def batch(self, seed: int, step: int, size: int):
            batch = super().batch(seed, step, size)
            if step >= 2:
                batch.image[:] = float("nan")
            return batch

    trainer = Trainer(tmp_path / "run", plan(), Broken())
    with pytest.raises(InputError, match="not finite"):
        trainer.run(steps=100, pace=END)

    state = load_state(tmp_path / "run")
    assert all(torch.isfinite(value).all() for value in state.weights.values())
    assert len(state.history["losses"]["points"]) == 2


def test_precision_is_chosen_once_for_a_machine(tmp_path):
    automatic = plan(precision="auto")
    first = Trainer(tmp_path / "run", automatic, BrightTubes()).run(steps=2, pace=END)

    second = Trainer(tmp_path / "run", automatic, BrightTubes()).state()

    assert first.record["precision"] in ("fp32", "bf16")
    assert set(first.record["trial"]) == {"fp32", "bf16"}
    assert second.record["precision"] == first.record["precision"]
    assert second.record["trial"] == first.record["trial"]


def test_trying_precisions_changes_nothing(tmp_path):
    tried = Trainer(tmp_path / "tried", plan(precision="auto"), BrightTubes())

    assert same(
        tried.state().weights, Trainer(tmp_path / "not", plan(), BrightTubes()).state().weights
    )


def test_bf16_keeps_parameters_in_full_precision(tmp_path):
    state = Trainer(tmp_path / "run", plan(precision="bf16"), BrightTubes()).run(steps=3, pace=END)

    assert {value.dtype for value in (*state.weights.values(), *state.moments.values())} == {
        torch.float32
    }


def test_importing_the_package_loads_no_torch(repository):
    program = (
        "import sys, SoftCordSegLib.training.trainer.trainer_plan as _; print('torch' in"
        " sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(repository / "SoftCordSeg")}

    answer = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
        encoding="utf-8",
    )

    assert answer.stdout.strip() == "False"
