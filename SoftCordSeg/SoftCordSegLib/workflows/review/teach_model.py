"""Corrected and passed cases of a data set teach the model: chosen, fine-tuned on in a process of
its own, compared before and after, and kept or discarded.

All of it is in ``derivatives/review/teaching`` of the data set: ``cases.json`` says what was
chosen, ``progress.json`` how far it is, ``runs/*/history.csv`` the losses so far, ``report.json``
before and after.
"""

from __future__ import annotations

import contextlib
import csv
import io
import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...bids import read_sidecar, review_folder
from ...errors import InputError, OptionError
from ...files import (
    check_folder,
    file_sha256,
    json_text,
    real_path,
    text_of,
    text_writer,
    write_text_atomically,
    write_together,
)
from ...network.store import Store, open_bundle
from ...progress import Progress
from ...provenance import now
from ...review.review_cases import ReviewCase, find_review_cases
from ...review.verdicts import Verdict, read_verdicts
from ..finetune_bundle import REPORT_FILE, FinetuneOptions, finetune_bundle
from ..live_run import LiveState, RunState, before_run, check_not_running, read_live
from .judged_cases import JudgedMask, judged_mask, verdicts_by_case
from .training_python import TASK_FILE, TrainingPython, start_task

TEACHING, CASES_FILE, DECISION_FILE = "teaching", "cases.json", "decision.json"
TRAINING, HELD_OUT, LEFT_OUT = "training", "validation", "left_out"
_TASK_OPTIONS = ("steps", "seed", "device", "workers", "threads")


@dataclass(frozen=True)
class TeachOptions:
    """How to teach.

    Attributes:
        model: name or folder of the bundle to begin with; the shipped one where None.
        passed: learn from masks that were passed as they are, too: they hold the model to what is
            right already.
        hold_out: share of the participants that are held out, 0 to 1; 0 for none.
        steps, seed: of the training.
        device, workers, threads: see :class:`.finetune_bundle.FinetuneOptions`.
    """

    model: str | Path | None = None
    passed: bool = True
    hold_out: float = 0.2
    steps: int = 300
    seed: int = 1
    device: str = "auto"
    workers: int = 1
    threads: int | None = None


@dataclass(frozen=True)
class TeachingPlan:
    """What is learned from, and what is held out.

    Attributes:
        training, held_out: masks, each with its image; no participant is in both.
        notes: sentences that the user should know.
    """

    training: tuple[JudgedMask, ...]
    held_out: tuple[JudgedMask, ...]
    notes: tuple[str, ...] = ()

    @property
    def corrected(self) -> int:
        """Number of corrected masks that are learned from."""
        return sum(one.is_corrected for one in self.training)


@dataclass(frozen=True)
class Teaching:
    """How far the teaching of a data set is.

    Attributes:
        live: of the process.
        curve: (step, loss, soft Dice of the held-out patches or None) so far.
        report: before and after, see :mod:`.finetune_bundle`; empty before the end.
        decision: what was decided: {"kept": name} or {"discarded": True}, with "when"; else empty.
        accepted: whether the new bundle is there and no worse; None where there is none.
        left_out: a sentence for each case that could not be learned from.
    """

    live: LiveState
    curve: list[tuple[int, float, float | None]] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)
    decision: dict[str, Any] = field(default_factory=dict)
    accepted: bool | None = None
    left_out: tuple[str, ...] = ()


def teaching_folder(dataset: Path) -> Path:
    """Where all of it is."""
    return review_folder(dataset) / TEACHING


