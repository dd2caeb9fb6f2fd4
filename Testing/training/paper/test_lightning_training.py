"""Training on a list of cases, by epochs: order, resuming, stopping early, the best weights, empty
patches, several processes; seeded, resumable, and honest about what it measured.
"""

from __future__ import annotations

import csv
import os
import random
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from SoftCordSegLib.errors import Cancelled, InputError
from SoftCordSegLib.network import UNetConfig
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.training.paper.lightning_training import train
from SoftCordSegLib.training.paper.listed_batches import Positions, Shuffled
from SoftCordSegLib.training.paper.train_config import Machine, Plan
from training.made_dataset import soft_cord

TINY = UNetConfig((4, 8), ((1, 1, 1), (2, 2, 2)))
ALONE = Machine(workers=0, threads=1)
EPOCHS = Plan(
    network=TINY,
    epochs=4,
    schedule="epoch",
    validate_every=2,
    averaging=None,
    gradient_clip=None,
)


class StopAfter(Progress):
    """Cancels at the n-th report, as a user would, at no particular moment."""

    def __init__(self, reports: int):
        self.left = reports
        super().__init__(lambda _fraction, _message: None, lambda: self.left <= 0)

    def report(self, fraction, message):
        self.left -= 1


class Few:
    """A list of cases in memory, augmented by noise; the case ``empty`` has no cord."""

    def __init__(self, count: int = 5, empty: int | None = None, noise: float = 0.1):
        self._count, self._empty, self._noise = count, empty, noise
        self.asked: list[tuple[int, list[int]]] = []

    def __len__(self):
        return self._count

    def case(self, index, seed):
        self.asked.append((index, seed))
        label = soft_cord(index - 2.0)[2:18, 4:20, :16] * (0 if index == self._empty else 1)
        image = label + self._noise * np.random.default_rng(seed).standard_normal(label.shape)
        return np.stack([image, label]).astype(np.float32)


def changed(settings, **changes):
    return settings.model_copy(update=changes)


def fit(folder, plan=EPOCHS, source=None, machine=ALONE, **options):
    return train(plan, source or Few(), Few(3, noise=0), folder, machine=machine, **options)


def assert_same(one, other):
    assert one.history.losses == other.history.losses
    assert one.history.validation == other.history.validation
    assert all(torch.equal(value, other.weights[name]) for name, value in one.weights.items())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return fit(tmp_path_factory.mktemp("whole"))


def test_each_epoch_goes_through_the_cases_in_an_order_of_its_own():
    positions = Positions(0, 9, 2, key=Shuffled(1, 6, 6))
    batches = list(positions)
    epochs = [[key for batch in batches[n : n + 3] for key in batch] for n in (0, 3, 6)]
    for number, epoch in enumerate(epochs):
        assert {key[0] for key in epoch} == {number}
        assert sorted(key[1] for key in epoch) == [0, 1, 2, 3, 4, 5]
    assert len({tuple(key[1] for key in epoch) for epoch in epochs}) > 1


def test_processes_share_out_each_batch():
    whole = list(Positions(3, 5, 4))
    shares = [list(Positions(3, 5, 4, rank, 2)) for rank in range(2)]
    assert [sorted(one + other) for one, other in zip(*shares)] == whole
    assert [len(batch) for share in shares for batch in share] == [2, 2, 2, 2]


