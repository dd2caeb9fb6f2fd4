"""``softcord review again``: what moves is shown first, and put in place when told."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from cli.fakes import engine, soft_from_brightness
from SoftCordSegLib.cli.app import app
from SoftCordSegLib.review.verdicts import Judgement
from SoftCordSegLib.workflows.review.segment_again import run_again
from workflows.again_dataset import NEW_MM, OLD_MM, again_dataset, some_edits
from workflows.review.test_segment_again import check_whole


@pytest.fixture
def dataset(tmp_path):
    made = again_dataset(tmp_path / "data", "sub-01_T2w", "sub-02_T1w", "sub-03_T2w")
    made.judge("sub-02_T1w", Judgement.PASS)
    made.add_mask("sub-03_T2w", edits=some_edits())
    return made


@pytest.fixture
def again(dataset, monkeypatch):
    def start(folder, model, python):
        run_again(folder, model)
        return 1

    monkeypatch.setattr("SoftCordSegLib.workflows.review.segment_again.start_task", start)

    def command(*words):
        words = ("review", "again", dataset.root, "--json", *words)
        with engine(soft_from_brightness):
            return CliRunner().invoke(app, [str(word) for word in words])

    return command


def test_shown_first_and_put_in_place_when_told(again, dataset):
    shown = again()

    assert shown.exit_code == 0, shown.stderr
    said = json.loads(shown.stdout)
    assert [one["dataset"] for one in said["drift"]] == ["T2w"]
    assert said["drift"][0]["mean_percent"] > 20
    cases = {one["case"].rpartition("/")[2]: one for one in said["cases"]}
    assert cases["sub-02_T1w"]["left_because"] == "The mask was passed."
    assert cases["sub-03_T2w"]["corrected_voxels"] > 0
    assert not any(one["replaced"] for one in said["cases"])
    assert "Nothing was replaced" in shown.stderr
    assert "2 new masks, 1 with corrections on top." in shown.stderr
    check_whole(dataset, "sub-01_T2w", OLD_MM)

    told = again("--apply")

    assert told.exit_code == 0, told.stderr
    assert [one["replaced"] for one in json.loads(told.stdout)["cases"]] == [True, False, True]
    assert "Put in place: 2 masks." in told.stderr
    check_whole(dataset, "sub-01_T2w", NEW_MM)
    check_whole(dataset, "sub-02_T1w", OLD_MM)


def test_a_drift_beyond_the_limit_replaces_nothing(again, dataset):
    result = again("--apply", "--fail-above", 10)

    assert result.exit_code == 1
    (sentence,) = json.loads(result.stdout)["drift_beyond"]
    assert "from before to after in T2w, by more than 10 %." in sentence
    assert sentence in result.stderr
    check_whole(dataset, "sub-01_T2w", OLD_MM)
    assert again("--discard").exit_code == 0
    assert again("--discard", "--apply").exit_code == 2