def plan_teaching(
    dataset: Path,
    options: TeachOptions | None = None,
    *,
    cases: Sequence[ReviewCase] | None = None,
    verdicts: Sequence[Verdict] | None = None,
    progress: Progress | None = None,
) -> TeachingPlan:
    """Choose the corrected and the passed cases; nothing is written.

    A mask that was corrected by hand is taken unless a rater refuses it as it is now; one that was
    not is taken where raters pass it.  Of the participants with a corrected mask a share is held
    out, and the same share of the others, so that both better and worse are seen; participants
    that the bundle has learned from are held out last.

    Args:
        dataset: its folder.
        options: how.
        cases, verdicts: where they are at hand; else they are read.
        progress: receives progress; checked for cancellation.

    Raises:
        InputError: nothing was corrected or passed, or all is of one participant.
        ModelError: the bundle to begin with cannot be used.
    """
    options, progress = options or TeachOptions(), progress or Progress()
    if not 0 <= options.hold_out < 1:
        raise OptionError("The share that is held out lies between 0 and 1.")
    known = find_review_cases(dataset) if cases is None else cases
    said = verdicts_by_case(read_verdicts(dataset) if verdicts is None else verdicts)
    chosen = []
    for number, case in enumerate(known):
        progress.report(number / len(known), f"Looking at {case.key}")
        progress.check_cancelled()
        if case.mask is None or case.problem:
            continue
        judged = judged_mask(dataset, case, case.mask, said.get(case.key, ()))
        if (judged.is_corrected and not judged.is_refused) or (options.passed and judged.is_passed):
            chosen.append(judged)
    if not chosen:
        raise InputError(
            "There is nothing to learn from: no mask was corrected or passed.",
            path=dataset,
            hint="Review some cases first.",
        )
    return _split(chosen, options)


def start_teaching(
    dataset: Path, plan: TeachingPlan, options: TeachOptions, python: TrainingPython
) -> int:
    """Fine-tune on the plan's cases in a process of its own, which outlives this one.

    Args:
        dataset: its folder.
        plan: of :func:`plan_teaching`.
        options: how.
        python: that trains.

    Returns:
        The number of the process; :func:`teaching_of` says how far it is, and
        :func:`.live_run.request_stop` stops it.

    Raises:
        OptionError: a process is at it, or an earlier bundle was neither kept nor discarded.
        OutputError: the folder cannot be written.
    """
    folder = teaching_folder(dataset)
    check_not_running(folder)
    if _bundle_in(folder) is not None:
        raise OptionError(
            "The bundle of the last teaching was neither kept nor discarded.",
            path=folder,
            hint="Keep or discard it first.",
        )
    check_folder(folder)
    task = {
        "task": TEACHING,
        **{name: getattr(options, name) for name in _TASK_OPTIONS},
    }
    for old in (REPORT_FILE, "report.csv", DECISION_FILE):
        with contextlib.suppress(FileNotFoundError):
            os.remove(folder / old)
    write_together(
        {
            folder / CASES_FILE: text_writer(json_text(_list_of(plan, folder))),
            folder / TASK_FILE: text_writer(json_text(task)),
        }
    )
    return start_task(folder, options.model, python)


def resume_teaching(dataset: Path, model: str | Path | None, python: TrainingPython) -> int:
    """Go on with a teaching that was stopped or killed, from its last saved state.

    Args:
        dataset: its folder.
        model: the bundle it began with.
        python: that trains.

    Raises:
        OptionError: a process is at it, or there is nothing to go on with.
    """
    folder = teaching_folder(dataset)
    check_not_running(folder)
    if not (folder / TASK_FILE).is_file() or not (folder / CASES_FILE).is_file():
        raise OptionError("There is no teaching to go on with.", path=folder, hint="Start one.")
    return start_task(folder, model, python)


def run_teaching(folder: Path, model: str | None, progress: Progress | None = None) -> None:
    """What the process of :func:`start_teaching` does.

    Raises:
        SoftCordSegError: as :func:`.finetune_bundle.finetune_bundle`.
    """
    task = read_sidecar(folder / TASK_FILE)
    # Where the list names cases to hold out, they are those that it names.
    with before_run(folder):
        named = _leave_broken_out(folder / CASES_FILE)
    options = FinetuneOptions(
        model=model or None,
        hold_out="0.2" if named else "none",
        **{name: task[name] for name in _TASK_OPTIONS},
    )
    finetune_bundle(
        folder / CASES_FILE,
        folder,
        options,
        progress=progress,
        command="softcord review teach DATASET",
    )


