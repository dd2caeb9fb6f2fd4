"""A state travels in small files of half precision, and the training goes on from it."""

from __future__ import annotations

import pytest
import torch

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.training.trainer.run_state import HalfStates, load_state
from SoftCordSegLib.training.trainer.trainer import Pace, Trainer
from training.trainer.bright_tubes import BrightTubes, plan

END = Pace(validate_steps=None)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("half") / "run"
    return folder, Trainer(folder, plan(), BrightTubes()).run(steps=20, pace=END)


def test_what_comes_back_is_the_state_to_half_precision(tmp_path, run):
    HalfStates(tmp_path).save(run[1])

    found = load_state(tmp_path)

    assert (found.step, found.moment_steps, found.history) == (20, 20, run[1].history)
    for kind in ("weights", "average", "moments"):
        before, after = getattr(run[1], kind), getattr(found, kind)
        assert before.keys() == after.keys()
        for name, value in before.items():
            assert float((after[name] - value).abs().max()) <= 2e-3 * float(value.abs().max())


def test_no_file_is_too_large_and_there_are_few(tmp_path, run):
    states = HalfStates(tmp_path, file_mib=0.08, files=7)
    folder = states.save(run[1])

    files = list(folder.iterdir())
    assert 2 < len(files) <= 7
    assert all(one.stat().st_size <= 0.08 * 2**20 for one in files)
    assert load_state(tmp_path).moments.keys() == run[1].moments.keys()


def test_what_does_not_fit_is_begun_anew(tmp_path, run):
    HalfStates(tmp_path, file_mib=0.08, files=3).save(run[1])

    found = load_state(tmp_path)

    assert found.moment_steps == 0
    assert not found.moments
    assert found.average.keys() == run[1].average.keys()
    # The training goes on with it.
    assert (
        Trainer(HalfStates(tmp_path), plan(), BrightTubes()).run(steps=22, pace=END).moment_steps
        == 2
    )


def test_a_network_that_cannot_travel_is_refused(tmp_path, run):
    with pytest.raises(InputError, match="does not fit"):
        HalfStates(tmp_path, file_mib=0.07, files=1).save(run[1])


def test_a_training_goes_on_elsewhere_and_comes_back(tmp_path, run):
    there = HalfStates(tmp_path / "there", before=run[0])
    learnt = Trainer(there, plan(batch=4), BrightTubes(), renew=True).run(steps=40, pace=END)

    # A second time it goes on from what it left itself.
    again = Trainer(there, plan(batch=4), BrightTubes(), renew=True)

    assert again.step == 40
    assert again.patches == learnt.patches == 20 * 2 + 20 * 4
    losses = learnt.history["losses"]["points"]
    assert sum(losses[20:]) < sum(losses[:20])
    assert load_state(run[0]).step == 20
    assert torch.isfinite(again.state().weights["heads.0.weight"]).all()
