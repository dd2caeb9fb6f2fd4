"""Environments that a command meets: streams, encodings, names, folders, disks and memory.

Each is one run of ``softcord csa`` in a process of its own.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cli.fakes import a_neck, digest
from SoftCordSegLib.files import text_of_cell
from SoftCordSegLib.volume import write_nifti

PROGRAM = "from SoftCordSegLib.cli.app import main; main()"
_OPEN, _CLOSED, _FULL, _BROKEN = "open", "closed", "full", "broken"
_STREAMS = (_OPEN, _CLOSED, _FULL, _BROKEN)
MASK = "sub-01_seg.nii.gz"


@dataclass(frozen=True)
class Environment:
    """One environment.

    Attributes:
        kind: of which ``make test`` runs one.
        name: tells it apart.
        mask: the mask's name.
        stdout, stderr, stdin: "open" (a pipe that is read), "closed", "full" or "broken".
        variables: of the environment, beside those of this process; None removes one.
        limits: of resources, by their numbers.
        table: where to write, relative to the folder of the mask.
        prepare: called with that folder before.
        codes: exit codes that are right.
    """

    kind: str
    name: str
    mask: str = MASK
    stdout: str = _OPEN
    stderr: str = _OPEN
    stdin: str = _OPEN
    variables: dict[str, str | None] = field(default_factory=dict)
    limits: dict[int, int] = field(default_factory=dict)
    table: str = "out/csa.csv"
    prepare: Callable[[Path], object] = lambda folder: None
    codes: tuple[int, ...] = (0,)


def environments() -> list[Environment]:
    """All of them."""
    return [*_streams(), *_encodings(), *_names(), *_folders(), *_limits()]


def one_of_each_kind() -> list[Environment]:
    """The last of each kind."""
    return list({one.kind: one for one in environments()}.values())


def _streams() -> Iterator[Environment]:
    for stdout in _STREAMS:
        for stderr in _STREAMS:
            for stdin in (_OPEN, _CLOSED):
                codes = (0,) if stdout == _OPEN else (1,)  # the JSON is lost, and that is said
                name = f"stdout {stdout}, stderr {stderr}, stdin {stdin}"
                yield Environment("streams", name, MASK, stdout, stderr, stdin, codes=codes)


def _encodings() -> Iterator[Environment]:
    old = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for variables in (
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1:strict"},
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "cp437:strict"},
        old,
        {**old, "LC_ALL": "POSIX"},
        {"LC_ALL": "not_a_locale"},
        {"TERM": "dumb", "COLUMNS": "1"},
        {"FORCE_COLOR": "1", "COLUMNS": "20"},
        {"NO_COLOR": "1", "COLUMNS": "not a number"},
        {"HOME": None, "XDG_STATE_HOME": None},
        {"TMPDIR": "/nowhere"},
        {"PYTHONIOENCODING": "ascii:strict"},
    ):
        name = " ".join(f"{key}={value}" for key, value in variables.items())
        # Where Python takes names for ASCII, others are known by their bytes alone.
        mask = MASK if "PYTHONUTF8" in variables else "sub-é²_seg.nii.gz"
        yield Environment("encodings", name, mask, variables=variables)


def _names() -> Iterator[Environment]:
    for stem in (
        *("con", "aux", "nul.x", "C:\\images\\x", "a\\b", "trailing. ", "-dash", "=1+1", "@x"),
        *("a b", "it's", '"quoted"', "[red]x[/red]", "%s%n{}", "$HOME", "#1?x=2", "é", "脊髄"),
        *("\u202egnp", "line\nbreak", "tab\tin", "e\u0301", "\x07bell", "n" * 240),
        *("/".join(["deep" * 20] * 5) + "/x", "<b>x</b>", "sub-01_label-SC", "\x1b[2Jx", "x\udcff"),
    ):
        yield Environment("names", ascii(stem), f"{stem}.nii.gz")


def _folders() -> Iterator[Environment]:
    def link(folder: Path) -> None:
        (folder / "link.csv").symlink_to(folder / "nowhere.csv")

    def device(folder: Path) -> None:
        (folder / "full.csv").symlink_to("/dev/full")

    yield Environment("folders", "a file for a folder", table=f"{MASK}/csa.csv", codes=(1, 2))
    yield Environment("folders", "no folder yet", table="a/b/c/csa.csv")
    yield Environment("folders", "a link to nothing", table="link.csv", prepare=link, codes=(1,))
    yield Environment("folders", "the mask itself", table=MASK, codes=(2,))
    yield Environment("folders", "/proc", table="/proc/softcord/csa.csv", codes=(1,))
    yield Environment("folders", "a name too long", table=f"{'x' * 300}.csv", codes=(1, 2))
    yield Environment("folders", "/dev/full", table="full.csv", prepare=device, codes=(1,))


def _limits() -> Iterator[Environment]:
    for size in (0, 10, 100, 1000):
        limits = {resource.RLIMIT_FSIZE: size}
        yield Environment("disk", f"files of {size} bytes", limits=limits, codes=(0, 1))
    for count in (64, 32, 16):
        limits = {resource.RLIMIT_NOFILE: count}
        yield Environment("open files", f"{count} open files", limits=limits, codes=(0, 1))
    for size in (2000, 1500, 1200):
        limits = {resource.RLIMIT_AS: size << 20}
        yield Environment("memory", f"{size} MiB of addresses", limits=limits, codes=(0, 1))


def faults(one: Environment, folder: Path) -> list[str]:
    """Run it in an empty folder: what went wrong, a line each."""
    mask, table = folder / one.mask, folder / one.table
    mask.parent.mkdir(parents=True, exist_ok=True)
    neck = a_neck(slices=8)
    plain = folder / "plain.nii.gz"
    write_nifti(neck.with_data(neck.data / 1000), plain)
    os.rename(plain, mask)
    one.prepare(folder)
    before = digest(mask)
    code, said, printed = _run(one, folder)
    found = [] if code in one.codes else [f"exit code {code}: {said[-300:]}"]
    found += [f"{word}: {said[-600:]}" for word in ("Traceback", "nexpected error") if word in said]
    if not one.variables.get("FORCE_COLOR") and ("\x1b" in said or "\x07" in said):
        found.append("control characters on the terminal")
    if digest(mask) != before:
        found.append("the mask was changed")
    found += [f"left behind: {path}" for path in folder.rglob(".*")]
    if code == 0 or one.kind == "streams":
        found += _faults_of_table(table, one.mask)
    if one.stdout == _OPEN and code in (0, 1):
        try:
            assert json.loads(printed)
        except ValueError as error:
            found.append(f"no JSON: {error}: {printed[:100]!r}")
    return found


def _faults_of_table(table: Path, mask: str) -> list[str]:
    try:
        with open(table, encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, ValueError) as error:
        return [f"the table is lost: {error}"]
    shown = mask.encode("utf-8", "backslashreplace").decode("utf-8")
    names = [text_of_cell(row["Filename"]) for row in rows]
    return [] if names == [f"./{shown}"] or names == [shown] else [f"rows of {names}"]


def _run(one: Environment, folder: Path) -> tuple[int, str, str]:
    """Exit code, and what came on stderr and stdout where they are read."""
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **one.variables}
    closed = [
        number for number, kind in enumerate((one.stdin, one.stdout, one.stderr)) if kind == _CLOSED
    ]

    def within() -> None:
        for number in closed:
            os.close(number)
        for what, most in one.limits.items():
            resource.setrlimit(what, (most, most))

    with contextlib.ExitStack() as stack:
        # Without "./" a name that begins with a dash would be an option.
        words = ["csa", f"./{one.mask}" if one.mask.startswith("-") else one.mask]
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *words, "-o", one.table, "-z", "2:5", "--json"],
            cwd=folder,
            env={key: value for key, value in variables.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=_target(one.stdout, stack),
            stderr=_target(one.stderr, stack),
            preexec_fn=within,
        )
        stack.close()
        printed, said = process.communicate(timeout=60)
    texts = [(text or b"").decode("utf-8", "replace") for text in (said, printed)]
    return process.returncode, texts[0], texts[1]


def _target(kind: str, stack: contextlib.ExitStack) -> int:
    if kind == _FULL:
        return stack.enter_context(open("/dev/full", "wb")).fileno()
    if kind == _BROKEN:
        reading, writing = os.pipe()
        os.close(reading)
        stack.callback(os.close, writing)
        return writing
    return subprocess.PIPE if kind == _OPEN else subprocess.DEVNULL
