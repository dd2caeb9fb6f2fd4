"""Segmenting the rest again, killed at every rename and at random moments, while new masks are made
and while they are put in place: the next run finishes it, every case is whole, and every correction
by hand is there.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np

from cli.fakes import engine, soft_from_brightness, values
from SoftCordSegLib.bids import Kind, is_as_described, read_sidecar, sidecar_path
from SoftCordSegLib.files import file_sha256
from SoftCordSegLib.workflows.review.again_plan import plan_again
from SoftCordSegLib.workflows.review.segment_again import (
    again_folder,
    apply_again,
    finish_again,
    propose_again,
)
from stress.forked import in_a_fork
from stress.stress_kills import MOMENTS, killed_after, killed_at_rename, look
from stress.tally import LEFT, LOST, WRONG, Tally, tally
from workflows.again_dataset import NEW, AgainDataset, again_dataset, some_edits
from workflows.review.test_segment_again import NEW_SOFT

NAMES = ("sub-01_T2w", "sub-02_T2w", "sub-03_T1w")
CORRECTED = "sub-02_T2w"


def work(root: Path):
    def run() -> None:
        with engine(soft_from_brightness):
            finish_again(root)
            propose_again(root, plan_again(root, NEW), NEW)
            if again_folder(root).is_dir():
                apply_again(root)

    return run


def check(dataset: AgainDataset, counted: Tally, when: str) -> None:
    """After the next run."""
    edits = some_edits()
    for name in NAMES:
        mask, case = dataset.file(name), f"{when}: {name}"
        soft, corrected = values(mask), name == CORRECTED
        free = edits == 0 if corrected else np.ones(edits.shape, bool)
        if not np.array_equal(soft[free], NEW_SOFT[free]):
            counted.add(WRONG, case, "not the new mask")
        elif corrected and not (
            (soft[edits > 0] >= 0.5).all()
            and (soft[edits < 0] < 0.5).all()
            and np.array_equal(values(dataset.file(name, Kind.EDIT_MAP)), edits)
        ):
            counted.add(LOST, case, "a correction")
        elif not is_as_described(mask) or not is_as_described(dataset.file(name, Kind.BINARY_MASK)):
            counted.add(WRONG, case, "the sidecar is of another mask")
        elif [one["Name"] for one in read_sidecar(sidecar_path(mask))["GeneratedBy"]][-1] != (
            NEW.metadata["name"]
        ):
            counted.add(LOST, case, "the history")
        else:
            counted.add("accepted")
    if again_folder(dataset.root).exists():
        counted.add(LEFT, when, "what waited")


def test_killed_at_every_rename_and_at_random_moments(tmp_path):
    counted = tally("segment again, killed")
    dataset = again_dataset(tmp_path / "made", *NAMES)
    dataset.add_mask(CORRECTED, edits=some_edits())
    images = {name: file_sha256(dataset.image(name)) for name in NAMES}
    copy, log = AgainDataset(tmp_path / "copy"), tmp_path / "log"

    def fresh() -> Path:
        shutil.rmtree(copy.root, ignore_errors=True)
        return Path(shutil.copytree(dataset.root, copy.root))

    begin = time.monotonic()
    end = in_a_fork(work(fresh()), log)
    seconds = time.monotonic() - begin
    assert end.code == 0, end.said
    check(copy, counted, "not killed")
    random = np.random.default_rng(0)
    ways = [
        (f"moment {at:.3f}", lambda run, at=at: killed_after(run, at))
        for at in random.uniform(0.01, seconds, MOMENTS)
    ]
    number = 0
    while True:
        when, killed = f"rename {number}", lambda run, n=number: killed_at_rename(run, n)
        if in_a_fork(killed(work(fresh())), log).code == 0:
            break
        ways.append((when, killed))
        number += 1
    assert number > 20
    for when, killed in ways:
        in_a_fork(killed(work(fresh())), log)
        look(copy.root, counted, when)
        end = in_a_fork(work(copy.root), log)
        if end.code:
            counted.add(WRONG, when, end.said)
        check(copy, counted, when)
        if {name: file_sha256(copy.image(name)) for name in NAMES} != images:
            counted.add(LOST, when, "an image was changed")
    counted.check()
