"""``softcord review teach``, ``keep`` and ``discard``: corrected cases teach the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..errors import Cancelled, SoftCordSegError, counted
from .console import fail, interruptible, print_json, say, show_table, warn
from .guard import EXIT_FAILED, guarded
from .review_options import Dataset
from .running import watched
from .shared_options import Debug, Device, Json, Model

if TYPE_CHECKING:
    from ..workflows.live_run import LiveState
    from ..workflows.review.teach_model import Teaching, TeachingPlan

PythonProgram = Annotated[
    Optional[Path],
    typer.Option(
        "--python",
        help="The Python that works, with PyTorch; this one by default, or $SOFTCORDSEG_PYTHON.",
        metavar="PROGRAM",
    ),
]


def teach_command(
    dataset: Dataset,
    model: Model = None,
    steps: Annotated[
        int, typer.Option(help="Steps of training; 300 take a few minutes on a CPU.", min=1)
    ] = 300,
    hold_out: Annotated[
        float,
        typer.Option(
            help="Share of the participants that is held out; 0 for none.", min=0, max=0.9
        ),
    ] = 0.2,
    corrected_only: Annotated[
        bool,
        typer.Option("--corrected-only", help="Leave out masks that were passed as they are."),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the hold-out and the training.", min=0)] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what was stopped, on the same cases.")
    ] = False,
    device: Device = "auto",
    threads: Annotated[
        Optional[int], typer.Option(help="That train; all cores but one by default.", min=1)
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that make images.", min=0)] = 1,
    python: PythonProgram = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Teach a model from the corrected and the passed masks of a data set.

    It runs in a process of its own, which Ctrl-C stops; --resume goes on.  The new model is
    compared with the old one on participants held out and on phantoms; then 'softcord review keep'
    installs it, and 'discard' removes it.
    """
    with guarded(debug, as_json):
        from ..workflows.live_run import wait_for
        from ..workflows.review.teach_model import (
            TeachOptions,
            plan_teaching,
            resume_teaching,
            start_teaching,
            teaching_folder,
            teaching_of,
        )
        from ..workflows.review.training_python import find_training_python

        found = find_training_python(python)
        options = TeachOptions(
            model, not corrected_only, hold_out, steps, seed, device, workers, threads
        )
        with interruptible() as interrupt, watched(interrupt, "teach") as progress:
            if resume:
                resume_teaching(dataset, model, found)
            else:
                plan = plan_teaching(dataset, options, progress=progress.part(0.0, 0.01))
                _say_plan(plan)
                start_teaching(dataset, plan, options, found)
            live = wait_for(teaching_folder(dataset), progress)
        check_finished(live, teaching_folder(dataset))
        taught = teaching_of(dataset)
        _show_report(taught)
        if as_json:
            left_out = list(taught.left_out)
            print_json({"accepted": taught.accepted, "left_out": left_out, **taught.report})
        if not taught.accepted:
            raise typer.Exit(EXIT_FAILED)


def keep_command(
    dataset: Dataset,
    name: Annotated[str, typer.Argument(help="Of the model from now on.", show_default=False)],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace an installed model of this name.")
    ] = False,
    worse_too: Annotated[
        bool, typer.Option("--worse-too", help="Also if it is worse than the one it came from.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Install the model that 'softcord review teach' has made, under a name of your choice."""
    with guarded(debug, as_json):
        from ..workflows.review.teach_model import keep_taught

        folder = keep_taught(dataset, name, replace=replace, worse_too=worse_too)
        say(f"The model '{name}' is installed. 'softcord review again -m {name}' uses it.")
        if as_json:
            print_json({"kept": name, "folder": str(folder)})


def discard_command(dataset: Dataset, as_json: Json = False, debug: Debug = False) -> None:
    """Remove the model that 'softcord review teach' has made; its report stays."""
    with guarded(debug, as_json):
        from ..workflows.review.teach_model import discard_taught

        discard_taught(dataset)
        say("The new model was removed.")
        if as_json:
            print_json({"discarded": True})


def check_finished(live: LiveState, folder: Path) -> None:
    """Go on only where the process has done its work.

    Raises:
        Cancelled: it was stopped.
        SoftCordSegError: it failed.
    """
    from ..workflows.live_run import RunState

    if live.state is RunState.STOPPED:
        raise Cancelled("Stopped.", hint="It can be resumed.")
    if live.state is not RunState.FINISHED:
        raise SoftCordSegError(live.message, path=folder, hint=live.hint)


def _say_plan(plan: TeachingPlan) -> None:
    for note in plan.notes:
        warn(note)
    passed = len(plan.training) - plan.corrected
    names = sorted({one.case.participant or one.case.key for one in plan.held_out})
    say(
        f"To learn from: {plan.corrected} corrected and {counted(passed, 'passed mask')}. Held"
        f" out: {counted(len(plan.held_out), 'mask')} of {', '.join(names) or 'none'}."
    )


def _show_report(taught: Teaching) -> None:
    from ..workflows.finetune_bundle import share_note, volume_note

    measures = (("soft_dice", ".3f"), ("dice", ".3f"), ("volume_error_percent", ".1f"))
    show_table(
        "Before and after, by contrast (soft Dice: 1 for the reference itself)",
        (
            *("Group", "Contrast", "Images", "Soft Dice before", "after", "Dice before", "after"),
            *("Volume error %, before", "after"),
        ),
        [
            (
                *(row["group"], row["contrast"], row["images"]),
                *(
                    format(row[f"{name}_{when}"], shape)
                    for name, shape in measures
                    for when in ("before", "after")
                ),
            )
            for row in taught.report.get("contrasts", [])
        ],
    )
    for sentence in taught.left_out:
        warn(f"Not learned from: {sentence}")
    kept, note = share_note(taught.report), volume_note(taught.report)
    if kept:
        say(kept)
    if note:
        warn(note)
    objections: list[Any] = taught.report.get("objections", [])
    for objection in objections:
        fail(str(objection))
    if taught.accepted:
        say("Keep it: 'softcord review keep DATASET NAME'; or 'softcord review discard DATASET'.")
    else:
        say("Correct more cases, or change --steps; 'softcord review discard DATASET' removes it.")
