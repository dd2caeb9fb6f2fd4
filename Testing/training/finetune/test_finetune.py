"""Fine-tuning learns what corrections say, forgets little, keeps to its hold-out, and lets no worse
bundle take a place.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from SoftCordSegLib.errors import Cancelled, InputError
from SoftCordSegLib.network import CentreCrop, NetworkSpec, load_bundle
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.training.finetune import HoldOut, finetune
from training.finetune.necks import SCORER, TINY, a_request, write_bundle, write_case

LOCATOR, SEGMENTER = "models/locator.safetensors", "models/segmenter.safetensors"


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_it_learns_a_systematic_correction_on_participants_it_never_saw(tuned):
    _request, outcome, _said = tuned
    assert outcome.accepted
    assert len(outcome.after.scores) == 1
    (before,), (after,) = outcome.before.scores.values(), outcome.after.scores.values()
    # The masks are a voxel wider than the bundle drew them.
    assert before.volume_error_percent < -20
    assert abs(after.volume_error_percent) < 0.5 * abs(before.volume_error_percent)
    assert 1 - after.soft_dice < 0.6 * (1 - before.soft_dice)


def test_it_does_not_forget_what_no_correction_is_about(tuned):
    _request, outcome, _said = tuned
    assert outcome.watched_after.soft_dice > outcome.watched_before.soft_dice - 0.01


def test_without_replay_it_forgets_and_says_so(parent, wide_cases, tmp_path):
    hard = {"learning_rate": 3e-3, "steps": 60, "largest_drift": None}
    with_replay = finetune(a_request(parent, wide_cases, tmp_path / "a", **hard), SCORER)
    without = finetune(a_request(parent, wide_cases, tmp_path / "b", share=1.0, **hard), SCORER)
    falls = [
        one.watched_before.soft_dice - one.watched_after.soft_dice for one in (with_replay, without)
    ]
    assert falls[0] < 0.6 * falls[1]
    assert not without.accepted
    assert without.folder == tmp_path / "b" / "rejected"
    assert load_bundle(without.folder).metadata["provenance"]["finetuning"]["objections"] == list(
        without.objections
    )
    assert any(sentence.startswith("It forgets") for sentence in without.objections)
    assert not (tmp_path / "b" / "bundle").exists()


def test_the_bundle_tells_its_parentage(tuned, parent):
    request, outcome, _said = tuned
    bundle = load_bundle(outcome.folder)
    assert bundle.name == outcome.name == "tiny 0.2.0+finetune.1"
    changes = bundle.metadata["changelog"]
    assert changes["0.2.0"] == "first"
    assert (
        changes["0.2.0+finetune.1"]
        == "fine-tuned from 0.2.0 on 4 corrected cases of 4 participants"
    )
    provenance = bundle.metadata["provenance"]
    assert provenance["parent"]["sha256"] == parent.sha256
    assert provenance["parent"]["provenance"] == {"seed": 1}
    record = provenance["finetuning"]
    assert (record["steps"], record["seed"]) == (50, 1)
    assert (record["loss"], record["loss_options"]) == ("adaptive_wing", {})
    (held_out,) = request.split.held_out
    assert record["held_out_before"][held_out.sha256["image"]] == next(
        iter(outcome.before.rounded().values())
    )
    assert record["held_out_after"][held_out.sha256["image"]] == next(
        iter(outcome.after.rounded().values())
    )
    learnt = {case["sha256"]["label"] for case in record["cases"] if case["part"] == "training"}
    assert learnt == {case.sha256["label"] for case in request.split.training}


def test_no_path_and_no_name_of_a_case_travels_with_the_bundle(tuned, wide_cases):
    _request, outcome, _said = tuned
    for file in (outcome.folder / "configs").iterdir():
        text = file.read_text(encoding="utf-8")
        assert "sub-0" not in text
        assert str(wide_cases[0].image.parent) not in text


def test_only_the_segmenter_changes_and_the_parent_stays_as_it_is(parent, wide_cases, tmp_path):
    before = digests(parent.folder)
    inputs = digests(wide_cases[0].image.parent)
    outcome = finetune(a_request(parent, wide_cases, tmp_path, steps=2), SCORER)
    child = load_bundle(outcome.folder)
    assert child.sha256[LOCATOR] == parent.sha256[LOCATOR]
    assert child.sha256[SEGMENTER] != parent.sha256[SEGMENTER]
    before_and_after = [
        json.loads((folder / "configs/inference.json").read_text(encoding="utf-8"))
        for folder in (parent.folder, child.folder)
    ]
    # What was taught are the shares themselves.
    before_and_after[0]["segmenter"].pop("edge", None)
    assert before_and_after[0] == before_and_after[1]
    assert child.segmenter.edge is None
    assert digests(parent.folder) == before
    assert digests(wide_cases[0].image.parent) == inputs


def test_what_is_held_out_does_not_touch_the_weights(parent, wide_cases, tmp_path):
    chosen = HoldOut(participants=("sub-05",))
    honest = finetune(a_request(parent, wide_cases, tmp_path / "a", chosen, steps=6), SCORER)
    other = [
        *wide_cases[:4],
        dataclasses.replace(write_case(tmp_path / "x", 9), participant="sub-05"),
    ]
    changed = finetune(a_request(parent, other, tmp_path / "b", chosen, steps=6), SCORER)
    assert load_bundle(honest.folder).sha256 == load_bundle(changed.folder).sha256
    assert honest.after != changed.after


class StopAt(Progress):
    """Cancels as soon as a word is said."""

    def __init__(self, word: str):
        self.stopped = False
        super().__init__(lambda _fraction, message: self._hear(message, word), lambda: self.stopped)

    def _hear(self, message: str, word: str) -> None:
        self.stopped = self.stopped or word in message


@pytest.mark.parametrize("word", ["to keep what it knows", "with tiny 0.2.0+finetune.1"])
def test_stopped_before_or_after_training_it_leaves_no_bundle_and_goes_on_to_the_same_one(
    tuned, tmp_path, word
):
    request = dataclasses.replace(tuned[0], out=tmp_path)
    with pytest.raises(Cancelled):
        finetune(request, SCORER, StopAt(word))
    assert {path.name for path in tmp_path.iterdir()} <= {"runs"}
    again = finetune(request, SCORER)
    assert load_bundle(again.folder).sha256 == load_bundle(tuned[1].folder).sha256
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "runs"]


KILLED = """
import sys
from pathlib import Path
from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.training.finetune import finetune
from SoftCordSegLib.training.real_cases import RealCase
from training.finetune.necks import SCORER, a_request

