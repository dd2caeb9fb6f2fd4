"""A run becomes a bundle that the program reads."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.network.bundle import INTENSITIES
from SoftCordSegLib.network.store import open_bundle
from SoftCordSegLib.training.trainer.run_description import RunDescription, open_training
from SoftCordSegLib.training.trainer.run_export import export_run
from SoftCordSegLib.training.trainer.trainer import Pace, Trainer
from training.trainer.bright_tubes import TINY, BrightTubes, packed_tubes, plan

END = Pace(validate_steps=None)


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory):
    return Trainer(tmp_path_factory.mktemp("s") / "run", plan(), BrightTubes()).run(
        steps=3, pace=END
    )


@pytest.fixture(scope="module")
def locator(tmp_path_factory):
    return Trainer(tmp_path_factory.mktemp("l") / "run", plan(stage="locator"), BrightTubes()).run(
        steps=3, pace=END
    )


def test_a_bundle_has_the_averaged_weights_of_both_runs(tmp_path, segmenter, locator):
    export_run(
        tmp_path / "bundle",
        {"segmenter": segmenter, "locator": locator},
        words={"name": "tubes", "version": "1"},
    )

    bundle = load_bundle(tmp_path / "bundle")

    assert bundle.name == "tubes 1"
    assert (bundle.segmenter.spacing_mm, bundle.locator.spacing_mm) == (1.0, 2.0)
    assert (bundle.segmenter.activation, bundle.locator.activation) == ("clip", "sigmoid")
    for stage, run in ((bundle.segmenter, segmenter), (bundle.locator, locator)):
        assert stage.features == TINY.features
        assert stage.tile == (16, 16, 16)
        for name, value in bundle.network(stage).state_dict().items():
            assert torch.equal(value, run.average[name].half().float())


def test_a_missing_locator_comes_from_the_parent(tmp_path, segmenter):
    export_run(tmp_path / "bundle", {"segmenter": segmenter}, parent="compact")

    bundle, parent = load_bundle(tmp_path / "bundle"), open_bundle("compact")

    assert bundle.locator == parent.locator
    assert bundle.sha256[bundle.locator.weights] == parent.sha256[parent.locator.weights]
    assert bundle.metadata["provenance"]["locator"]["parent"] == parent.name


def test_a_pooled_locator_beside_the_segmenter_of_another_bundle(tmp_path, locator):
    """Its voxels are as many times as large; intensities stay those of the segmenter."""
    parent = open_bundle("compact")
    (other,) = set(INTENSITIES) - {parent.intensities}
    run = dataclasses.replace(
        locator,
        recipe={
            **locator.recipe,
            "pooled": 2,
            "shape": [32, 64, 96],
            "other_shapes": [[64, 64, 32]],
        },
        record={"packed": {"contract": other}},
    )

    export_run(tmp_path / "bundle", {"locator": run}, parent="compact")

    bundle = load_bundle(tmp_path / "bundle")
    assert bundle.locator.spacing_mm == 4.0
    assert bundle.locator.fields == ((16, 32, 48), (32, 32, 16))
    assert bundle.segmenter == parent.segmenter
    assert bundle.intensities == parent.intensities


def test_without_a_parent_the_missing_stage_is_named(tmp_path, segmenter):
    with pytest.raises(InputError, match="would lack a locator"):
        export_run(tmp_path / "bundle", {"segmenter": segmenter})


def test_a_locator_is_no_segmenter(tmp_path, locator):
    with pytest.raises(InputError, match="cannot be the segmenter"):
        export_run(tmp_path / "bundle", {"segmenter": locator}, parent="compact")


def test_a_bundle_says_how_it_was_made(tmp_path):
    record = {"files": {"one.nii.gz": "abc"}, "contract": "around_cord"}
    packed = packed_tubes(tmp_path / "training.npz", record=record)
    recipe = {"kind": "plain", "patch": [16, 16, 16]}
    description = RunDescription("tubes", plan(), recipe)
    state = open_training(description, packed, None, tmp_path / "run").run(steps=2, pace=END)

    export_run(tmp_path / "bundle", {"segmenter": state}, parent="compact")

    said = load_bundle(tmp_path / "bundle").metadata["provenance"]["segmenter"]
    assert (said["steps"], said["patches"]) == (2, 4)
    assert said["start"] == "random weights"
    assert said["plan"] == plan().to_json()
    assert said["recipe"] == {"kind": "plain", "patch": [16, 16, 16], "coarse": False, "away": 0.1}
    assert said["packed"] == record
    assert '"intensities": "around_cord"' in (
        tmp_path / "bundle" / "configs" / "inference.json"
    ).read_text(encoding="utf-8")


def test_an_unknown_recipe_is_refused(tmp_path):
    packed = packed_tubes(tmp_path / "training.npz")

    with pytest.raises(InputError, match="recipe"):
        open_training(
            RunDescription("tubes", plan(), {"kind": "plain", "patsch": 3}),
            packed,
            None,
            tmp_path / "run",
        )
