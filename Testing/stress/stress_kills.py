"""Runs that are killed at every rename and at random moments: nothing half-written, nothing mixed
that goes unnoticed, and nothing left after the next run.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cli.fakes import a_neck, engine, soft_from_brightness
from cli.test_softgt_command import masks_of_a_subject, write_subject
from network.test_store import a_release, checkpoint_folder, zipped
from SoftCordSegLib.bids import is_as_described
from SoftCordSegLib.cli.app import main
from SoftCordSegLib.volume import write_nifti
from stress.forked import in_a_fork
from stress.tally import LEFT, LOST, WRONG, Tally, tally
from workflows.quick_segmenter import half_written

MOMENTS = int(os.environ.get("SOFTCORD_KILLS", "50"))
RENAMES = ("replace", "rename")


def killed_at_rename(work: Callable[[], None], number: int) -> Callable[[], None]:
    """The same work, ended before its rename of that number, from 0; odd numbers: right after."""

    def run() -> None:
        done = [0]

        def counting(rename):  # type: ignore[no-untyped-def]
            def renamed(*arguments, **options):  # type: ignore[no-untyped-def]
                now = done[0]
                done[0] += 2
                if now == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                rename(*arguments, **options)
                if now + 1 == number:
                    os.kill(os.getpid(), signal.SIGKILL)

            return renamed

        for name in RENAMES:
            setattr(os, name, counting(getattr(os, name)))
        work()

    return run


def killed_after(work: Callable[[], None], seconds: float) -> Callable[[], None]:
    """The same work, ended after so many seconds."""

    def run() -> None:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, seconds)
        work()

    return run


def command(*arguments: object) -> Callable[[], None]:
    def run() -> None:
        sys.argv = ["softcord", *map(str, arguments)]
        with engine(soft_from_brightness):
            main()

    return run


def look(out: Path, counted: Tally, when: str) -> None:
    """Every file under its own name is whole."""
    for file in half_written(out):
        counted.add(WRONG, when, f"half-written: {file}")


def contents(folder: Path) -> dict[str, str]:
    return {
        # A training numbers its states on.
        re.sub(r"^\d{6}/", "state/", path.relative_to(folder).as_posix()): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def attack(
    counted: Tally,
    place: Path,
    work: Callable[[Path], Callable[[], None]],
    check: Callable[[Path, str], None],
    moments: int = MOMENTS,
    before: Path | None = None,
) -> None:
    """Kill ``work(out)`` at every rename and at random moments; ``check`` what is there then; run
    it again, and hold what is there against a run that was not killed.
    """
    whole = _fresh(place / "whole", before)
    begin = time.monotonic()
    end = in_a_fork(work(whole), place / "log")
    seconds = time.monotonic() - begin
    assert end.code == 0, end.said
    names = set(contents(whole))
    random = np.random.default_rng(0)
    ways = [("moment", float(at)) for at in random.uniform(0, 1.1 * seconds, moments)]
    number = 0
    while True:
        when, out = f"rename {number}", _fresh(place / "out", before)
        if in_a_fork(killed_at_rename(work(out), number), place / "log").code == 0:
            break
        _after(out, when, counted, work, check, names, place)
        number += 1
    assert number >= 2
    for kind, at in ways:
        out = _fresh(place / "out", before)
        in_a_fork(killed_after(work(out), max(at, 1e-3)), place / "log")
        _after(out, f"{kind} {at:.3f}", counted, work, check, names, place)


def _fresh(out: Path, before: Path | None) -> Path:
    shutil.rmtree(out, ignore_errors=True)
    if before is not None:
        shutil.copytree(before, out)
    return out


def _after(out, when, counted, work, check, names, place) -> None:  # type: ignore[no-untyped-def]
    bad = len(counted.faults)
    look(out, counted, when)
    check(out, when)
    end = in_a_fork(work(out), place / "log")
    if end.code:
        counted.add(LOST, when, f"the next run ended with {end.code}: {end.said}")
        return
    look(out, counted, f"{when}, next run")
    check(out, f"{when}, next run")
    found = set(contents(out))
    if names - found:
        counted.add(LOST, when, " ".join(sorted(names - found)))
    if found - names:
        counted.add(LEFT, when, " ".join(sorted(found - names)))
    if len(counted.faults) == bad:
        counted.add("accepted")


def test_segment(tmp_path):
    """The folder holds the masks of another image of that name, which are replaced."""
    counted = tally("kills: segment")
    image, other = tmp_path / "in" / "a_T2w.nii.gz", tmp_path / "other" / "a_T2w.nii.gz"
    write_nifti(a_neck(), image)
    write_nifti(a_neck(6), other)
    options = ("--threshold", "0.5", "--overwrite")
    before = tmp_path / "before"
    assert in_a_fork(command("segment", other, "-o", before, *options), tmp_path / "log").code == 0
    sound = {path.name: path.read_bytes() for path in before.glob("*.nii.gz")}
    after = tmp_path / "after"
    assert in_a_fork(command("segment", image, "-o", after, *options), tmp_path / "log").code == 0

    def check(out: Path, when: str) -> None:
        source = json.loads(next(out.glob("[!.]*.json")).read_text(encoding="utf-8"))[
            "SourceSHA256"
        ]
        new = source == hashlib.sha256(image.read_bytes()).hexdigest()
        for path in out.glob("[!.]*.nii.gz"):
            mine = (
                path.read_bytes() == (after / path.name if new else before / path.name).read_bytes()
            )
            if not mine and is_as_described(path) is not False:
                counted.add(WRONG, when, f"{path.name} passes for the sidecar's")

    assert len(sound) == 2
    attack(
        counted, tmp_path, lambda out: command("segment", image, "-o", out, *options), check,
        before=before,
    )  # fmt: skip
    counted.check()


def test_softgt(tmp_path):
    counted = tally("kills: softgt")
    masks = {name: mask for name, mask in masks_of_a_subject().items() if name != "T1w"}
    study = write_subject(tmp_path / "study", masks=masks)

    def work(out: Path) -> Callable[[], None]:
        return command("softgt", study, "-o", out, "--binary")

    def check(out: Path, when: str) -> None:
        for path in out.rglob("[!.]*softseg.nii.gz"):
            if is_as_described(path) is None and "next run" in when:
                counted.add(WRONG, when, f"{path.name} has no sidecar that vouches for it")

    attack(counted, tmp_path, work, check)
    counted.check()


@pytest.mark.parametrize("replace", [False, True])
def test_models_install(tmp_path, replace):
    """A model is there, whole, or not there; one that is replaced is always there."""
    from SoftCordSegLib.network.install_model import install_archive
    from SoftCordSegLib.network.store import Store

    counted = tally(f"kills: models install{' --replace' if replace else ''}")
    new = zipped(tmp_path / "new.zip", checkpoint_folder(tmp_path / "new", 1))
    old = zipped(tmp_path / "old.zip", checkpoint_folder(tmp_path / "old", 0))

    def installing(archive_path: Path, out: Path, over: bool) -> Callable[[], None]:
        def run() -> None:
            os.environ["SOFTCORDSEG_MODELS"] = str(out)
            there = bool(Store(out).bundles())
            install_archive(archive_path, name="mine", release=a_release(), replace=over or there)

        return run

    before = None
    if replace:
        before = tmp_path / "before"
        assert in_a_fork(installing(old, before, False), tmp_path / "log").code == 0

    def check(out: Path, when: str) -> None:
        store = Store(out)
        names = [path.name for path in store.bundles()]
        if replace and names != ["mine"]:
            counted.add(LOST, when, f"the model is away: {names}")
        for name in names:
            try:
                store.verify(name)
            except Exception as error:
                counted.add(WRONG, when, str(error))

    attack(counted, tmp_path, lambda out: installing(new, out, replace), check, before=before)
    counted.check()


def test_train(tmp_path):
    """A training that is killed anywhere goes on to the same weights, bit for bit."""
    import torch

    from SoftCordSegLib.training.trainer.run_state import load_state
    from SoftCordSegLib.training.trainer.trainer import Pace, Trainer
    from training.trainer.bright_tubes import BrightTubes, plan

    torch.set_num_threads(1)
    counted = tally("kills: train")
    pace = Pace(save_minutes=0.0, validate_steps=None)

    def work(out: Path) -> Callable[[], None]:
        return lambda: Trainer(out, plan(), BrightTubes()).run(steps=4, pace=pace) and None

    in_a_fork(work(tmp_path / "right"), tmp_path / "log")
    right = load_state(tmp_path / "right").weights

    def check(out: Path, when: str) -> None:
        try:
            state = load_state(out)
        except Exception as error:
            counted.add(LOST, when, f"cannot be resumed: {error}")
            return
        if "next run" in when and not all(
            torch.equal(right[name], state.weights[name]) for name in right
        ):
            counted.add(WRONG, when, "other weights")

    attack(counted, tmp_path, work, check)
    counted.check()


def test_finetune_places(tmp_path):
    """The places of a fine-tuning's bundles; the training itself is the trainer's, above."""
    import torch

    from SoftCordSegLib.network import load_bundle
    from SoftCordSegLib.network.unet import UNet
    from SoftCordSegLib.training.finetune.bundle_places import BUNDLE, put, write_aside
    from training.finetune.necks import TINY, write_bundle

    torch.set_num_threads(1)
    counted = tally("kills: finetune")
    parent = write_bundle(tmp_path / "parent", UNet(TINY).state_dict())

    def work(out: Path) -> Callable[[], None]:
        def run() -> None:
            out.mkdir(parents=True, exist_ok=True)
            weights = parent.network(parent.segmenter).state_dict()
            put(write_aside(out, parent, parent.metadata, weights), out, BUNDLE)

        return run

    before = tmp_path / "before"
    for _ in range(2):
        end = in_a_fork(work(before), tmp_path / "log")
        assert end.code == 0, end.said

    def check(out: Path, when: str) -> None:
        found = [path for path in out.iterdir() if (path / "configs").is_dir()]
        for path in found:
            if path.name.startswith("."):
                continue
            try:
                load_bundle(path)
            except Exception as error:
                if path.name == BUNDLE:
                    counted.add(WRONG, when, str(error))

    attack(counted, tmp_path, work, check, before=before)
    counted.check()
