"""The rest of a data set segmented again: what is left alone, what is kept on top, what is shown
before, and what a killed run leaves.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from cli.fakes import a_neck, engine, names_in, soft_from_brightness, values
from SoftCordSegLib.bids import Kind, is_as_described, is_corrected, read_sidecar, sidecar_path
from SoftCordSegLib.errors import Cancelled, OptionError
from SoftCordSegLib.files import file_sha256
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.review.verdicts import Judgement
from SoftCordSegLib.volume import read_nifti, write_nifti
from SoftCordSegLib.workflows.review.again_plan import plan_again
from SoftCordSegLib.workflows.review.review_doubt import doubt_of_mask
from SoftCordSegLib.workflows.review.segment_again import (
    again_folder,
    apply_again,
    discard_again,
    finish_again,
    propose_again,
    read_proposal,
)
from workflows.again_dataset import (
    NEW,
    NEW_MM,
    OLD,
    OLD_MM,
    AgainDataset,
    again_dataset,
    some_edits,
)

# What the new model makes of an image.
NEW_SOFT = np.clip(a_neck(NEW_MM).data / 1000, 0, 1).astype(np.float32)


def propose(dataset, **options):
    with engine(soft_from_brightness):
        return propose_again(dataset.root, plan_again(dataset.root, NEW), NEW, **options)


def sums(root: Path) -> dict[str, str]:
    """Of all files but of what waits."""
    return {
        path.relative_to(root).as_posix(): file_sha256(path)
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".again" not in path.parts
    }


def reasons(proposal) -> dict[str, str]:
    return {row.key.rpartition("/")[2]: row.reason for row in proposal.rows}


def check_whole(dataset: AgainDataset, name: str, radius_mm: float) -> None:
    """The mask, its cut and its sidecar are of one model."""
    mask, content = dataset.file(name), read_sidecar(sidecar_path(dataset.file(name)))
    assert is_as_described(mask) is True
    assert is_as_described(dataset.file(name, Kind.BINARY_MASK)) is True
    version = {NEW_MM: NEW, OLD_MM: OLD}[radius_mm].metadata
    assert content["Model"]["Name"] == version["name"]
    assert np.array_equal(values(mask), np.clip(a_neck(radius_mm).data / 1000, 0, 1))


def percent(row) -> float:
    """By which the mean area of a case moves."""
    return 100.0 * (row.after_mm2 / row.before_mm2 - 1.0)


def test_corrections_stay_on_top_of_the_new_mask(tmp_path):
    dataset, edits = again_dataset(tmp_path), some_edits(0.4)
    dataset.add_image("sub-01_T2w")
    dataset.add_mask("sub-01_T2w", edits=edits, threshold=0.4)
    edit_map = file_sha256(dataset.file("sub-01_T2w", Kind.EDIT_MAP))

    proposal = propose(dataset)
    (row,) = apply_again(dataset.root)

    assert (row.reason, row.edited) == ("", np.count_nonzero(edits))
    soft = values(dataset.file("sub-01_T2w"))
    assert np.array_equal(soft[edits == 0], NEW_SOFT[edits == 0])
    assert not np.array_equal(soft, NEW_SOFT)
    assert (soft[edits > 0] >= np.float32(0.4)).all()
    assert (soft[edits < 0] < np.float32(0.4)).all()
    assert (soft[edits > 0] < 1).any(), "the rim of what was added is soft"
    cut = values(dataset.file("sub-01_T2w", Kind.BINARY_MASK))
    assert np.array_equal(cut, soft >= np.float32(0.4))
    assert file_sha256(dataset.file("sub-01_T2w", Kind.EDIT_MAP)) == edit_map
    content = read_sidecar(sidecar_path(dataset.file("sub-01_T2w")))
    history = [one["Name"] for one in content["GeneratedBy"]]
    assert history == ["SoftCordSeg", "old", "Manual", "a-model"]
    assert content["GeneratedBy"][2]["Author"] == "Anna"
    assert content["CorrectedByHand"] == {
        "VoxelsAdded": int((edits > 0).sum()),
        "VoxelsRemoved": int((edits < 0).sum()),
    }
    assert is_corrected(content)
    assert (content["Threshold"], content["Laboratory"]) == (0.4, "ours")
    assert content["Model"]["Name"] == "a-model"
    mask, image = dataset.file("sub-01_T2w"), dataset.image("sub-01_T2w")
    doubt = doubt_of_mask(read_nifti(mask), read_nifti(image))
    assert content["Doubt"] == doubt, "of the mask with its corrections"
    assert is_as_described(dataset.file("sub-01_T2w")) is True
    assert proposal.model == NEW.name
    assert not again_folder(dataset.root).exists()


def test_what_people_vouch_for_and_what_is_not_ours_stays(tmp_path):
    names = ("passed", "artefact", "failed", "stale", "changed", "noedits")
    dataset = again_dataset(tmp_path, *(f"sub-{name}_T2w" for name in names))
    dataset.judge("sub-passed_T2w", Judgement.PASS)
    dataset.judge("sub-artefact_T2w", Judgement.ARTEFACT)
    dataset.judge("sub-failed_T2w", Judgement.PASS)
    dataset.judge("sub-failed_T2w", Judgement.FAIL, rater="Ben")
    dataset.judge("sub-stale_T2w", Judgement.PASS, sha256="ab" * 32)
    write_nifti(a_neck(4.2), dataset.file("sub-changed_T2w"))
    dataset.add_mask("sub-noedits_T2w", edits=some_edits())
    dataset.file("sub-noedits_T2w", Kind.EDIT_MAP).unlink()
    dataset.add_image("sub-drawn_T2w")
    dataset.folder("sub-drawn_T2w").mkdir(parents=True)
    write_nifti(a_neck(4.5), dataset.folder("sub-drawn_T2w") / "sub-drawn_T2w_seg-manual.nii.gz")
    dataset.add_image("sub-partly_T2w")
    dataset.add_mask("sub-partly_T2w", edits=some_edits())
    sidecar = sidecar_path(dataset.file("sub-partly_T2w"))
    history = [{"Name": "another program"}, *read_sidecar(sidecar)["GeneratedBy"]]
    sidecar.write_text(
        json.dumps({**read_sidecar(sidecar), "GeneratedBy": history}), encoding="utf-8"
    )
    dataset.add_image("sub-none_T2w")
    dataset.image("sub-broken_T2w").parent.mkdir(parents=True)
    dataset.image("sub-broken_T2w").write_bytes(b"no image at all, but long enough to look at one")
    before = sums(tmp_path)

    proposal = propose(dataset)

    said = {key[4:-4]: reason for key, reason in reasons(proposal).items()}
    assert said == {
        "passed": "The mask was passed.",
        "artefact": "The image has an artefact, as a rater says.",
        "failed": "",
        "stale": "",
        "changed": "The mask is not the one that its sidecar describes.",
        "noedits": "The mask was corrected by hand, and the map of its edits is not there.",
        "drawn": "Its masks are by others.",
        "partly": "Its masks are by others.",
        "none": "",
        "broken": said["broken"],
    }
    assert "not a NIfTI image" in said["broken"]
    assert sums(tmp_path) == before

    apply_again(dataset.root)

    for name in ("failed", "stale"):
        check_whole(dataset, f"sub-{name}_T2w", NEW_MM)
    new = dataset.file("sub-none_T2w")
    assert np.array_equal(values(new), NEW_SOFT)
    after = sums(tmp_path)
    changed = {name for name in before if after[name] != before[name]}
    assert all("sub-failed" in name or "sub-stale" in name for name in changed)
    added = {name.rpartition("/")[2] for name in set(after) - set(before)}
    assert added == {new.name, sidecar_path(new).name}


def test_drift_is_known_before_anything_is_replaced(tmp_path):
    dataset = again_dataset(tmp_path, "sub-01_T2w", "sub-02_T1w")
    dataset.add_image("sub-03_T2w")
    before = sums(tmp_path)

    proposal = propose(dataset)

    assert sums(tmp_path) == before
    assert read_proposal(dataset.root) == proposal
    one, other, first = proposal.rows
    soft_areas = [np.clip(a_neck(r).data / 1000, 0, 1)[:, :, 9].sum() for r in (OLD_MM, NEW_MM)]
    assert (one.before_mm2, one.after_mm2) == pytest.approx(soft_areas, abs=1e-3)
    assert math.isnan(first.before_mm2)
    drifts = {drift["dataset"]: drift for drift in proposal.drifts}
    assert drifts.keys() == {"T2w", "T1w"}
    assert drifts["T2w"]["images"] == 1
    assert drifts["T1w"]["mean_percent"] == pytest.approx(percent(other), abs=1e-3)
    limit = percent(one)
    assert proposal.beyond(limit + 0.01) == []
    said = proposal.beyond(10)
    assert len(said) == 2
    assert all("from before to after" in sentence for sentence in said)

    discard_again(dataset.root)

    assert sums(tmp_path) == before
    assert not again_folder(dataset.root).exists()
    with pytest.raises(OptionError, match="No new masks wait"):
        apply_again(dataset.root)


def test_a_run_that_was_stopped_goes_on_and_does_nothing_twice(tmp_path):
    dataset = again_dataset(tmp_path, "sub-01_T2w", "sub-02_T2w", "sub-03_T2w")
    segmented = []

    def counting(image, bundle, **options):
        segmented.append(len(segmented))
        return soft_from_brightness(image, bundle, **options)

    stop = Progress(None, lambda: len(segmented) == 2)
    plan = plan_again(dataset.root, NEW)
    with engine(counting), pytest.raises(Cancelled):
        propose_again(dataset.root, plan, NEW, progress=stop)
    done = len(segmented)
    assert read_proposal(dataset.root) is None
    # Its mask has got a correction meanwhile: what was done for the old one is done again.
    dataset.add_mask("sub-01_T2w", edits=some_edits())
    with engine(counting):
        proposal = propose_again(dataset.root, plan_again(dataset.root, NEW), NEW)

    assert done == 2
    assert len(segmented) - done == 3
    assert [bool(row.edited) for row in proposal.rows] == [True, False, False]


def test_a_mask_that_was_changed_meanwhile_is_left_as_it_is(tmp_path):
    dataset = again_dataset(tmp_path, "sub-01_T2w", "sub-02_T2w")
    propose(dataset)
    dataset.add_mask("sub-01_T2w", edits=some_edits())
    corrected = sums(tmp_path)

    changed, other = apply_again(dataset.root)

    assert "changed since" in changed.reason
    assert other.reason == ""
    check_whole(dataset, "sub-02_T2w", NEW_MM)
    assert {n: s for n, s in sums(tmp_path).items() if "sub-01" in n} == {
        n: s for n, s in corrected.items() if "sub-01" in n
    }


class Killed(BaseException):
    """As a kill: nothing that catches errors catches it."""


# The first is the note that somebody agreed, then come three files a case.
@pytest.mark.parametrize("renames", [2, 4])
def test_a_run_killed_at_any_rename_is_finished_by_the_next(tmp_path, monkeypatch, renames):
    dataset = again_dataset(tmp_path, "sub-01_T2w", "sub-02_T2w")
    propose(dataset)
    real, left = os.replace, [renames]

    def replace(*arguments):
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        real(*arguments)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(Killed):
        apply_again(dataset.root)
    monkeypatch.setattr(os, "replace", real)

    finish_again(dataset.root)

    for name in ("sub-01_T2w", "sub-02_T2w"):
        check_whole(dataset, name, NEW_MM)
        assert names_in(dataset.folder(name)) == sorted(
            [
                dataset.file(name).name,
                dataset.file(name, Kind.BINARY_MASK).name,
                sidecar_path(dataset.file(name)).name,
            ]
        )
    assert not again_folder(dataset.root).exists()


def test_what_nobody_agreed_to_is_not_put_in_place(tmp_path):
    dataset = again_dataset(tmp_path, "sub-01_T2w")
    propose(dataset)

    assert finish_again(dataset.root) == []

    check_whole(dataset, "sub-01_T2w", OLD_MM)
    assert read_proposal(dataset.root) is not None


def test_the_same_model_again_has_nothing_to_do(tmp_path):
    dataset = again_dataset(tmp_path, "sub-01_T2w")
    propose(dataset)
    apply_again(dataset.root)

    assert reasons(propose(dataset)) == {"sub-01_T2w": "The mask is by this model already."}