def teaching_of(dataset: Path) -> Teaching:
    """How far the teaching of a data set is; cheap, to be called every second."""
    folder = teaching_folder(dataset)
    live = read_live(folder)
    report = {} if live.state.is_alive else read_sidecar(folder / REPORT_FILE)
    there = None if live.state.is_alive else _bundle_in(folder)
    return Teaching(
        live,
        _curve(folder),
        report if live.state is RunState.FINISHED else {},
        read_sidecar(folder / DECISION_FILE),
        None if there is None else there.name == "bundle",
        tuple(
            f"'{Path(one['image']).name}': {one['why']}"
            for one in read_sidecar(folder / CASES_FILE).get(LEFT_OUT, [])
        ),
    )


def keep_taught(
    dataset: Path, name: str, *, replace: bool = False, worse_too: bool = False
) -> Path:
    """Put the new bundle among the installed models; its metadata tell what it came from.

    Args:
        dataset: its folder.
        name: of the model from now on.
        replace: a model of that name is replaced.
        worse_too: also where it is worse than the one it came from.

    Returns:
        The folder of the model.

    Raises:
        OptionError: there is no new bundle, or it is worse.
        ModelError: the name is invalid or taken.
        OutputError: the models' folder cannot be written.
    """
    folder = teaching_folder(dataset)
    check_not_running(folder)
    there = _bundle_in(folder)
    if there is None:
        raise OptionError("There is no new bundle to keep.", path=folder, hint="Teach first.")
    if there.name != "bundle" and not worse_too:
        raise OptionError(
            "The new bundle is worse than the one it came from.",
            path=there,
            hint="Discard it and correct more cases; or ask to keep it all the same.",
        )
    store = Store()
    with store.new_bundle(name, replace=replace) as place:
        for part in sorted(there.iterdir()):
            copy = shutil.copytree if part.is_dir() else shutil.copyfile
            copy(part, place / part.name)
    _decide(folder, {"kept": name, "when": now()})
    return store.path(name)


def discard_taught(dataset: Path) -> None:
    """Remove the new bundle, and the states of its training.

    Raises:
        OptionError: a process is at it.
    """
    folder = teaching_folder(dataset)
    check_not_running(folder)
    _decide(folder, {"discarded": True, "when": now()})


def _decide(folder: Path, decision: dict[str, Any]) -> None:
    """Remove what is large; the report stays.  The note is last: a killed decision is taken
    again.
    """
    for name in ("bundle", "rejected", "previous", "runs"):
        shutil.rmtree(folder / name, ignore_errors=True)
    write_text_atomically(folder / DECISION_FILE, json_text(decision))


def _bundle_in(folder: Path) -> Path | None:
    """The new bundle: accepted, or else rejected."""
    places = (folder / "bundle", folder / "rejected")
    return next((one for one in places if (one / "configs" / "metadata.json").is_file()), None)


def _split(chosen: Sequence[JudgedMask], options: TeachOptions) -> TeachingPlan:
    corrected = {_participant(one) for one in chosen if one.is_corrected}
    others = {_participant(one) for one in chosen} - corrected
    notes = []
    if not corrected:
        notes.append(
            "No mask was corrected by hand: a model learns little from its own output, and may"
            " only forget."
        )
    share = options.hold_out
    drawn: set[str] = set()
    if share and len(corrected) + len(others) < 2:
        raise InputError(
            f"All cases are of one participant ({min(corrected | others)}), so that it stays"
            " unknown whether the new model does better.",
            hint="Correct or pass a case of another participant, or hold out none.",
        )
    if share:
        seen = _learned_from(chosen, options.model)
        drawn = _drawn(corrected, share, (1, len(corrected) - 1), seen, options.seed)
        least = 0 if drawn else 1
        most = len(others) if corrected else len(others) - 1
        drawn |= _drawn(others, share, (least, most), seen, options.seed)
        if corrected and not drawn & corrected:
            notes.append(
                "Corrected masks are of one participant alone: that the model does better on others"
                " cannot be measured, only that it does no worse."
            )
    training = tuple(one for one in chosen if _participant(one) not in drawn)
    held_out = tuple(one for one in chosen if _participant(one) in drawn)
    return TeachingPlan(training, held_out, tuple(notes))


