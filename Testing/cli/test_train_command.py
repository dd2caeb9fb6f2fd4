"""``softcord train``: from a configuration to a bundle that segments."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml
from SoftCordSegLib.training.config import shipped_configs

from SoftCordSegLib.cli.interrupt import Interrupt
from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.training import sources
from training.tiny import made_up_anatomy

TINY = {
    "network": {"features": [4, 8], "strides": [[1, 1, 1], [2, 2, 2]]},
    "patch": [16, 16, 16],
    "spacing_mm": 2.0,
    "source": {"kind": "synthetic", "recipe": "locator"},
    "steps": 2,
    "validation_images": 1,
    "stage": {"activation": "clip"},
}


@pytest.fixture
def a_config(tmp_path, monkeypatch):
    """A file that trains two tiny networks for two steps, on a made-up anatomy."""
    monkeypatch.setattr(sources, "_anatomy", lambda _data: made_up_anatomy())
    monkeypatch.setattr("SoftCordSegLib.training.synthetic.data_files", lambda _data: [])
    content = {
        "name": "tiny",
        "machine": {"workers": 0},
        "networks": {
            "locator": {**TINY, "loss": "dice_and_cross_entropy", "activation": "sigmoid"},
            "segmenter": {**TINY, "start": {"from": "locator", "convert": "from_logits"}},
        },
        "bundle": {"name": "Tiny", "version": "0.0.1", "license": "Apache-2.0"},
    }
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def test_a_configuration_becomes_a_bundle(softcord, a_config, tmp_path):
    result = softcord("train", a_config, "--out", tmp_path / "run", "--set", "seed=5", "--json")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert {name: one["steps"] for name, one in said["networks"].items()} == {
        "locator": 2,
        "segmenter": 2,
    }
    bundle = load_bundle(said["bundle"])
    assert bundle.locator.features == (4, 8)
    provenance = bundle.metadata["provenance"]
    assert provenance["seed"] == 5
    assert provenance["command"] == "softcord train tiny.yaml --data DATA --out OUT --set seed=5"
    assert provenance["segmenter"]["started_from"] == "the locator's weights"
    assert len(provenance["segmenter"]["validation_soft_dice_by_step"]) == 1


def test_a_second_run_goes_on_and_refuses_another_seed(softcord, a_config, tmp_path):
    first = softcord("train", a_config, "--out", tmp_path / "run", "--json")
    again = softcord("train", a_config, "--out", tmp_path / "run", "--json")
    assert json.loads(first.stdout)["networks"] == json.loads(again.stdout)["networks"]
    other = softcord("train", a_config, "--out", tmp_path / "run", "--set", "seed=6")
    assert other.exit_code == 1
    assert "other settings (seed)" in other.stderr


def a_child(a_config, parent):
    """A configuration of a segmenter that goes on from the bundle ``parent``."""
    content = yaml.safe_load(a_config.read_text())
    content["networks"] = {
        "segmenter": {**TINY, "start": {"bundle": str(parent), "stage": "segmenter"}}
    }
    content["bundle"]["parent"] = str(parent)
    path = a_config.with_name("child.yaml")
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def test_fine_tuning_starts_from_a_bundle_and_keeps_its_other_stage(softcord, a_config, tmp_path):
    softcord("train", a_config, "--out", tmp_path / "run")
    parent = tmp_path / "run" / "bundle"
    result = softcord("train", a_child(a_config, parent), "--out", tmp_path / "tuned", "--json")
    assert result.exit_code == 0, result.stderr
    bundle, before = load_bundle(tmp_path / "tuned" / "bundle"), load_bundle(parent)
    assert (
        bundle.sha256["models/locator.safetensors"] == before.sha256["models/locator.safetensors"]
    )
    assert (
        bundle.sha256["models/segmenter.safetensors"]
        != before.sha256["models/segmenter.safetensors"]
    )
    assert bundle.metadata["provenance"]["parent"] == {
        "name": "Tiny 0.0.1",
        "sha256": before.sha256,
    }


def test_a_run_does_not_go_on_from_a_parent_that_was_trained_anew(softcord, a_config, tmp_path):
    softcord("train", a_config, "--out", tmp_path / "run")
    child = a_child(a_config, tmp_path / "run" / "bundle")
    softcord("train", child, "--out", tmp_path / "tuned")
    shutil.rmtree(tmp_path / "run")
    softcord("train", a_config, "--out", tmp_path / "run", "--set", "seed=7")

    result = softcord("train", child, "--out", tmp_path / "tuned")

    assert result.exit_code == 1
    assert "other settings (started_from)" in result.stderr


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            "networks.segmenter.stepz=3",
            "'networks.segmenter.stepz' is not a setting. Did you mean 'steps'?",
        ),
        (
            "networks.segmenter.steps=many",
            "'networks.segmenter.steps' should be a whole number, at least 1, not 'many'",
        ),
        (
            "networks.segmenter.start={from: nobody}",
            "'nobody', which is not a network above it (locator)",
        ),
        ("networks.segmenter.patch=[15, 16, 16]", "should be multiples of [2, 2, 2]"),
        ("networks.segmenter.source.kind=magic", "the kind of a source is one of"),
        ("networks.segmenter.source.colour=red", "'colour' is not a setting of a synthetic recipe"),
        ("networks.segmenter.stage=null", "'networks.segmenter.stage' should be a section"),
        ("networks.locator.epochs=3", "needs either steps or epochs"),
        ("nonsense", "--set takes KEY=VALUE"),
    ],
)
def test_a_mistake_is_told_in_a_sentence_that_names_the_file(
    softcord, a_config, tmp_path, settings, sentence
):
    result = softcord("train", a_config, "--out", tmp_path / "run", "--set", settings)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert "tiny.yaml" in result.stderr or "--set" in result.stderr
    assert not (tmp_path / "run" / "locator").exists()


def test_an_unknown_configuration_lists_the_shipped_ones(softcord, tmp_path):
    result = softcord("train", "compakt", "--out", tmp_path)
    assert result.exit_code == 1
    assert "There is no configuration 'compakt'" in result.stderr
    assert "compact" in result.stderr


def test_missing_data_are_told_before_anything_is_trained(softcord, tmp_path):
    result = softcord("train", "compact", "--data", tmp_path, "--out", tmp_path / "run")
    assert result.exit_code == 1
    assert "Point --data to a folder" in result.stderr


def test_ctrl_c_says_how_to_go_on(softcord, a_config, tmp_path, monkeypatch):
    """As if it were pressed in the first step that asks."""
    monkeypatch.setattr(Interrupt, "is_set", lambda _self: True)
    arguments = ("train", a_config, "--out", tmp_path / "run", "--set", "networks.locator.steps=6")
    stopped = softcord(*arguments, "--set", "networks.locator.save_every=2", "--json")
    assert stopped.exit_code == 130
    sentence = json.loads(stopped.stdout)["error"]
    assert "Stopped at step 1. The state of step 0 is in" in sentence
    assert "the same command goes on from there" in sentence
    assert sentence in stopped.stderr


def test_help_names_every_shipped_configuration(softcord):
    said = " ".join(softcord("train", "--help").stdout.replace("│", " ").split())
    assert [name for name in shipped_configs() if name not in said] == []
