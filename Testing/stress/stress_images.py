"""More than a thousand hostile images and masks, through the reader and two commands."""

from __future__ import annotations

import re
import sys

import pytest

from cli.fakes import Softcord, digest, engine, soft_from_brightness
from SoftCordSegLib.cli.app import main
from stress.forked import Ended, in_a_fork
from stress.hostile_images import all_cases, cord, image_bytes
from stress.hostile_oracle import verdict
from stress.judged_images import judge_reading
from stress.tally import (
    CHANGED,
    HANG,
    LEFT,
    LONGEST_S,
    MEMORY,
    MOST_BYTES,
    TRACEBACK,
    WRONG,
    Tally,
    tally,
)

COMMANDS = {
    "csa": ("csa", "--json", "-o", "OUT/csa.csv"),
    "segment": ("segment", "--json", "-o", "OUT"),
}


def judge_ending(end: Ended, counted: Tally, name: str) -> bool:
    """Count what is bad about how a process ended; whether there was nothing."""
    bad = len(counted.faults)
    if end.seconds > LONGEST_S:
        counted.add(HANG, name, f"{end.seconds:.0f} s")
    if end.peak > MOST_BYTES:
        counted.add(MEMORY, name, f"{end.peak / 1e9:.1f} GB")
    if end.code not in (0, 1, 2) or "Traceback" in end.said or "unexpected error" in end.said:
        counted.add(TRACEBACK, name, f"{end.code} {end.said}")
    elif end.code and "Error: " not in end.said:
        counted.add(TRACEBACK, name, f"no sentence: {end.said}")
    return len(counted.faults) == bad


def test_the_reader(tmp_path):
    counted = tally("read_nifti")
    for case in all_cases(seed=1, size=4):
        outcome = tmp_path / "outcome"
        outcome.unlink(missing_ok=True)

        def work(case=case, outcome=outcome):
            outcome.write_text("\n".join(judge_reading(case, tmp_path)), encoding="utf-8")

        end = in_a_fork(work, tmp_path / "log")
        if judge_ending(end, counted, case[0]):
            counted.add(*_of(outcome.read_text(encoding="utf-8"), case[0]))
    counted.check()


def _of(outcome: str, name: str) -> tuple[str, str, str]:
    what, _, why = outcome.partition("\n")
    return what, name, why


def said_and_repaired(command: str, end: Ended) -> bool:
    """Images that were resampled have NaN outside the field of view: they are segmented with 0
    there, single voxels inside the body with their neighbours' values, and that is said.  A mask
    with NaN is refused.
    """
    said = " ".join(end.said.split())
    return command == "segment" and bool(re.search(r"voxels (inside the image )?are NaN", said))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command(tmp_path, command):
    counted = tally(f"softcord {command}")
    sound = tmp_path / "sound.nii"
    sound.write_bytes(image_bytes(cord()))
    # Once here, so that not every child imports what the command needs.
    assert Softcord()(*(p.replace("OUT", str(tmp_path)) for p in COMMANDS[command]), sound)
    for number, (name, suffix, content) in enumerate(all_cases(seed=2)):
        folder = tmp_path / str(number)
        out = folder / "out"
        folder.mkdir()
        path = folder / f"image{suffix}"
        path.write_bytes(content)
        before = digest(path)

        def work(path=path, out=out):
            sys.argv = ["softcord", *(part.replace("OUT", str(out)) for part in COMMANDS[command])]
            sys.argv.append(str(path))
            with engine(soft_from_brightness):
                main()

        end = in_a_fork(work, folder / "log")
        if digest(path) != before:
            counted.add(CHANGED, name)
        left = [one.name for one in out.rglob("*")] if out.is_dir() else []
        if any(one.startswith(".") for one in left) or (end.code and left):
            counted.add(LEFT, name, " ".join(left))
        if judge_ending(end, counted, name):
            right = verdict(content, suffix)
            if right.must == "refuse" and end.code == 0 and not said_and_repaired(command, end):
                counted.add(WRONG, name, right.why)
            else:
                counted.add("refused" if end.code else "accepted", name)
    counted.check()
