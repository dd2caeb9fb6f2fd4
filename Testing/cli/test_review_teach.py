"""``softcord review teach``, ``keep`` and ``discard``, with the work done in this process."""

from __future__ import annotations

import contextlib
import json

import pytest
from typer.testing import CliRunner

from SoftCordSegLib.cli.app import app
from SoftCordSegLib.errors import Cancelled, SoftCordSegError
from SoftCordSegLib.network.store import Store
from SoftCordSegLib.workflows.live_run import request_stop
from SoftCordSegLib.workflows.review.teach_model import run_teaching, teaching_folder
from workflows.teach_dataset import Reviewed, stand_ins


@pytest.fixture
def reviewed(tmp_path):
    data = Reviewed(tmp_path / "data")
    for number in (1, 2, 3):
        data.add(number, corrected=True)
    return data


@pytest.fixture
def review(tmp_path, monkeypatch, reviewed):
    """The command; the process that it starts is this one."""
    tiny = stand_ins(tmp_path, monkeypatch)

    def start(folder, model, python):
        with contextlib.suppress(SoftCordSegError, Cancelled):
            run_teaching(folder, str(model))
        return 1

    monkeypatch.setattr("SoftCordSegLib.workflows.review.teach_model.start_task", start)

    def command(*words):
        if words[0] == "teach":
            fixed = ("--steps", 2, "--workers", 0, "--threads", 1, "--device", "cpu")
            words = (*words, "-m", tiny.folder, *fixed)
        words = ("review", words[0], reviewed.root, *words[1:], "--json")
        return CliRunner().invoke(app, [str(word) for word in words])

    return command


def test_taught_and_kept(review, reviewed):
    result = review("teach")

    assert result.exit_code == 0, result.stderr
    assert "To learn from: 2 corrected and 0 passed masks. Held out: 1 mask of" in result.stderr
    assert "Before and after, by contrast" in result.stderr
    said = json.loads(result.stdout)
    assert said["accepted"] is True
    row = next(one for one in said["contrasts"] if one["group"] == "held out")
    assert row["dice_after"] > row["dice_before"]
    assert f"{row['dice_after']:.3f}" in result.stderr
    twice = review("teach")
    assert twice.exit_code == 2
    assert "neither kept nor discarded" in twice.stderr

    kept = review("keep", "ours")

    assert kept.exit_code == 0, kept.stderr
    assert json.loads(kept.stdout)["folder"] == str(Store().installed("ours"))
    assert review("keep", "ours").exit_code == 2


def test_stopped_and_resumed_and_discarded(review, reviewed, monkeypatch):
    start = run_teaching

    def stopped(folder, model, progress=None):
        request_stop(folder)
        start(folder, model, progress)

    monkeypatch.setitem(globals(), "run_teaching", stopped)
    result = review("teach")
    monkeypatch.setitem(globals(), "run_teaching", start)

    assert result.exit_code == 130
    resumed = review("teach", "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    discarded = review("discard")
    assert discarded.exit_code == 0, discarded.stderr
    assert not list(teaching_folder(reviewed.root).rglob("*.safetensors"))


def test_a_failure_is_a_sentence(review, reviewed):
    lacking = review("teach", "--python", "no_such_program")
    assert lacking.exit_code == 1
    assert "This Python cannot be started." in lacking.stderr

    folder = teaching_folder(reviewed.root)
    folder.mkdir(parents=True)
    (folder / "runs").write_text("in the way", encoding="utf-8")
    failed = review("teach")
    assert failed.exit_code == 1
    assert "Cannot write into this folder" in json.loads(failed.stdout)["sentence"]
