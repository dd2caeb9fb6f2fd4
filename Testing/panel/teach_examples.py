"""What a process that teaches leaves in a data set, for pictures and tests of the panel."""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path

import numpy as np

from SoftCordSegLib.network import shipped_bundles
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.workflows.live_run import live_run, note_start
from SoftCordSegLib.workflows.review.segment_again import again_folder
from SoftCordSegLib.workflows.review.teach_model import teaching_folder


def started(folder: Path) -> None:
    """As a process that is loading; it is this one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "progress.json").unlink(missing_ok=True)
    note_start(folder, os.getpid())


def history(folder: Path, steps: int) -> None:
    """Losses that fall, with some noise."""
    run = folder / "runs" / "one"
    run.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    losses = [
        0.02 * math.exp(-n / 60) * math.exp(0.3 * rng.standard_normal()) for n in range(steps)
    ]
    rows = [f"{step},{loss:.6g}," for step, loss in enumerate(losses, start=1)]
    text = "\n".join(["step,loss,validation soft Dice", *rows])
    (run / "history.csv").write_text(text, encoding="utf-8")


def ended(folder: Path, bundle: Path, place: str, **report) -> None:
    """As a process that has ended: its bundle and its report."""
    with live_run(folder, Progress()):
        shutil.copytree(bundle, folder / place)
        (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")


def at_work(dataset: Path) -> None:
    """In the middle of it."""
    folder = teaching_folder(dataset)
    started(folder)
    history(folder, 120)
    content = json.loads((folder / "progress.json").read_text(encoding="utf-8"))
    content |= {"state": "running", "fraction": 0.42, "message": "step 120 of 300, loss 0.00271"}
    (folder / "progress.json").write_text(json.dumps(content), encoding="utf-8")


def better(dataset: Path) -> None:
    """A better bundle that waits for a decision."""
    folder = teaching_folder(dataset)
    history(folder, 300)
    rows = [("held out", "T2w", 4, 0.957, 0.978), ("held out", "acq-MTon_MTS", 2, 0.941, 0.955)]
    rows += [("watched", name, 1, 0.971, 0.970) for name in ("T1w", "T2w", "DWI")]
    names = ("group", "contrast", "images", "soft_dice_before", "soft_dice_after")
    contrasts = [dict(zip(names, row)) for row in rows]
    ended(folder, shipped_bundles()[0], "bundle", contrasts=contrasts)


def a_drift(dataset: Path) -> None:
    """New masks that wait, of the bundle that was kept."""
    folder = teaching_folder(dataset)
    shutil.rmtree(folder / "bundle")
    (folder / "decision.json").write_text(json.dumps({"kept": "ours"}), encoding="utf-8")
    again = again_folder(dataset)
    again.mkdir()
    areas = {"T2w": (71.2, 75.6), "acq-MTon_MTS": (68.0, 69.1)}
    rows = [
        {
            "key": f"sub-{n:02d}/anat/sub-{n:02d}_{contrast}",
            "contrast": contrast,
            "reason": "",
            "edited": 12 if n == 1 else 0,
            "before_mm2": before + n,
            "after_mm2": after + 1.1 * n,
        }
        for contrast, (before, after) in areas.items()
        for n in range(1, 5)
    ]
    drifts = [
        {"dataset": "T2w", "images": 4, "mean_mm2": 4.65, "mean_percent": 6.3},
        {"dataset": "acq-MTon_MTS", "images": 4, "mean_mm2": 1.35, "mean_percent": 1.9},
    ]
    content = {"model": "SoftCordSeg compact 0.5.0+finetune.1", "rows": rows, "drift": drifts}
    (again / "proposal.json").write_text(json.dumps(content), encoding="utf-8")
