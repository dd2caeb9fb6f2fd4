"""``softcord train``: from a configuration to bundles that segment."""

from __future__ import annotations

import json

import pytest
import yaml

from SoftCordSegLib.cli.console import Interrupt
from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.training.paper.datalist import make_datalist
from SoftCordSegLib.training.paper.train_config import shipped_configs
from training.made_dataset import make_dataset

TINY = {
    "network": {"features": [4, 8], "strides": [[1, 1, 1], [2, 2, 2]]},
    "patch": [16, 16, 16],
    "spacing_mm": 1.0,
    "source": {"kind": "cases", "list": "dataset.json", "augmentation": "none"},
    "epochs": 2,
}


@pytest.fixture
def a_config(tmp_path):
    """A file that trains two tiny networks for two passes over three images."""
    folder = make_dataset(tmp_path / "data", participants=5, contrasts=("anat/{}_T1w",))
    listed, _notes = make_datalist(folder, tmp_path)
    (tmp_path / "dataset.json").write_text(json.dumps(listed), encoding="utf-8")
    content = {
        "name": "tiny",
        "machine": {"workers": 0},
        "networks": {"first": TINY, "second": {**TINY, "loss": "dice"}},
        "bundle": {"name": "Tiny", "version": "0.0.1", "license": "Apache-2.0"},
    }
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def test_a_configuration_becomes_a_bundle_of_each_network(softcord, a_config, tmp_path):
    result = softcord("train", a_config, "--out", tmp_path / "run", "--set", "seed=5", "--json")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert {name: one["steps"] for name, one in said["networks"].items()} == {
        "first": 2,
        "second": 2,
    }
    assert said["bundle"] == said["bundles"][0]
    for folder, name in zip(said["bundles"], ("first", "second")):
        bundle = load_bundle(folder)
        assert bundle.name == f"Tiny {name} 0.0.1"
        assert bundle.plan.network.config.features == (4, 8)
        provenance = bundle.metadata["provenance"]
        assert provenance["seed"] == 5
        assert (
            provenance["command"] == "softcord train tiny.yaml --data DATA --out OUT --set seed=5"
        )
        assert len(provenance[name]["validation_soft_dice_by_step"]) == 1


def test_a_second_run_goes_on_and_refuses_another_seed(softcord, a_config, tmp_path):
    first = softcord("train", a_config, "--out", tmp_path / "run", "--json")
    again = softcord("train", a_config, "--out", tmp_path / "run", "--json")
    assert json.loads(first.stdout)["networks"] == json.loads(again.stdout)["networks"]
    other = softcord("train", a_config, "--out", tmp_path / "run", "--set", "seed=6")
    assert other.exit_code == 1
    assert "other settings (seed)" in other.stderr


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            "networks.second.epochz=3",
            "'networks.second.epochz' is not a setting. Did you mean 'epochs'?",
        ),
        (
            "networks.second.epochs=many",
            "'networks.second.epochs' should be a whole number, at least 1, not 'many'",
        ),
        ("networks.second.patch=[15, 16, 16]", "should be multiples of [2, 2, 2]"),
        ("networks.second.source.kind=magic", "should be one of cases, not 'magic'"),
        ("networks.second.stage=null", "'networks.second.stage' should be a section"),
        ("nonsense", "Give KEY=VALUE"),
    ],
)
def test_a_mistake_is_told_in_a_sentence_that_names_the_file(
    softcord, a_config, tmp_path, settings, sentence
):
    result = softcord("train", a_config, "--out", tmp_path / "run", "--set", settings)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert "tiny.yaml" in result.stderr or "'nonsense'" in result.stderr
    assert not (tmp_path / "run" / "first").exists()


def test_an_unknown_configuration_lists_the_shipped_ones(softcord, tmp_path):
    result = softcord("train", "soft_al", "--out", tmp_path)
    assert result.exit_code == 1
    assert "There is no configuration 'soft_al'" in result.stderr
    assert "soft_all" in result.stderr


def test_missing_data_are_told_before_anything_is_trained(softcord, tmp_path):
    result = softcord("train", "soft_all", "--data", tmp_path, "--out", tmp_path / "run")
    assert result.exit_code == 1
    assert "there is no file 'dataset.json'" in result.stderr


def test_ctrl_c_says_how_to_go_on(softcord, a_config, tmp_path, monkeypatch):
    """As if it were pressed in the first step that asks."""
    monkeypatch.setattr(Interrupt, "is_set", lambda _self: True)
    stopped = softcord("train", a_config, "--out", tmp_path / "run", "--json")
    assert stopped.exit_code == 130
    sentence = json.loads(stopped.stdout)["error"]
    assert "Stopped at step 1. The state of step 0 is in" in sentence
    assert "The same command goes on from there" in sentence
    assert sentence in stopped.stderr


def test_help_names_every_shipped_configuration(softcord):
    said = " ".join(softcord("train", "--help").stdout.replace("│", " ").split())
    assert [name for name in shipped_configs() if name not in said] == []