parent, cases, out = map(Path, sys.argv[1:])
label = lambda image: image.with_name(image.name.replace(".nii", "_label-SC_softseg.nii"))
found = [RealCase(image, label(image), None, image.name[:6])
         for image in sorted(cases.glob("*_T2w.nii.gz"))]
report = Progress(lambda fraction, message: print(message, flush=True))
finetune(a_request(load_bundle(parent), found, out), SCORER, report)
"""


def weights_of(folder: Path) -> np.ndarray:
    """All weights of a bundle's segmenter in one row."""
    return np.concatenate(
        [
            value.astype(float).ravel()
            for _, value in sorted(load_file(folder / "models/segmenter.safetensors").items())
        ]
    )


def test_killed_in_training_it_goes_on_to_the_same_bundle(
    tuned, parent, wide_cases, repository, tmp_path
):
    path = os.pathsep.join(str(repository / name) for name in ("Testing", "SoftCordSeg"))
    arguments = [
        sys.executable,
        "-c",
        KILLED,
        str(parent.folder),
        str(wide_cases[0].image.parent),
        str(tmp_path),
    ]
    with subprocess.Popen(
        arguments,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        encoding="utf-8",
    ) as process:
        for line in process.stdout:
            if line.startswith("step 31 "):
                process.send_signal(signal.SIGKILL)
                break
        else:
            pytest.fail("it ended before it could be killed")
    assert not (tmp_path / "bundle").exists()
    assert [path.name for path in tmp_path.glob("runs/*/0*")] == ["000001"]
    steps = []
    request = dataclasses.replace(tuned[0], out=tmp_path)
    outcome = finetune(request, SCORER, Progress(lambda _fraction, message: steps.append(message)))
    assert next(one for one in steps if one.startswith("step ")).startswith("step 26 ")
    resumed, whole = (
        [float(row["loss"]) for row in csv.DictReader(one.history.open())]
        for one in (outcome, tuned[1])
    )
    assert len(resumed) == 50
    # Bit for bit on most processors; on some, sums depend in their last digits on where in memory
    # the numbers lie.
    assert resumed == pytest.approx(whole, rel=1e-4)
    before, after, expected = (
        weights_of(folder) for folder in (parent.folder, outcome.folder, tuned[1].folder)
    )
    assert np.linalg.norm(after - expected) < 0.02 * np.linalg.norm(expected - before)


def with_better_bundle_in_place(tuned, out: Path) -> bytes:
    """Put the bundle that learnt something where the next one is to go; its metadata's bytes."""
    shutil.copytree(tuned[0].out, out, dirs_exist_ok=True)
    return (out / "bundle/configs/metadata.json").read_bytes()


