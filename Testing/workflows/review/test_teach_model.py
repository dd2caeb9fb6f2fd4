"""Teaching: what is learned from and what is held out, the process that does it, what it says on
the way, and what becomes of the new bundle.
"""

from __future__ import annotations

import json
import time
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from SoftCordSegLib.errors import Cancelled, InputError, ModelError, OptionError
from SoftCordSegLib.files import file_sha256
from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.network.store import Store
from SoftCordSegLib.review.verdicts import Judgement
from SoftCordSegLib.volume import write_nifti
from SoftCordSegLib.workflows.live_run import RunState, read_live, request_stop
from SoftCordSegLib.workflows.review import segment_again
from SoftCordSegLib.workflows.review.teach_model import (
    TeachOptions,
    discard_taught,
    keep_taught,
    plan_teaching,
    run_teaching,
    start_teaching,
    teaching_folder,
    teaching_of,
)
from SoftCordSegLib.workflows.review.training_python import find_training_python
from training.finetune.necks import a_neck
from workflows.teach_dataset import Reviewed, stand_ins


@pytest.fixture
def reviewed(tmp_path):
    return Reviewed(tmp_path / "data")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    return stand_ins(tmp_path, monkeypatch)


@pytest.fixture
def here(monkeypatch):
    """The process that was asked for, run by the test itself; what was asked."""
    asked = []

    def note(folder, model, python):
        asked.append((folder, model))
        return 0

    monkeypatch.setattr("SoftCordSegLib.workflows.review.teach_model.start_task", note)
    return asked


def quick(tiny, **changes) -> TeachOptions:
    return TeachOptions(
        model=tiny.folder, **{"steps": 2, "device": "cpu", "workers": 0, "threads": 1, **changes}
    )


def taught(reviewed, tiny, here, **changes):
    """Teach in this process."""
    options = quick(tiny, **changes)
    start_teaching(reviewed.root, plan_teaching(reviewed.root, options), options, None)
    run_teaching(here[-1][0], str(tiny.folder))


def names(masks) -> set[str]:
    return {one.case.participant for one in masks}


def test_corrected_and_passed_masks_teach_and_no_others(reviewed):
    reviewed.add(1, corrected=True)
    reviewed.add(2, corrected=True, judgement=Judgement.PASS)
    reviewed.add(3, corrected=True, judgement=Judgement.TO_CORRECT)
    reviewed.add(4, judgement=Judgement.PASS)
    reviewed.add(5)
    reviewed.add(6, judgement=Judgement.FAIL)
    reviewed.add(7, judgement=Judgement.ARTEFACT)
    file = reviewed.add(8, judgement=Judgement.PASS)
    reviewed.judge("sub-08/anat/sub-08_T2w", file, Judgement.FAIL, "Ben")
    file = reviewed.add(9, judgement=Judgement.PASS)
    write_nifti(a_neck(10)[1], file)
    file = reviewed.add(10, judgement=Judgement.FAIL)
    reviewed.judge("sub-10/anat/sub-10_T2w", file, Judgement.PASS)

    everything = plan_teaching(reviewed.root)
    corrected = plan_teaching(reviewed.root, TeachOptions(passed=False))

    chosen = names(everything.training) | names(everything.held_out)
    assert chosen == {"sub-01", "sub-02", "sub-04", "sub-10"}
    assert names(corrected.training) | names(corrected.held_out) == {"sub-01", "sub-02"}
    assert len(corrected.training) == len(corrected.held_out) == 1


def test_of_the_corrected_participants_some_are_held_out_whole(reviewed):
    for number in (1, 2, 3):
        for contrast in ("T1w", "T2w"):
            reviewed.add(number, corrected=True, contrast=contrast)
    for number in range(4, 9):
        reviewed.add(number, judgement=Judgement.PASS)

    plans = [
        plan_teaching(reviewed.root, TeachOptions(hold_out=0.3, seed=seed)) for seed in range(4)
    ]

    corrected = {"sub-01", "sub-02", "sub-03"}
    for plan in plans:
        assert not names(plan.training) & names(plan.held_out)
        assert len(names(plan.held_out) & corrected) == 1
        assert len(names(plan.held_out) - corrected) == 2
        assert plan.corrected == 4
    assert len({frozenset(names(plan.held_out)) for plan in plans}) > 1
    assert plan_teaching(reviewed.root, TeachOptions(hold_out=0.0)).held_out == ()


