"""The loop from end to end, with the shipped model and a process of its own: cases that it gets
wrong are corrected, teach it for two minutes, and it does better on their twins and no worse on the
phantoms; then the rest is segmented again, with every correction kept.

A twin is the neck of a corrected case with other noise, in the same and in another contrast, and of
another participant, who is held out.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from review.review_dataset import _scan as scan_of
from review.review_dataset import neck_image, true_mask
from review.spoiling import blurred
from SoftCordSegLib.bids import (
    Kind,
    hashed_writers,
    label_name,
    segmentation_sidecar,
    session_folder,
    sidecar_path,
    with_correction,
)
from SoftCordSegLib.correction import carry_rims, edits_from, merge
from SoftCordSegLib.files import write_together
from SoftCordSegLib.network.store import open_bundle
from SoftCordSegLib.processes import is_alive, let_go
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.review.review_cases import find_review_cases
from SoftCordSegLib.segmentation import segment_within_memory
from SoftCordSegLib.training.finetune.weight_share import LARGEST_DRIFT, LARGEST_FALL
from SoftCordSegLib.volume import Volume, read_nifti, write_nifti
from SoftCordSegLib.workflows.finetune_bundle import compare, share_note
from SoftCordSegLib.workflows.live_run import RunState, wait_for
from SoftCordSegLib.workflows.review.judged_cases import judged_mask
from SoftCordSegLib.workflows.review.segment_again import (
    again_folder,
    apply_again,
    read_proposal,
    start_again,
)
from SoftCordSegLib.workflows.review.teach_model import (
    TeachingPlan,
    TeachOptions,
    keep_taught,
    start_teaching,
    teaching_folder,
    teaching_of,
)
from SoftCordSegLib.workflows.review.training_python import find_training_python

STEPS = int(os.environ.get("SOFTCORD_TEACH_STEPS", "80"))
ANATOMIES = (0, 1, 2, 3)
# Participants: corrected, twin in the same contrast, twin in another one, sharp scans that were
# passed as they are in both, and the rest, not looked at yet.
CORRECTED, SAME, OTHER, PASSED, PASSED_OTHER, REST = 0, 10, 20, 30, 40, 50


def scan(contrast: str, number: int, seed: int, sharp: bool) -> tuple[Volume, Volume]:
    """A scan of a neck, and the truth; where it is blurred, the shipped model loses a tenth."""
    affine = scan_of(contrast).grid().affine
    image = neck_image(contrast, number, seed).astype(np.float32)
    image = image if sharp else blurred(image, None).astype(np.float32)
    truth = true_mask(contrast, number).astype(np.float32)
    return tuple(Volume(np.ascontiguousarray(one), affine) for one in (image, truth))


class Cohort:
    """The data set; the truth of each case stays here."""

    def __init__(self, root: Path):
        self.root, self.truths, self.edits = root, {}, {}
        self.bundle = open_bundle(None)

    def add(self, participant: int, contrast: str, number: int, seed: int, how: str) -> None:
        name = f"sub-{participant:02d}_{contrast}"
        image, truth = scan(contrast, number, seed, how == "passed")
        path = session_folder(self.root, name.split("_")[0], "anat") / f"{name}.nii.gz"
        write_nifti(image, path)
        self.truths[name] = truth
        made = segment_within_memory(image, self.bundle, device="cpu")
        soft, content = made.volume, segmentation_sidecar(made, self.bundle, path.name)
        mask = self.file(name)
        masks = {}
        if how in ("corrected", "truth"):
            soft, edits = self._corrected(soft, truth)
            content = with_correction(
                content, "Anna", int((edits > 0).sum()), int((edits < 0).sum())
            )
            content["Threshold"] = 0.5
            self.edits[name] = edits
            masks[self.file(name, Kind.EDIT_MAP)] = lambda out: write_nifti(
                truth.with_data(edits), out
            )
        if how == "truth":
            soft = truth
        masks = {mask: lambda out: write_nifti(soft, out, np.float32), **masks}
        write_together(hashed_writers(masks, sidecar_path(mask), content))

    def file(self, name: str, kind: Kind = Kind.SOFT_MASK) -> Path:
        folder = self.root / "derivatives" / "labels"
        return session_folder(folder, name.split("_")[0], "anat") / label_name(name, kind)

    @staticmethod
    def _corrected(soft: Volume, truth: Volume) -> tuple[Volume, np.ndarray]:
        """As a rater who paints the segment until it is right, and knows nothing of soft values."""
        p0 = np.ascontiguousarray(soft.data, np.float32)
        before, spacing = np.zeros(p0.shape, np.int8), [float(size) for size in soft.spacing]
        edits = edits_from(truth.data >= 0.5, p0, before, 0.5)
        everywhere = tuple(slice(0, size) for size in p0.shape)
        carry_rims(edits, before, p0, 0.5, spacing, everywhere)
        return soft.with_data(merge(p0, edits, 0.5, spacing)), edits

    def plan(self) -> TeachingPlan:
        """Corrected and passed cases teach, the twins are held out."""
        judged = {
            case.participant: judged_mask(self.root, case, case.mask, ())
            for case in find_review_cases(self.root)
        }
        parts = {
            part: tuple(judged[f"sub-{part + n:02d}"] for n in range(len(ANATOMIES)))
            for part in (CORRECTED, SAME, OTHER, PASSED, PASSED_OTHER)
        }
        return TeachingPlan(
            (*parts[CORRECTED], *parts[PASSED], *parts[PASSED_OTHER]),
            (*parts[SAME], *parts[OTHER]),
        )


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    made = Cohort(tmp_path_factory.mktemp("cohort") / "data")
    for place, number in enumerate(ANATOMIES):
        made.add(CORRECTED + place, "T2w", number, 5, "corrected")
        made.add(SAME + place, "T2w", number, 6, "truth")
        made.add(OTHER + place, "T1w", number, 7, "truth")
        made.add(PASSED + place, "T2w", number, 9, "passed")
        made.add(PASSED_OTHER + place, "T1w", number, 9, "passed")
    for place in (0, 1):
        made.add(REST + place, "T2w", 4 + place, 8, "predicted")
    return made


def show(report: dict) -> None:
    """The table of the documentation."""
    print(f"volume of the phantoms' cords {report['watched_volume_change_percent']:+.1f} %")
    print(share_note(report))
    for one in report["contrasts"]:
        print(
            f"{one['group']:9} {one['contrast']:8} soft Dice {one['soft_dice_before']:.4f} ->"
            f" {one['soft_dice_after']:.4f}, Dice {one['dice_before']:.4f} ->"
            f" {one['dice_after']:.4f}, volume error % {one['volume_error_percent_before']:.1f}"
            f" -> {one['volume_error_percent_after']:.1f}"
        )


def test_two_minutes_on_corrected_cases(cohort, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SOFTCORDSEG_MODELS", str(tmp_path / "models"))
    python, options = find_training_python(), TeachOptions(steps=STEPS, device="cpu")

    process = start_teaching(cohort.root, cohort.plan(), options, python)
    live = wait_for(teaching_folder(cohort.root), Progress())
    while is_alive(process):  # its time counts when it is gone
        let_go(process)
        time.sleep(0.1)
    used = os.times()

    log = (teaching_folder(cohort.root) / "log.txt").read_text(encoding="utf-8")
    assert live.state is RunState.FINISHED, (live, log)
    taught = teaching_of(cohort.root)
    contrasts = {(one["group"], one["contrast"]): one for one in taught.report["contrasts"]}
    with capsys.disabled():
        seconds = taught.report["seconds_of_training"]
        print(
            f"\n{STEPS} steps in {seconds} s, {used.children_user:.0f} s of processor time in all"
        )
        show(taught.report)
    assert taught.accepted, taught.report["objections"]
    twins = contrasts["held out", "T2w"]
    for measure in ("soft_dice", "dice"):
        wrong = 1 - twins[f"{measure}_before"]
        # 0.10.0 by its own loss: 0.69 and 0.77; by another one (adaptive wing) Dice had 0.84.
        assert 1 - twins[f"{measure}_after"] < 0.82 * wrong, measure
    watched = taught.report["watched"]
    assert watched["after"]["soft_dice"] > watched["before"]["soft_dice"] - LARGEST_FALL
    assert abs(taught.report["watched_volume_change_percent"]) <= LARGEST_DRIFT

    keep_taught(cohort.root, "ours")
    before = {name: read_nifti(cohort.file(name)) for name in cohort.truths}
    start_again(cohort.root, "ours", python, "cpu")
    assert wait_for(again_folder(cohort.root), Progress()).state is RunState.FINISHED
    with capsys.disabled():
        print(json.dumps(read_proposal(cohort.root).drifts, indent=1))
    rows = {row.key.rpartition("/")[2]: row for row in apply_again(cohort.root)}

    assert not [row.reason for row in rows.values() if row.reason]
    for name, edits in cohort.edits.items():
        if name in rows:
            soft = read_nifti(cohort.file(name)).data
            assert (soft[edits > 0] >= 0.5).all()
            assert (soft[edits < 0] < 0.5).all()
    for name in (f"sub-{REST + place:02d}_T2w" for place in (0, 1)):
        old, new = (
            compare(before[name], cohort.truths[name]),
            compare(read_nifti(cohort.file(name)), cohort.truths[name]),
        )
        with capsys.disabled():
            print(f"{name}, segmented again: Dice {old.dice:.4f} -> {new.dice:.4f}")
        assert new.dice > old.dice
