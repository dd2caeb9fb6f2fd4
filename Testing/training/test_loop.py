"""The loop: seeded, resumable, and honest about what it measured."""

from __future__ import annotations

import csv
import dataclasses

import pytest
import torch

from SoftCordSegLib.errors import Cancelled
from SoftCordSegLib.network.unet import UNet, UNetConfig
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.training.loop import TrainingConfig, train
from SoftCordSegLib.training.recipes import from_logits
from SoftCordSegLib.training.synthetic.synthesis import Recipe

RECIPE = Recipe((16, 16, 16), 2.0, (0.3, 0.3, 0.3), without_cord=0.0, cropped=0.2)
CONFIG = TrainingConfig(
    UNetConfig((4, 8), ((1, 1, 1), (2, 2, 2))), RECIPE, steps=12, validate_every=4, validation_images=2, save_every=3, workers=0
)


class StopAfter(Progress):
    """Cancels at the n-th report, as a user or a crash would, at no particular moment."""

    def __init__(self, reports: int):
        self.left = reports
        super().__init__(lambda _fraction, _message: None, lambda: self.left <= 0)

    def report(self, fraction, message):
        self.left -= 1


def test_the_same_seed_gives_the_same_losses(anatomy, tmp_path):
    _, first = train(CONFIG, anatomy, tmp_path / "a")
    _, second = train(CONFIG, anatomy, tmp_path / "b")
    assert first.losses == second.losses
    assert len(first.losses) == 12


@pytest.mark.parametrize("stop", [2, 3, 8])
def test_a_run_that_was_stopped_goes_on_to_the_same_curve_and_weights(anatomy, tmp_path, stop):
    weights, whole = train(CONFIG, anatomy, tmp_path / "whole")
    with pytest.raises(Cancelled):
        train(CONFIG, anatomy, tmp_path / "stopped", StopAfter(stop))
    resumed_weights, resumed = train(CONFIG, anatomy, tmp_path / "stopped")
    assert resumed.losses == whole.losses
    assert [tuple(point) for point in resumed.validation] == [tuple(point) for point in whole.validation]
    assert all(torch.equal(value, resumed_weights[name]) for name, value in weights.items())


def test_a_finished_run_is_not_trained_again(anatomy, tmp_path):
    _, first = train(CONFIG, anatomy, tmp_path)
    _, again = train(CONFIG, anatomy, tmp_path)
    assert again == first


def test_training_lowers_the_loss(anatomy, tmp_path):
    config = dataclasses.replace(CONFIG, steps=60, learning_rate=3e-3, validate_every=60)
    _, history = train(config, anatomy, tmp_path)
    assert sum(history.losses[-10:]) < 0.5 * sum(history.losses[:10])


def test_another_configuration_is_refused_in_the_same_folder(anatomy, tmp_path):
    train(CONFIG, anatomy, tmp_path)
    with pytest.raises(ValueError, match=r"other settings \(seed\)"):
        train(dataclasses.replace(CONFIG, seed=2), anatomy, tmp_path)


def test_the_history_is_a_table(anatomy, tmp_path):
    _, history = train(CONFIG, anatomy, tmp_path)
    with open(tmp_path / "history.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["loss"]) for row in rows] == history.losses
    assert [int(row["step"]) for row in rows if row["validation soft Dice"]] == [4, 8, 12]
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".softcord")] == []


def test_training_begins_from_given_weights(anatomy, tmp_path):
    weights, _ = train(CONFIG, anatomy, tmp_path / "first")
    config = dataclasses.replace(CONFIG, steps=1, learning_rate=0.0)
    begun, _ = train(config, anatomy, tmp_path / "second", start=weights)
    assert all(torch.equal(value, begun[name]) for name, value in weights.items())


def test_a_network_of_logits_becomes_one_of_soft_values():
    torch.manual_seed(0)
    network = UNet(CONFIG.network).eval()
    image = torch.randn(1, 1, 16, 16, 16)
    with torch.inference_mode():
        logits = network(image)[0]
        network.load_state_dict(from_logits(network.state_dict()))
        torch.testing.assert_close(network(image)[0], logits / 12 + 0.5)