def _drawn(
    group: set[str], share: float, bounds: tuple[int, int], seen: set[str], seed: int
) -> set[str]:
    """A share of the participants, at least and at most so many of them."""
    count = max(min(max(round(share * len(group)), bounds[0]), bounds[1]), 0)
    order = np.random.default_rng(seed).permutation(sorted(group)).tolist()
    return set(sorted(order, key=lambda name: name in seen)[:count])


def _learned_from(chosen: Sequence[JudgedMask], model: str | Path | None) -> set[str]:
    """Participants with an image that the bundle has learned from."""
    from ...training.finetune.lineage import trained_on

    known = trained_on(open_bundle(model))
    if not known:
        return set()
    return {_participant(one) for one in chosen if file_sha256(one.case.image) in known}


def _participant(one: JudgedMask) -> str:
    """An image whose name says no participant is one of its own."""
    return one.case.participant or one.case.key


def _leave_broken_out(file: Path) -> bool:
    """Take cases out of a list that cannot be read, or are there twice: one broken file must not
    cost the others.  What was left out, and why, is kept in the list.

    Returns:
        Whether it names cases to hold out.

    Raises:
        InputError: nothing is left to learn from.
    """
    from ...training.finetune import read_cases
    from ...training.real_cases import load_cases

    content, seen = read_sidecar(file), set[str]()
    left: list[dict[str, str]] = []
    for part in (TRAINING, HELD_OUT):
        kept: list[dict[str, str]] = []
        for entry in content.get(part, []):
            why, image = "", file.with_suffix(f".one{file.suffix}")
            try:
                write_text_atomically(image, json_text({TRAINING: [entry]}))
                (read,), _notes = read_cases(load_cases(image))
                why = "The same image is there twice." if read.sha256["image"] in seen else ""
                seen.add(read.sha256["image"])
            except InputError as error:
                why = f"{error.sentence} {error.hint}".strip()
            finally:
                image.unlink(missing_ok=True)
            (left if why else kept).append({**entry, "why": why} if why else entry)
        content[part] = kept
    if not content[TRAINING]:
        raise InputError(
            f"Nothing is left to learn from. {left[0]['why'] if left else ''}".rstrip(),
            path=Path(left[0]["image"]) if left else file,
        )
    content = {part: content[part] for part in (TRAINING, HELD_OUT) if content[part]}
    if left:
        content[LEFT_OUT] = [*left]
        write_text_atomically(file, json_text(content))
    return HELD_OUT in content


def _list_of(plan: TeachingPlan, folder: Path) -> dict[str, Any]:
    """The list of cases as :mod:`~SoftCordSegLib.training.real_cases` reads it."""

    def entry(one: JudgedMask) -> dict[str, str]:
        return {
            "image": _from(folder, one.case.image),
            "label": _from(folder, one.mask),
            "participant": _participant(one),
        }

    parts = {TRAINING: plan.training, HELD_OUT: plan.held_out}
    return {name: [entry(one) for one in part] for name, part in parts.items() if part}


def _from(folder: Path, path: Path) -> str:
    """A path from a folder; its own link is not followed, which in a DataLad data set leads to a
    file of another name.
    """
    there = real_path(path.parent) / path.name
    try:
        return Path(os.path.relpath(there, real_path(folder))).as_posix()
    except ValueError:  # on another drive of Windows
        return str(there)


def _curve(folder: Path) -> list[tuple[int, float, float | None]]:
    """The newest history in a folder; a line that cannot be read is left out."""
    found: list[tuple[int, float, float | None]] = []
    with contextlib.suppress(OSError, UnicodeDecodeError, csv.Error):
        files = sorted(folder.glob("runs/*/history.csv"), key=lambda path: path.stat().st_mtime)
        rows = csv.reader(io.StringIO(text_of(files[-1]))) if files else iter(())
        for row in rows:
            with contextlib.suppress(ValueError):
                step, loss = int(row[0]), float(row[1])
                dice = float(row[2]) if len(row) > 2 and row[2] else None
                if math.isfinite(loss):
                    found.append((step, loss, dice))
    return found