def test_a_better_bundle_is_not_replaced_unless_told(tuned, tmp_path):
    there = with_better_bundle_in_place(tuned, tmp_path)
    worse = dataclasses.replace(tuned[0], out=tmp_path, steps=3)
    outcome = finetune(worse, SCORER)
    assert not outcome.accepted
    (sentence,) = outcome.objections
    better, new = (one.soft_dice for one in (tuned[1].after, outcome.after))
    assert (
        sentence
        == "tiny 0.2.0+finetune.1, which is there already, is better on the same held-out cases: "
        f"mean soft Dice {better:.4f}, the new one {new:.4f}."
    )
    assert (tmp_path / "bundle/configs/metadata.json").read_bytes() == there
    assert load_bundle(tmp_path / "rejected").metadata["provenance"]["finetuning"]["steps"] == 3

    replaced = finetune(dataclasses.replace(worse, replace=True), SCORER)
    assert replaced.accepted
    assert replaced.objections == outcome.objections
    record = load_bundle(tmp_path / "bundle").metadata["provenance"]["finetuning"]
    assert record["steps"] == 3
    assert record["placed_in_spite_of_them"] is True
    assert (tmp_path / "previous/configs/metadata.json").read_bytes() == there


def test_a_better_one_takes_the_place_and_the_other_is_kept(tuned, tmp_path):
    finetune(dataclasses.replace(tuned[0], out=tmp_path, steps=3), SCORER)
    shutil.copytree(tuned[0].out / "runs", tmp_path / "runs", dirs_exist_ok=True)
    outcome = finetune(dataclasses.replace(tuned[0], out=tmp_path), SCORER)
    assert outcome.accepted
    assert load_bundle(tmp_path / "bundle").metadata["provenance"]["finetuning"]["steps"] == 50
    assert load_bundle(tmp_path / "previous").metadata["provenance"]["finetuning"]["steps"] == 3


def test_a_bundle_trained_on_the_held_out_cases_is_no_fair_rival(
    tuned, parent, wide_cases, tmp_path
):
    with_better_bundle_in_place(tuned, tmp_path)
    learnt = tuned[0].split.training[0].participant
    outcome = finetune(
        a_request(
            parent,
            wide_cases,
            tmp_path,
            HoldOut(participants=(learnt,)),
            steps=2,
            learning_rate=1e-7,
        ),
        SCORER,
    )
    assert not outcome.accepted
    assert "there is no held-out case that the other was not trained on" in outcome.objections[-1]


def test_the_same_command_again_changes_nothing(tuned, tmp_path):
    with_better_bundle_in_place(tuned, tmp_path)
    before = digests(tmp_path)
    assert finetune(dataclasses.replace(tuned[0], out=tmp_path), SCORER).accepted
    assert digests(tmp_path) == before


def test_a_child_can_be_fine_tuned_and_remembers_all_its_parents(tuned, wide_cases, tmp_path):
    child = load_bundle(tuned[1].folder)
    grandchild = load_bundle(
        finetune(a_request(child, wide_cases, tmp_path, steps=2, replace=True), SCORER).folder
    )
    assert grandchild.metadata["version"] == "0.2.0+finetune.2"
    assert grandchild.metadata["provenance"]["parent"]["provenance"] == child.metadata["provenance"]


def test_with_nothing_held_out_only_forgetting_is_watched(parent, wide_cases, tmp_path):
    outcome = finetune(
        a_request(parent, wide_cases, tmp_path, HoldOut(participants=()), steps=2), SCORER
    )
    assert outcome.accepted
    assert outcome.before.scores == outcome.after.scores == {}
    assert (
        json.loads((outcome.folder / "configs/metadata.json").read_text(encoding="utf-8"))[
            "provenance"
        ]["finetuning"]["held_out_after"]
        == {}
    )


def test_the_bundle_to_begin_with_is_never_in_the_way(parent, wide_cases, tmp_path):
    inside = write_bundle(tmp_path / "bundle", parent.network(parent.segmenter).state_dict())
    for out in (tmp_path, tmp_path / "bundle" / "more"):
        with pytest.raises(InputError, match="must stay as it is"):
            finetune(a_request(inside, wide_cases, out), SCORER)


def test_a_bundle_of_another_kind_is_refused_in_a_sentence(parent, wide_cases, tmp_path):
    plan = CentreCrop(
        NetworkSpec(("models/network.safetensors",), TINY),
        tile=(16, 16, 16),
        crop=(16, 16, -1),
        divisible_by=8,
    )
    other = dataclasses.replace(parent, locator=None, segmenter=None, plan=plan)
    request = dataclasses.replace(a_request(parent, wide_cases, tmp_path), parent=other)
    with pytest.raises(InputError, match="Only bundles of a locator and a segmenter"):
        finetune(request, SCORER)
    assert list(tmp_path.iterdir()) == []


def test_it_says_how_long_it_will_take(tuned):
    (sentence,) = tuned[2]
    assert sentence.startswith("Training takes about ")
