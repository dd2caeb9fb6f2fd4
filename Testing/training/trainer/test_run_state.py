"""A state is whole or not there, and comes back as it was."""

from __future__ import annotations

import json

import pytest
import torch

from SoftCordSegLib.errors import InputError, OutputError
from SoftCordSegLib.training.trainer import run_state
from SoftCordSegLib.training.trainer.run_state import load_state, numbered, save_state
from SoftCordSegLib.training.trainer.trainer import Pace, StateFolder, Trainer
from training.trainer.bright_tubes import BrightTubes, plan


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    folder = tmp_path_factory.mktemp("state") / "run"
    return Trainer(folder, plan(), BrightTubes()).run(steps=2, pace=Pace(validate_steps=None))


def test_a_state_comes_back_as_it_was(tmp_path, state):
    save_state(tmp_path, state)

    found = load_state(tmp_path)

    assert found.head() == json.loads(json.dumps(state.head()))
    for kind in ("weights", "average", "moments"):
        one, other = getattr(found, kind), getattr(state, kind)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert len(found.moments) == 2 * len(found.weights)


def test_only_the_last_two_states_stay(tmp_path, state):
    for _ in range(4):
        save_state(tmp_path, state)

    assert [one.name for one in numbered(tmp_path)] == ["000004", "000003"]
    assert len(list(tmp_path.iterdir())) == 2


def test_nothing_is_a_pickle(tmp_path, state):
    save_state(tmp_path, state)

    assert {one.suffix for one in numbered(tmp_path)[0].iterdir()} == {".safetensors", ".json"}


def test_what_a_killed_save_left_is_no_state_and_is_cleared_away(tmp_path, state):
    save_state(tmp_path, state)
    (tmp_path / ".new-half").mkdir()
    (tmp_path / ".new-half" / "weights.safetensors").write_bytes(b"half")

    assert load_state(tmp_path).step == state.step
    save_state(tmp_path, state)
    assert not list(tmp_path.glob(".new-*"))


def test_a_training_that_has_nothing_more_to_do_clears_it_away_too(tmp_path, state):
    save_state(tmp_path, state)
    (tmp_path / ".new-000001").mkdir()

    assert StateFolder(tmp_path).load().step == state.step
    assert not list(tmp_path.glob(".new-*"))


def test_a_damaged_state_gives_way_to_the_one_before(tmp_path, state):
    save_state(tmp_path, state)
    last = save_state(tmp_path, state)
    weights = last / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")

    assert load_state(tmp_path) is not None

    for one in numbered(tmp_path):
        (one / "state.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="None of the states"):
        load_state(tmp_path)


def test_no_folder_is_no_state(tmp_path):
    assert load_state(tmp_path / "none") is None


def test_a_full_disk_leaves_the_states_of_before(tmp_path, state, monkeypatch):
    save_state(tmp_path, state)

    def full(*_paths):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_state.os, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        save_state(tmp_path, state)

    assert [one.name for one in tmp_path.iterdir()] == ["000001"]
    assert load_state(tmp_path).step == state.step