def test_what_does_not_fill_a_batch_waits_for_another_epoch(whole):
    assert len(whole.history.losses) == 4 * (5 // 2)
    assert [step for step, _, _ in whole.history.validation] == [4, 8]


def test_seeds_of_cases_are_seed_epoch_and_index(tmp_path):
    source = Few()
    fit(tmp_path, source=source)
    assert len(source.asked) == 16
    assert all(
        seed == [1, position // 4, index] for position, (index, seed) in enumerate(source.asked)
    )


@pytest.mark.parametrize("stop", [3, 5])
def test_a_stopped_run_goes_on_to_the_same_curve(whole, tmp_path, stop):
    with pytest.raises(Cancelled):
        fit(tmp_path, progress=StopAfter(stop))
    assert_same(fit(tmp_path), whole)


def test_the_cosine_falls_once_an_epoch(tmp_path):
    plan = changed(EPOCHS, schedule_length=8)
    fit(tmp_path, plan)
    state = torch.load(tmp_path / "state.ckpt", weights_only=True)
    expected = 1e-3 * (1 + np.cos(np.pi * 4 / 8)) / 2
    assert state["optimizer_states"][0]["param_groups"][0]["lr"] == pytest.approx(expected)


def test_training_stops_when_the_loss_of_validation_no_longer_falls_and_stays_stopped(tmp_path):
    plan = changed(EPOCHS, learning_rate=0.0, validate_every=1, patience=2, epochs=30)
    first = fit(tmp_path, plan)
    assert first.history.stopped_early
    assert len(first.history.validation) == 3, "the best one, and two without a better"
    again = fit(tmp_path, plan, progress=StopAfter(0))
    assert_same(first, again)


def test_a_run_stopped_early_has_the_same_patience_after_resuming(tmp_path):
    plan = changed(EPOCHS, learning_rate=0.0, validate_every=1, patience=2, epochs=30)
    with pytest.raises(Cancelled):
        fit(tmp_path, plan, progress=StopAfter(5))
    assert len(fit(tmp_path, plan).history.validation) == 3


def test_the_weights_of_the_best_validation_are_given(tmp_path):
    plan = changed(EPOCHS, learning_rate=0.03, validate_every=1, epochs=6, result="best_loss")
    best = fit(tmp_path, plan)
    step = min(best.history.validation, key=lambda point: point[2])[0]
    saved = torch.load(tmp_path / "best_loss.ckpt", weights_only=True)
    assert saved["global_step"] == step
    assert all(
        torch.equal(value, saved["state_dict"][f"network.{name}"])
        for name, value in best.weights.items()
    )


def test_a_run_whose_folder_was_moved_still_knows_its_best(tmp_path):
    plan = changed(EPOCHS, learning_rate=0.03, validate_every=1, epochs=6, result="best_loss")
    with pytest.raises(Cancelled):
        fit(tmp_path / "here", plan, progress=StopAfter(9))
    (tmp_path / "here").rename(tmp_path / "there")
    assert_same(fit(tmp_path / "there", plan), fit(tmp_path / "undisturbed", plan))


def test_what_a_run_writes_names_neither_this_computer_nor_its_folders(tmp_path):
    fit(tmp_path, changed(EPOCHS, result="best_loss"))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any("tfevents" in path.name for path in files)
    for path in files:
        assert socket.gethostname() not in path.name
        content = path.read_bytes()
        assert str(tmp_path).encode() not in content, path
        assert socket.gethostname().encode() not in content, path


def test_batches_with_an_empty_label_are_left_out_only_if_asked(tmp_path):
    source = Few(2, empty=1)
    plan = changed(EPOCHS, batch=1)
    assert len(fit(tmp_path / "all", plan, source).history.losses) == 8
    skipping = fit(tmp_path / "some", changed(plan, skip_empty=True), source)
    assert len(skipping.history.losses) == 4
    with pytest.raises(Cancelled):
        fit(
            tmp_path / "stopped",
            changed(plan, skip_empty=True),
            source,
            progress=StopAfter(5),
        )
    assert_same(fit(tmp_path / "stopped", changed(plan, skip_empty=True), source), skipping)


def test_fewer_cases_than_a_batch_are_refused(tmp_path):
    with pytest.raises(InputError, match="5 cases for training, fewer than a batch of 6"):
        fit(tmp_path, changed(EPOCHS, batch=6))


def test_a_batch_that_cannot_be_shared_out_is_refused(tmp_path):
    with pytest.raises(InputError, match="batch of 2 cannot be shared out evenly over 3 devices"):
        fit(tmp_path, machine=Machine(accelerator="cpu", devices=3, strategy="ddp"))


def test_leaving_out_batches_is_refused_with_several_processes(tmp_path):
    plan = changed(EPOCHS, skip_empty=True)
    with pytest.raises(InputError, match="Train on one device"):
        fit(tmp_path, plan, machine=Machine(accelerator="cpu", devices=2, strategy="ddp"))


TOGETHER = """
import sys
from pathlib import Path
from SoftCordSegLib.training.paper.train_config import Machine
from training.paper.test_lightning_training import fit
machine = Machine(workers=0, threads=1, accelerator="cpu", devices=2, strategy="ddp")
fit(Path(sys.argv[1]), machine=machine)
"""


def test_two_processes_learn_what_one_learns(whole, repository, tmp_path):
    paths = os.pathsep.join([str(repository / "SoftCordSeg"), str(repository / "Testing")])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    program = tmp_path / "together.py"
    program.write_text(TOGETHER, encoding="utf-8")
    answer = subprocess.run(
        [sys.executable, program, tmp_path / "run"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )
    assert answer.returncode == 0, answer.stderr
    together = fit(
        tmp_path / "run", machine=Machine(accelerator="cpu", devices=2, workers=0, threads=1)
    )
    assert together.history.losses == pytest.approx(whole.history.losses, rel=1e-4)
    for name, value in whole.weights.items():
        # A bias before a norm has no effect: its gradient is rounding, which Adam makes steps of.
        if not name.endswith("conv.bias"):
            torch.testing.assert_close(together.weights[name], value, atol=1e-4, rtol=1e-3)
    for (step, dice, loss), (other_step, other_dice, other_loss) in zip(
        whole.history.validation, together.history.validation
    ):
        assert step == other_step
        assert other_dice == pytest.approx(dice, rel=1e-2)
        assert other_loss == pytest.approx(loss, rel=1e-3)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_file_stops_training_with_its_sentence(tmp_path, workers):
    class Broken(Few):
        def case(self, index, seed):
            raise InputError("The label 'x.nii.gz' is broken.")

    with pytest.raises(InputError) as caught:
        fit(tmp_path, source=Broken(), machine=changed(ALONE, workers=workers))
    assert str(caught.value) == "The label 'x.nii.gz' is broken."


def test_the_seed_decides(whole, tmp_path):
    assert_same(fit(tmp_path / "a"), whole)
    other = fit(tmp_path / "b", changed(EPOCHS, seed=2))
    assert other.history.losses != whole.history.losses


KILLED = """
import sys
from pathlib import Path
from SoftCordSegLib.progress import Progress
from training.paper.test_lightning_training import fit

fit(Path(sys.argv[1]), progress=Progress(lambda fraction, message: print(message, flush=True)))
"""


def test_a_process_killed_at_a_random_moment_resumes_to_the_same_curve(whole, repository, tmp_path):
    paths = os.pathsep.join([str(repository / "SoftCordSeg"), str(repository / "Testing")])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        for _ in range(random.randint(1, len(whole.history.losses) - 1)):
            process.stdout.readline()
        time.sleep(random.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
    assert_same(fit(tmp_path), whole)


def test_workers_change_nothing(whole, tmp_path):
    assert_same(fit(tmp_path, machine=changed(ALONE, workers=2)), whole)


def test_how_often_a_state_is_saved_changes_nothing(whole, tmp_path):
    assert_same(fit(tmp_path, changed(EPOCHS, save_every=4)), whole)


def test_a_finished_run_is_not_trained_again(tmp_path):
    first = fit(tmp_path)
    again = fit(tmp_path, progress=StopAfter(0))
    assert_same(first, again)
    assert again.history == first.history


def test_training_lowers_the_loss(tmp_path):
    history = fit(tmp_path, changed(EPOCHS, epochs=30, learning_rate=3e-3)).history
    assert sum(history.losses[-10:]) < 0.5 * sum(history.losses[:10])


@pytest.mark.parametrize("schedule", ["step", "epoch"])
def test_the_cosine_ends_at_0(tmp_path, schedule):
    fit(tmp_path, changed(EPOCHS, schedule=schedule))
    state = torch.load(tmp_path / "state.ckpt", weights_only=True)
    assert state["optimizer_states"][0]["param_groups"][0]["lr"] == pytest.approx(0, abs=1e-12)


def test_other_settings_are_refused_in_the_same_folder(tmp_path):
    fit(tmp_path, settings={"source": "one"})
    with pytest.raises(InputError, match=r"other settings \(seed\)"):
        fit(tmp_path, changed(EPOCHS, seed=2), settings={"source": "one"})
    with pytest.raises(InputError, match=r"other settings \(source\)"):
        fit(tmp_path, settings={"source": "another"})


def test_a_run_of_an_earlier_version_goes_on(whole, tmp_path):
    """Its checkpoint names settings that there no longer are."""
    with pytest.raises(Cancelled):
        fit(tmp_path, progress=StopAfter(5))
    path = tmp_path / "state.ckpt"
    state = torch.load(path, weights_only=True)
    state["callbacks"]["Settings"].update(steps=None, validation_images=24, start=None)
    torch.save(state, path)
    assert_same(fit(tmp_path), whole)


def test_the_history_is_a_table_and_logs_are_kept(tmp_path):
    history = fit(tmp_path, changed(EPOCHS, epochs=14, validate_every=7)).history
    with open(tmp_path / "history.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["loss"]) for row in rows] == pytest.approx(history.losses, rel=1e-5)
    assert [int(row["step"]) for row in rows if row["validation soft Dice"]] == [14, 28]
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".softcord")] == []
    assert list(tmp_path.glob("logs/tensorboard/events*"))
    assert (tmp_path / "logs" / "csv" / "version_0" / "metrics.csv").read_text(
        encoding="utf-8"
    ).count("\n") > 1


def test_averaged_weights_are_the_result_only_if_asked(whole, tmp_path):
    saved = torch.load(fit_folder(tmp_path), weights_only=True)["state_dict"]
    assert all(
        torch.equal(value, saved[f"network.{name}"]) for name, value in whole.weights.items()
    )
    averaged = fit(tmp_path / "averaged", changed(EPOCHS, averaging=0.9)).weights
    assert any(not torch.equal(value, whole.weights[name]) for name, value in averaged.items())


def fit_folder(tmp_path):
    fit(tmp_path / "plain")
    return tmp_path / "plain" / "state.ckpt"


def test_a_loss_that_is_not_a_number_stops_with_a_sentence(tmp_path):
    class Broken(Few):
        def case(self, index, seed):
            return super().case(index, seed) * np.float32("nan")

    with pytest.raises(InputError, match="loss of batch 1 is nan"):
        fit(tmp_path, source=Broken())
