"""Raters who write verdicts and save masks until they are killed, and several at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from SoftCordSegLib.bids import hashed_writers, is_as_described, sidecar_path, with_correction
from SoftCordSegLib.files import write_together
from SoftCordSegLib.review import Judgement, read_verdicts
from SoftCordSegLib.workflows.review.review_session import ReviewOptions, ReviewSession

WORDS = list(Judgement)
# What is shorter than a header is no image.
FILL = "." * 400


@dataclass
class Killed:
    """What was there after kills.

    Attributes:
        kills: how many.
        stored: verdicts that the rater was sure of, in all.
        saved: masks that the rater was sure of, in all.
        lost: of these, what is not there.
        broken: files that are not whole.
    """

    kills: int = 0
    stored: int = 0
    saved: int = 0
    lost: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def review_until_killed(dataset: Path, seed: int, sure: int) -> None:
    """Judge and save without end; write to the pipe ``sure`` what is done, one line each."""
    random = np.random.default_rng(seed)
    session = ReviewSession(dataset, ReviewOptions("Anna"), doubts={})
    number = 0
    while True:
        number += 1
        name = f"{seed}-{number}"
        session.judge(
            WORDS[number % 4], number % 10, f"{name} {'x' * int(random.integers(300))}", 2
        )
        os.write(sure, f"verdict {name}\n".encode())
        row = session.next_open() or session.go_to(session.rows[number % 3].case.key)
        if number % 2 == 0:
            mask = row.case.mask
            content = with_correction({"Text": name}, "Anna", number, 0)
            files = {
                mask: lambda path, name=name: path.write_text(f"{name} {FILL}", encoding="utf-8")
            }
            write_together(hashed_writers(files, sidecar_path(mask), content))
            os.write(sure, f"mask {name} {mask.relative_to(dataset).as_posix()}\n".encode())


def killed_in_a_write(seed: int) -> None:
    """From now on this process is killed in the middle of one of its next writes of a line."""
    random = np.random.default_rng(seed)
    left, write = [int(random.integers(1, 6))], os.write

    def writing(number: int, data: bytes) -> int:
        left[0] -= data[:1] in (b"{", b"\n")
        if left[0] == 0:
            write(number, data[: int(random.integers(1, len(data)))])
            os.kill(os.getpid(), signal.SIGKILL)
        return write(number, data)

    os.write = writing


def kill_raters(dataset: Path, kills: int, seed: int = 0) -> Killed:
    """Kill a rater at random moments, every third time in the middle of a line, and look each time.

    POSIX only: the rater is a fork of this process.
    """
    random = np.random.default_rng(seed)
    found = Killed()
    sure_of: list[str] = []
    masks: dict[str, str] = {}
    for kill in range(kills):
        reading, sure = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(reading)
                if kill % 3 == 0:
                    killed_in_a_write(kill)
                review_until_killed(dataset, kill, sure)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        os.close(sure)
        with open(reading, encoding="utf-8") as stream:
            said = [stream.readline()]
            if kill % 3:
                time.sleep(float(random.uniform(0, 0.2)))
                os.kill(child, signal.SIGKILL)
            said += stream.readlines()
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the rater ended by itself"
        found.kills += 1
        for words in (line.split() for line in said if line.endswith("\n")):
            if words[0] == "verdict":
                sure_of.append(words[1])
            else:
                masks[words[2]] = words[1]
                found.saved += 1
        _look(dataset, sure_of, masks, kill, found)
    found.stored = len(sure_of)
    return found


def _look(
    dataset: Path, sure_of: Sequence[str], masks: dict[str, str], kill: int, found: Killed
) -> None:
    there = [one.comment.split()[0] for one in read_verdicts(dataset)]
    found.lost += [f"kill {kill}: verdict {name}" for name in sure_of if there.count(name) != 1]
    # The one in hand may be there too; more may not.
    if len(there) > len(sure_of) + kill + 1:
        found.lost.append(f"kill {kill}: {len(there)} verdicts of {len(sure_of)}")
    for name, number in masks.items():
        text = (dataset / name).read_text(encoding="utf-8").split()[0]
        seed, at = (int(part) for part in number.split("-"))
        if tuple(map(int, text.split("-"))) < (seed, at):
            found.lost.append(f"kill {kill}: {name} is older than {number}")
        # A kill between the two renames leaves a mask that was not sure yet beside the sidecar of
        # the one before, which the sidecar's SHA-256 tells.
        if text == number and is_as_described(dataset / name) is False:
            found.broken.append(f"kill {kill}: {name} is not what its sidecar describes")
    for path in dataset.rglob("[!.]*.json"):
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            found.broken.append(f"kill {kill}: {path.name}")


WRITE = """
import sys
from pathlib import Path
from SoftCordSegLib.review import Judgement
from SoftCordSegLib.workflows.review.review_session import ReviewOptions, ReviewSession

dataset, rater, count, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
session = ReviewSession(dataset, ReviewOptions(rater), doubts={})
for number in range(count):
    session.judge(list(Judgement)[number % 4], number % 10, f"{seed}-{number}", 3.0)
    if number % 5 == 0:
        session.next_open() or session.previous()
"""


def raters_at_once(dataset: Path, writers: Sequence[tuple[str, str]], each: int) -> list[str]:
    """Processes of (rater, machine), each with so many verdicts, all at once.

    Returns:
        The comments that are there afterwards, which are to be unique.
    """
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE, str(dataset), rater, str(each), str(number)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SOFTCORDSEG_MACHINE": at},
        )
        for number, (rater, at) in enumerate(writers)
    ]
    assert [process.wait() for process in running] == [0] * len(writers)
    return [one.comment for one in read_verdicts(dataset)]