def test_one_corrected_participant_is_learned_from_and_passed_ones_are_held_out(reviewed):
    reviewed.add(1, corrected=True)
    with pytest.raises(InputError, match="all cases are of one participant"[1:]):
        plan_teaching(reviewed.root)
    reviewed.add(2, judgement=Judgement.PASS)

    plan = plan_teaching(reviewed.root)

    assert (names(plan.training), names(plan.held_out)) == ({"sub-01"}, {"sub-02"})
    assert "cannot be measured" in plan.notes[0]


def test_nothing_to_learn_from_is_said(reviewed):
    reviewed.add(1)
    with pytest.raises(InputError, match="nothing to learn from"):
        plan_teaching(reviewed.root)


def test_taught_compared_and_kept(reviewed, tiny, here):
    for number in (1, 2, 3, 4, 5):
        reviewed.add(number, corrected=True, contrast="T2w" if number % 2 else "T1w")
    data = {p: file_sha256(p) for p in reviewed.root.rglob("*.nii.gz")}

    taught(reviewed, tiny, here)
    state = teaching_of(reviewed.root)

    assert state.live.state is RunState.FINISHED
    assert state.accepted is True
    assert state.report["held_out"]["after"]["dice"] > state.report["held_out"]["before"]["dice"]
    (held_out,) = plan_teaching(reviewed.root, quick(tiny)).held_out
    rows = {(one["group"], one["contrast"]): one for one in state.report["contrasts"]}
    assert rows.keys() == {("held out", held_out.case.contrast), ("watched", "T2w")}
    assert rows["watched", "T2w"]["soft_dice_after"] > rows["watched", "T2w"]["soft_dice_before"]
    assert [step for step, _loss, _dice in state.curve] == [1, 2]
    assert all(loss > 0 for _step, loss, _dice in state.curve)
    assert state.curve[-1][2] is not None

    with pytest.raises(OptionError, match="neither kept nor discarded"):
        start_teaching(reviewed.root, plan_teaching(reviewed.root), quick(tiny), None)
    with pytest.raises(ModelError, match="not a valid name"):
        keep_taught(reviewed.root, "../elsewhere")
    place = keep_taught(reviewed.root, "ours")

    assert place == Store().installed("ours")
    provenance = load_bundle(place).metadata["provenance"]
    assert provenance["parent"]["name"] == "tiny"
    learnt = [one for one in provenance["finetuning"]["cases"] if one["part"] == "training"]
    assert len(learnt) == 4
    assert str(reviewed.root) not in json.dumps(provenance)
    state = teaching_of(reviewed.root)
    assert (state.decision["kept"], state.accepted) == ("ours", None)
    assert not list(teaching_folder(reviewed.root).rglob("*.safetensors"))
    assert {p: file_sha256(p) for p in data} == data

    # The next one begins with it, and holds out whom it has not seen.
    again = plan_teaching(reviewed.root, TeachOptions(model="ours", seed=5))
    assert names(again.held_out) == {held_out.case.participant}


def test_discarded_and_taught_anew(reviewed, tiny, here):
    for number in (1, 2):
        reviewed.add(number, corrected=True)
    taught(reviewed, tiny, here)

    discard_taught(reviewed.root)

    state = teaching_of(reviewed.root)
    assert (state.decision["discarded"], state.accepted) == (True, None)
    assert not list(teaching_folder(reviewed.root).rglob("*.safetensors"))
    with pytest.raises(OptionError, match="no new bundle"):
        keep_taught(reviewed.root, "ours")
    taught(reviewed, tiny, here)
    assert teaching_of(reviewed.root).accepted is True
    assert teaching_of(reviewed.root).decision == {}


def test_a_worse_bundle_is_kept_only_when_told(reviewed, tiny, here, monkeypatch):
    for number in (1, 2):
        reviewed.add(number, corrected=True)

    def worse(image, bundle, **_options):
        soft = image.data.clip(0, 1)
        if bundle.folder != tiny.folder:
            soft = ndimage.grey_erosion(soft, size=(3, 3, 1))
        return SimpleNamespace(volume=image.with_data(soft.astype(np.float32)))

    monkeypatch.setattr("SoftCordSegLib.segmentation.segment_within_memory", worse)
    taught(reviewed, tiny, here)

    assert teaching_of(reviewed.root).accepted is False
    assert "worse" in teaching_of(reviewed.root).report["objections"][0]
    with pytest.raises(OptionError, match="worse"):
        keep_taught(reviewed.root, "ours")
    keep_taught(reviewed.root, "ours", worse_too=True)
    assert Store().has("ours")


