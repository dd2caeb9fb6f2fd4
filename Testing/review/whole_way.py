"""What raters do with the data set of 40 cases: processes that judge, and corrections by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from review.review_dataset import ReviewDataset
from SoftCordSegLib.bids import review_folder
from SoftCordSegLib.correction import edits_from
from SoftCordSegLib.review import newest, read_verdicts
from SoftCordSegLib.review.exchange.exchange_formats import FORMATS
from SoftCordSegLib.review.review_cases import ReviewCase
from SoftCordSegLib.volume import Volume, read_nifti
from SoftCordSegLib.workflows.review.review_corrections import Correction
from SoftCordSegLib.workflows.review.review_exchange import (
    ExportOptions,
    ImportOptions,
    export_verdicts,
    import_verdicts,
)

THRESHOLD = 0.5
# A rater who goes through the list in order of doubt, and says each key that is stored; who knows
# the truth says so.
RATER = """
import json, sys, time
from pathlib import Path

from SoftCordSegLib.review import Judgement, find_review_cases
from SoftCordSegLib.workflows.review.review_doubt import doubts_of
from SoftCordSegLib.workflows.review.review_session import ReviewOptions, ReviewSession

dataset, rater, reading, count, pause, answers = json.loads(sys.argv[1])
dataset = Path(dataset)
doubts = doubts_of(dataset, find_review_cases(dataset), compute=False)
session = ReviewSession(dataset, ReviewOptions(rater, reading=reading), doubts=doubts)
for number in range(count):
    row = session.current if number == 0 and session.current.is_open else session.next_open()
    if row is None:
        break
    verdict = Judgement(answers.get(row.case.key, "pass"))
    session.judge(verdict, 3 if row.case.key in answers else 8, f"by {rater}", 20.0)
    print(row.case.key, flush=True)
    time.sleep(pause)
"""


def rater_process(
    dataset: Path,
    rater: str,
    reading: str = "",
    count: int = 1000,
    pause: float = 0.0,
    answers: dict[str, str] | None = None,
) -> subprocess.Popen:
    """A rater in a process of its own, who stores so many verdicts; their keys come on stdout.

    Args:
        answers: what is said of a case, by key; "pass" where nothing is given.
    """
    import json

    task = json.dumps([str(dataset), rater, reading, count, pause, answers or {}])
    return subprocess.Popen(
        [sys.executable, "-c", RATER, task],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )


def killed_after(process: subprocess.Popen, verdicts: int) -> list[str]:
    """Kill a rater who has stored so many; the keys that the rater was sure of."""
    said = [process.stdout.readline().strip() for _ in range(verdicts)]
    process.kill()  # SIGKILL, TerminateProcess
    said += [line.strip() for line in process.stdout if line.endswith("\n")]
    process.wait()
    assert process.returncode != 0, "the rater ended by itself"
    return said


def correction_of(dataset: ReviewDataset, case: ReviewCase, author: str) -> Correction:
    """What a rater paints who knows the truth: the segment becomes right, the rest stays soft."""
    from SoftCordSegLib.bids import read_sidecar, sidecar_path
    from SoftCordSegLib.correction import merge

    mask, truth = read_nifti(case.mask), dataset.truth(case.key)
    p0 = np.ascontiguousarray(mask.data, np.float32)
    edits = edits_from(truth.data >= THRESHOLD, p0, np.zeros(p0.shape, np.int8), THRESHOLD)
    soft = merge(p0, edits, THRESHOLD, [float(size) for size in mask.spacing])
    return Correction(
        image=case.image,
        soft=Volume(soft, mask.affine, mask.forms),
        threshold=THRESHOLD,
        edits=mask.with_data(edits),
        history=read_sidecar(sidecar_path(case.mask)),
        author=author,
    )


def dice(mask: Volume, truth: Volume) -> float:
    """Of both cut at 0.5."""
    one, other = mask.data >= THRESHOLD, truth.data >= THRESHOLD
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def round_trip(root: Path, name: str, folder: Path) -> None:
    """Ada's verdicts go out in a format and come back into a copy of the data set, as another's;
    a second time nothing new comes.
    """
    kind = FORMATS[name]
    out = folder / "out"
    out.mkdir()
    target = out / kind.files("softcord")[0] if len(kind.files("softcord")) == 1 else out
    exported = export_verdicts(root, target, ExportOptions(name, rater="Ada"))
    assert exported.count
    other = folder / "data"
    shutil.copytree(root, other, ignore=shutil.ignore_patterns(review_folder(root).name))
    ours = {key: one for (key, _), one in newest(read_verdicts(root)).items()}
    for path in exported.paths:
        found = import_verdicts(other, path, ImportOptions(name, rater="Ida"))
        assert not found.unmatched
        again = import_verdicts(other, path, ImportOptions(name, rater="Ida"))
        assert again.added == ()
    for (key, _), one in newest(read_verdicts(other)).items():
        assert not kind.tells_apart(ours[key].verdict, one.verdict), key
