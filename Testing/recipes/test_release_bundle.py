"""The bundle of a release: weights of the training, the rest of the shipped one, words of both."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from recipes.loaded_recipe import recipe
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.network.store import open_bundle
from SoftCordSegLib.training.trainer.run_state import save_state
from SoftCordSegLib.training.trainer.spread_heads import spread_heads
from SoftCordSegLib.training.trainer.trainer import Pace, Trainer
from training.trainer.bright_tubes import BrightTubes, plan


@pytest.fixture
def release(repository, monkeypatch, tmp_path):
    module = recipe("release_bundle", repository)
    monkeypatch.setenv("SOFTCORDSEG_RUNS", str(tmp_path / "runs"))
    # The fit is tested in test_soft_edge.py.
    monkeypatch.setattr(module.soft_edge, "scans", lambda data: iter([("one", (None, None))]))
    monkeypatch.setattr(module.soft_edge, "pairs", lambda *scan: ())
    monkeypatch.setattr(module.soft_edge, "fitted", lambda found: (0.2, 0.7))
    monkeypatch.setattr(module.soft_edge, "error_of", lambda found, low, high: 0.1)
    return module


def long_run(tmp_path, repository, stage="segmenter"):
    """Where the long run, whatever its name, keeps the states of a training."""
    name = json.loads((repository / "recipes" / "long_run.json").read_text("utf-8"))["name"]
    return tmp_path / "runs" / name / "trainings" / stage


def run(folder, **record):
    """A state of a segmenter in the folder of the long run."""
    state = Trainer(folder.parent / "made", plan(), BrightTubes()).run(
        steps=2, pace=Pace(validate_steps=None)
    )
    save_state(folder, replace(state, record={**state.record, **record}))
    return state


def test_a_release_has_the_trained_weights_and_the_shipped_words(
    release, tmp_path, capsys, repository
):
    packed = {"contract": "around_cord", "files_sha256": {"a.nii.gz": "12"}}
    state = run(long_run(tmp_path, repository), packed=packed)

    out = tmp_path / "bundle"
    assert release.main(["9.0.0", str(out), "--data", str(tmp_path), "--change", "wider"]) == 0

    bundle, shipped = load_bundle(out), open_bundle("compact")
    said = bundle.metadata
    assert (said["name"], said["version"]) == (shipped.metadata["name"], "9.0.0")
    assert said["changelog"] == {**shipped.metadata["changelog"], "9.0.0": "wider"}
    assert said["license"] == shipped.metadata["license"]
    assert said["provenance"]["data_sha256"] == packed["files_sha256"]
    assert "release_bundle.py" in said["provenance"]["command"]
    assert said["provenance"]["soft_edge"]["low"] == 0.2
    assert bundle.segmenter.features == state_features(state)
    assert bundle.locator == shipped.locator
    assert bundle.intensities == "around_cord"
    assert "segmenter step 2" in capsys.readouterr().out
    assert not [path for path in out.rglob("*") if ".tmp" in path.name]
    assert str(tmp_path) not in json.dumps(said)


def test_a_release_can_be_the_mean_of_two_steps(release, tmp_path, repository):
    """The earlier one's values had been spread already, which is undone first."""
    folder = long_run(tmp_path, repository)
    words = ["--data", str(tmp_path), "--change", "x", "--only", "segmenter"]
    state = run(folder, packed={"contract": "around_cord"})
    assert release.main(["1", str(tmp_path / "one"), *words]) == 0
    doubled = {name: 2 * value for name, value in state.average.items()}
    save_state(folder, replace(state, average=doubled, step=state.step + 1))

    mean = ["--mean-with", f"1:{tmp_path / 'one'}"]
    assert release.main(["2", str(tmp_path / "two"), *words, *mean]) == 0

    bundle = load_bundle(tmp_path / "two")
    spread = spread_heads({name: 1.5 * value for name, value in state.average.items()}, 0.2, 0.7)
    for name, value in bundle.network(bundle.segmenter).state_dict().items():
        assert torch.allclose(value, spread[name], atol=0.01, rtol=0.01)
    (change,) = bundle.metadata["provenance"]["segmenter"]["changes"]
    assert [(one["share"], one["version"]) for one in change["mean_with"]] == [(1, "1")]
    with pytest.raises(InputError, match="another shape"):
        release.mean_with(state, ["1:compact"])
    for wrong in ("compact", "0:compact", "much:compact", "2:"):
        with pytest.raises(InputError, match="which share"):
            release.mean_with(state, [wrong])


def test_a_release_can_be_the_mean_of_other_trainings(release, tmp_path, repository):
    long = run(long_run(tmp_path, repository))
    other, third = tmp_path / "other", tmp_path / "third"
    for folder, times in ((other, 3), (third, 5)):
        average = {name: times * value for name, value in long.average.items()}
        save_state(folder, replace(long, average=average))
    words = ["--data", str(tmp_path), "--change", "x", "--only", "segmenter"]
    taken = ["--run", str(other), "--mean-with", f"2:{third}"]
    assert release.main(["1", str(tmp_path / "one"), *words, *taken]) == 0
    bundle = load_bundle(tmp_path / "one")
    mean = {name: 13 / 3 * value for name, value in long.average.items()}
    for name, value in bundle.network(bundle.segmenter).state_dict().items():
        assert torch.allclose(value, spread_heads(mean, 0.2, 0.7)[name], atol=0.02, rtol=0.02)
    (change,) = bundle.metadata["provenance"]["segmenter"]["changes"]
    assert [(one["share"], one["steps"]) for one in change["mean_with"]] == [(2, 2)]
    assert str(tmp_path) not in json.dumps(bundle.metadata)
    assert release.main(["2", str(tmp_path / "two"), *words, "--run", str(tmp_path)]) == 1
    assert not (tmp_path / "two").exists()


def test_a_new_locator_leaves_the_segmenter_as_it_is(release, tmp_path, monkeypatch, repository):
    locator = replace(plan(), stage="locator")
    state = Trainer(tmp_path / "made", locator, BrightTubes()).run(
        steps=2, pace=Pace(validate_steps=None)
    )
    save_state(long_run(tmp_path, repository, "locator"), state)
    calibrated = []

    def calibrate(arguments):
        made = load_bundle(arguments[0])
        calibrated.append((made, made.network(made.segmenter).state_dict()))
        return 0

    monkeypatch.setattr(release.locator_calibration, "main", calibrate)
    words = ["--data", str(tmp_path), "--change", "x", "--only", "locator"]
    assert release.main(["9", str(tmp_path / "out"), *words]) == 0
    ((made, weights),), shipped = calibrated, open_bundle("compact")
    assert made.segmenter == shipped.segmenter
    theirs = shipped.network(shipped.segmenter).state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in weights.items())
    assert made.locator.features == state_features(state)


@pytest.mark.parametrize("begun", [False, True])
def test_without_a_training_there_is_nothing_to_release(
    release, tmp_path, capsys, begun, repository
):
    out = tmp_path / "bundle"
    if begun:
        run(long_run(tmp_path, repository))
    words = ["--data", str(tmp_path), "--change", "x", "--only", "locator"]
    assert release.main(["9", str(out), *words]) == 1
    assert "train-on" in capsys.readouterr().err
    assert not out.exists()


def state_features(state):
    return tuple(state.plan["network"]["features"])