def test_stopped_it_says_so_and_goes_on_to_the_same_end(reviewed, tiny, here):
    for number in (1, 2, 3):
        reviewed.add(number, corrected=True)
    options = quick(tiny, steps=3)
    start_teaching(reviewed.root, plan_teaching(reviewed.root, options), options, None)
    folder = teaching_folder(reviewed.root)
    request_stop(folder)

    with pytest.raises(Cancelled):
        run_teaching(folder, str(tiny.folder))
    stopped = teaching_of(reviewed.root)
    run_teaching(folder, str(tiny.folder))

    assert stopped.live.state is RunState.STOPPED
    assert (stopped.report, stopped.accepted) == ({}, None)
    assert teaching_of(reviewed.root).live.state is RunState.FINISHED
    assert teaching_of(reviewed.root).curve[-1][0] == 3


def test_a_broken_case_costs_itself_only(reviewed, tiny, here):
    files = [reviewed.add(number, corrected=True) for number in (1, 2, 3, 4)]
    images = [reviewed.root / f"sub-0{n}" / "anat" / f"sub-0{n}_T2w.nii.gz" for n in (1, 2, 3, 4)]
    plan = plan_teaching(reviewed.root, quick(tiny))
    broken, twin, good = (
        next(n for n, image in enumerate(images) if one.case.image == image)
        for one in plan.training
    )
    options = quick(tiny)
    start_teaching(reviewed.root, plan, options, None)
    images[broken].write_bytes(images[broken].read_bytes()[:300])
    for kind in (images, files):
        kind[twin].write_bytes(kind[good].read_bytes())

    run_teaching(here[-1][0], str(tiny.folder))

    state = teaching_of(reviewed.root)
    assert state.live.state is RunState.FINISHED
    assert len(state.left_out) == 2
    assert state.left_out[0].startswith(f"'{images[broken].name}': The file is not a NIfTI image")
    assert "there twice" in state.left_out[1]
    metadata = load_bundle(teaching_folder(reviewed.root) / "bundle").metadata
    cases = metadata["provenance"]["finetuning"]["cases"]
    assert sorted(one["part"] for one in cases) == ["held_out", "training"]


def test_what_fails_says_why_without_a_path_of_the_machine(reviewed, tiny, here):
    other, file = (reviewed.add(number, corrected=True) for number in (1, 2))
    options = quick(tiny)
    start_teaching(reviewed.root, plan_teaching(reviewed.root, options), options, None)
    write_nifti(a_neck(2)[1].with_data(np.zeros_like(a_neck(2)[1].data)), file)

    write_nifti(a_neck(1)[1].with_data(np.zeros_like(a_neck(1)[1].data)), other)

    with pytest.raises(InputError, match="empty"):
        run_teaching(here[-1][0], str(tiny.folder))

    live = teaching_of(reviewed.root).live
    assert live.state is RunState.FAILED
    assert "Nothing is left to learn from. The mask is empty" in live.message
    for path in teaching_folder(reviewed.root).iterdir():
        if path.is_file():
            assert str(reviewed.root) not in path.read_text(encoding="utf-8"), path.name


def test_a_process_of_its_own_does_what_the_folder_says(reviewed, tiny, tmp_path):
    """A whole one, started as the panel starts it: that of segmenting again, which is quick."""
    reviewed.add(1)
    process = segment_again.start_again(reviewed.root, tiny.folder, find_training_python(), "cpu")
    folder = segment_again.again_folder(reviewed.root)
    assert process > 0
    with pytest.raises(OptionError, match="A process is working"):
        segment_again.start_again(reviewed.root, tiny.folder, find_training_python())

    end = time.monotonic() + 120
    while read_live(folder).state.is_alive and time.monotonic() < end:
        time.sleep(0.2)

    log = (folder / "log.txt").read_text(encoding="utf-8")
    assert read_live(folder).state is RunState.FINISHED, log
    (row,) = segment_again.read_proposal(reviewed.root).rows
    assert row.is_proposed, row.reason
    assert str(tmp_path) not in log + (folder / "proposal.json").read_text(encoding="utf-8")
