"""The loop: seeded, resumable, and honest about what it measured."""

from __future__ import annotations

import csv
import dataclasses
import os
import random
import signal
import subprocess
import sys
import time

import pytest
import torch

from SoftCordSegLib.errors import Cancelled, InputError
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.training.loop import train
from SoftCordSegLib.training.pairs import Pair
from training.tiny import ALONE, PLAN


def fit(plan, source, folder, **options):
    return train(plan, source, folder, machine=ALONE, **options)


class StopAfter(Progress):
    """Cancels at the n-th report, as a user would, at no particular moment."""

    def __init__(self, reports: int):
        self.left = reports
        super().__init__(lambda _fraction, _message: None, lambda: self.left <= 0)

    def report(self, fraction, message):
        self.left -= 1


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    """A run that nobody disturbed."""
    return fit(PLAN, source, tmp_path_factory.mktemp("whole"))


def assert_same(one, other):
    assert one.history.losses == other.history.losses
    assert one.history.validation == other.history.validation
    assert all(torch.equal(value, other.weights[name]) for name, value in one.weights.items())


def test_the_same_seed_gives_the_same_first_20_losses(source, tmp_path):
    plan = dataclasses.replace(PLAN, steps=20, validate_every=20)
    first, second = (fit(plan, source, tmp_path / name).history for name in "ab")
    assert first.losses == second.losses
    assert len(first.losses) == 20
    other = fit(dataclasses.replace(plan, seed=2), source, tmp_path / "c").history
    assert other.losses != first.losses


@pytest.mark.parametrize("stop", [2, 3, 8, 11])
def test_a_run_that_was_stopped_goes_on_to_the_same_curve_and_weights(
    source, whole, tmp_path, stop
):
    with pytest.raises(
        Cancelled, match=f"Stopped at step {stop}. The state of step {(stop - 1) // 3 * 3} is in"
    ):
        fit(PLAN, source, tmp_path, progress=StopAfter(stop))
    assert_same(fit(PLAN, source, tmp_path), whole)


KILLED = """
import sys
from pathlib import Path
from training.tiny import ALONE, PLAN, RECIPE, made_up_anatomy
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.training.loop import train
from SoftCordSegLib.training.synthetic import Synthesis

def report(fraction, message):
    print(message, flush=True)

synthesis = Synthesis(made_up_anatomy(), RECIPE)
train(PLAN, synthesis, Path(sys.argv[1]), machine=ALONE, progress=Progress(report))
"""


def test_a_process_killed_at_a_random_moment_resumes_to_the_same_curve(
    source, whole, repository, tmp_path
):
    paths = os.pathsep.join([str(repository / "SoftCordSeg"), str(repository / "Testing")])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for _ in range(random.randint(1, len(whole.history.losses) - 1)):
            process.stdout.readline()
        time.sleep(random.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
    assert_same(fit(PLAN, source, tmp_path), whole)


def test_workers_change_nothing(source, whole, tmp_path):
    assert_same(train(PLAN, source, tmp_path, machine=dataclasses.replace(ALONE, workers=2)), whole)


def test_how_often_a_state_is_saved_changes_nothing(source, whole, tmp_path):
    assert_same(fit(dataclasses.replace(PLAN, save_every=12), source, tmp_path), whole)


def test_a_finished_run_is_not_trained_again(source, tmp_path):
    plan = dataclasses.replace(PLAN, steps=3)
    first = fit(plan, source, tmp_path)
    again = fit(plan, source, tmp_path, progress=StopAfter(0))
    assert_same(first, again)
    assert again.history == first.history


def test_training_lowers_the_loss(source, tmp_path):
    plan = dataclasses.replace(PLAN, steps=60, learning_rate=3e-3, validate_every=60)
    history = fit(plan, source, tmp_path).history
    assert sum(history.losses[-10:]) < 0.5 * sum(history.losses[:10])


def test_the_cosine_ends_at_0(source, tmp_path):
    fit(PLAN, source, tmp_path)
    state = torch.load(tmp_path / "state.ckpt", weights_only=True)
    assert state["optimizer_states"][0]["param_groups"][0]["lr"] == pytest.approx(0, abs=1e-12)


def test_other_settings_are_refused_in_the_same_folder(source, tmp_path):
    plan = dataclasses.replace(PLAN, steps=3)
    fit(plan, source, tmp_path, settings={"source": "one"})
    with pytest.raises(InputError, match=r"other settings \(seed\)"):
        fit(dataclasses.replace(plan, seed=2), source, tmp_path, settings={"source": "one"})
    with pytest.raises(InputError, match=r"other settings \(source\)"):
        fit(plan, source, tmp_path, settings={"source": "another"})


def test_the_history_is_a_table_and_logs_are_kept(source, tmp_path):
    history = fit(PLAN, source, tmp_path).history
    with open(tmp_path / "history.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["loss"]) for row in rows] == pytest.approx(history.losses, rel=1e-5)
    assert [int(row["step"]) for row in rows if row["validation soft Dice"]] == [4, 8, 12]
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".softcord")] == []
    assert list(tmp_path.glob("logs/tensorboard/events*"))
    assert (tmp_path / "logs" / "csv" / "version_0" / "metrics.csv").read_text().count("\n") > 2


def test_training_begins_from_given_weights(source, whole, tmp_path):
    plan = dataclasses.replace(PLAN, steps=1, learning_rate=0.0)
    begun = fit(plan, source, tmp_path, start=whole.weights)
    assert all(torch.equal(value, begun.weights[name]) for name, value in whole.weights.items())


def test_without_averaging_the_last_weights_are_given(source, tmp_path):
    given = fit(dataclasses.replace(PLAN, averaging=None), source, tmp_path).weights
    saved = torch.load(tmp_path / "state.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(value, saved[f"network.{name}"]) for name, value in given.items())


def test_a_loss_that_is_not_a_number_stops_with_a_sentence(source, tmp_path):
    class Broken:
        def pair(self, seed):
            pair = source.pair(seed)
            return Pair(pair.image * float("nan"), pair.label, pair.weight)

    with pytest.raises(InputError, match="loss of batch 1 is nan"):
        fit(PLAN, Broken(), tmp_path)
