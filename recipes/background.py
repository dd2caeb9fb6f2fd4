"""Starts, stops and shows the longest training, which goes on in the background with the lowest
priority.

    python background.py on [--data FOLDER] [--renew]   start or resume it
    python background.py off                            save and stop
    python background.py status
    python background.py take FOLDER                    go on from a state trained elsewhere
                                                        (gpu_minutes.py)

It works from a snapshot of the code, the data and the plan, made when it is first started: a change
of the checkout changes nothing until ``on --renew`` makes a new snapshot, which goes on from the
same weights.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from quiet import runs_folder

from SoftCordSegLib.errors import InputError, OutputError, SoftCordSegError
from SoftCordSegLib.files import write_text_atomically
from SoftCordSegLib.processes import is_locked, start_detached, take_lock
from SoftCordSegLib.training.trainer.run_description import LongRun, read_json
from SoftCordSegLib.training.trainer.run_state import load_state, numbered, save_state

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
_WAIT_S = 900


def main(arguments: list[str] | None = None) -> int:
    """Do what was asked for; 0 where it was done."""
    parser = argparse.ArgumentParser(description="The longest training, in the background.")
    parser.add_argument("what", choices=("on", "off", "status", "take"))
    parser.add_argument("state", nargs="?", type=Path, help="folder of the state to take")
    parser.add_argument("--plan", type=Path, default=HERE / "long_run.json")
    parser.add_argument("--packed", type=Path, default=HERE / "work" / "training.npz")
    parser.add_argument("--development", type=Path, default=HERE / "work" / "development.npz")
    parser.add_argument(
        "--data",
        type=Path,
        help="folder of the images that are measured every hour; without it none are",
    )
    parser.add_argument("--threads", type=int, help="of PyTorch; one a core where not given")
    parser.add_argument(
        "--renew", action="store_true", help="take a new snapshot of code, data and plan"
    )
    options = parser.parse_args(arguments)
    try:
        run = LongRun.read(options.plan)
        folder = runs_folder() / run.name
        if options.what == "on":
            return switch_on(folder, options)
        if options.what == "off":
            return switch_off(folder)
        if options.what == "take":
            return take(folder, run, options.state)
        return show(folder)
    except SoftCordSegError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def running(folder: Path) -> bool:
    """Whether a process trains in this folder: it holds a lock, which ends with it."""
    return is_locked(folder / "run.lock")


def switch_on(folder: Path, options: argparse.Namespace) -> int:
    """Start the training, or say that it is going."""
    try:
        # Two of these at a time would make two snapshots.
        alone = take_lock(folder / "on.lock")
    except OSError as error:
        raise OutputError(
            f"Nothing can be written in '{folder}': {error.strerror}.",
            hint="Name another folder in SOFTCORDSEG_RUNS.",
        ) from error
    if alone is None:
        print(f"The training in '{folder}' is being started.")
        return 0
    with alone:
        if running(folder) and not options.renew:
            print(f"The training in '{folder}' is going. {last_line(folder)}")
            return 0
        if running(folder):
            switch_off(folder)
        if options.renew or not (folder / "settings.json").is_file():
            make_snapshot(folder, options)
        else:
            warn_of_changes(folder, options)
        (folder / "stop").unlink(missing_ok=True)
        return start(folder)


def start(folder: Path) -> int:
    """Start the process and wait until it has its lock."""
    snapshot = folder / read_json(folder / "settings.json")["snapshot"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(snapshot / "SoftCordSeg"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    # The number of threads is set by the run itself.
    environment.pop("OMP_NUM_THREADS", None)
    # Beside other work a thread that spins while it waits takes the processor from the one that it
    # waits for: 44 patches in three minutes instead of 40 in sixteen (2 busy cores).  But to wake
    # one for each small operation takes long, too: spinning for a short while first makes a step of
    # 0.90 s of one of 1.14 s on 2 idle cores (GNU's OpenMP; others ignore it).
    environment["OMP_WAIT_POLICY"] = "PASSIVE"
    environment.setdefault("GOMP_SPINCOUNT", "20000")
    # Large tensors in large pages: 68 steps a minute instead of 61 (glibc; others ignore it).
    environment.setdefault("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
    command = [sys.executable, str(snapshot / "recipes" / "background_run.py"), str(folder)]
    start_detached(command, folder / "output.txt", folder, environment)
    deadline = time.monotonic() + 60
    while not running(folder):
        if time.monotonic() > deadline:
            raise InputError(
                "The training did not start.",
                hint=f"What it said is in '{folder / 'output.txt'}'.",
            )
        time.sleep(0.1)
    print(
        f"The training goes on in '{folder}': log.txt, page.html. Stop it with: make -C recipes"
        " train-off"
    )
    return 0


def switch_off(folder: Path) -> int:
    """Ask the training to save and stop, and wait until it has."""
    if not running(folder):
        print(f"No training is going in '{folder}'.")
        return 0
    write_text_atomically(folder / "stop", "")
    deadline = time.monotonic() + _WAIT_S
    while running(folder):
        if time.monotonic() > deadline:
            raise OutputError(
                f"The training in '{folder}' has not stopped yet; it will after what it is at.",
                hint="Look again later.",
            )
        time.sleep(0.1)
    (folder / "stop").unlink(missing_ok=True)
    print(f"The training in '{folder}' has stopped. {last_line(folder)}")
    return 0


def show(folder: Path) -> int:
    """Print whether it is going, and its last line."""
    print(
        f"The training in '{folder}' is {'going' if running(folder) else 'not going'}."
        f" {last_line(folder)}"
    )
    return 0


def take(folder: Path, run: LongRun, state: Path | None) -> int:
    """Go on from a state that was trained elsewhere, if it has seen more than the one here.

    Raises:
        InputError: there is none, or the training is going.
    """
    found = load_state(state) if state is not None else None
    if found is None:
        raise InputError(
            f"There is no state of a training in '{state}'.",
            hint="Name the folder that it was written to.",
        )
    if running(folder):
        raise InputError("The training is going: stop it first (make -C recipes train-off).")
    names = [name for name, one in run.trainings.items() if one.plan.stage == found.plan["stage"]]
    if not names:
        raise InputError(
            f"The plan '{run.name}' has no training of a {found.plan['stage']}.",
            hint="Name another plan.",
        )
    target = folder / "trainings" / names[0]
    here = load_state(target)
    if here is not None and here.patches >= found.patches:
        raise InputError(
            f"The state in '{state}' has seen {found.patches} patches, the one here"
            f" {here.patches}.",
            hint="Keep the one here.",
        )
    save_state(target, found)
    print(f"{names[0]} goes on from step {found.step} ({found.patches} patches).")
    return 0


def make_snapshot(folder: Path, options: argparse.Namespace) -> None:
    """Copy code, data and plan into the folder of the run, whole or not at all.

    Raises:
        InputError: the packed files are missing.
        OutputError: the disk is full.
    """
    if not options.packed.is_file():
        raise InputError(
            f"There are no packed training data in '{options.packed}'.",
            hint="Make them with: make -C recipes pack",
        )
    before = sorted(folder.glob("snapshot-*"))
    target = folder / f"snapshot-{int(before[-1].name[-4:]) + 1 if before else 1:04d}"
    temporary = folder / "snapshot.new"
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        without = shutil.ignore_patterns("__pycache__", "*.egg-info", "work")
        shutil.copytree(ROOT / "SoftCordSeg", temporary / "SoftCordSeg", ignore=without)
        shutil.copytree(HERE, temporary / "recipes", ignore=without)
        (temporary / "work").mkdir()
        shutil.copyfile(options.packed, temporary / "work" / "training.npz")
        if options.development.is_file():
            shutil.copyfile(options.development, temporary / "work" / "development.npz")
        plan = _with_starts(read_json(options.plan), options.plan.parent, temporary, target)
        write_text_atomically(temporary / "plan.json", json.dumps(plan, indent=1) + "\n")
        os.replace(temporary, target)
    except OSError as error:
        raise OutputError(
            f"The snapshot cannot be written in '{folder}': {error}.",
            hint="Make room there.",
        ) from error
    settings = {
        "snapshot": target.name,
        "data": str(options.data.resolve()) if options.data else None,
        "threads": options.threads,
    }
    write_text_atomically(folder / "settings.json", json.dumps(settings, indent=1) + "\n")
    for one in before:
        shutil.rmtree(one, ignore_errors=True)


def warn_of_changes(folder: Path, options: argparse.Namespace) -> None:
    """Say where the plan of the checkout is not the one that goes on."""
    snapshot = folder / read_json(folder / "settings.json")["snapshot"]
    here, there = LongRun.read(options.plan), LongRun.read(snapshot / "plan.json")
    plans = [
        {name: (one.plan, one.recipe) for name, one in run.trainings.items()}
        for run in (here, there)
    ]
    if here.order != there.order or plans[0] != plans[1]:
        print(
            "Note: the plan has changed since the training was started. To go on with the new one:"
            " background.py on --renew"
        )


def last_line(folder: Path) -> str:
    """Of the log; "" where there is none."""
    try:
        return (folder / "log.txt").read_text(encoding="utf-8").rstrip().rpartition("\n")[2]
    except OSError:
        return ""


def _with_starts(plan: dict[str, Any], near: Path, temporary: Path, target: Path) -> dict[str, Any]:
    """The plan, with the folders that trainings begin with copied beside it."""
    # No training has a name with a dot in front.
    for name, training in ((".base", plan.get("base", {})), *plan["trainings"].items()):
        for kind in ("bundle", "run"):
            value = training.get("start", {}).get(kind)
            source = near / value if value else None
            if source is None or not source.is_dir():
                continue
            if kind == "run":
                last = numbered(source)[:1]
                shutil.copytree(
                    last[0] if last else source,
                    temporary / "starts" / name / (last[0].name if last else ""),
                )
            else:
                shutil.copytree(source, temporary / "starts" / name)
            training["start"] = {**training["start"], kind: str(target / "starts" / name)}
    return plan


if __name__ == "__main__":
    sys.exit(main())
