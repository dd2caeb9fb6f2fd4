"""``softcord finetune CASES -m BUNDLE -o DIR``"""

from __future__ import annotations

import shlex
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..errors import Cancelled
from .console import fail, interruptible, print_json, say, show_table, warn
from .guard import EXIT_CANCELLED, EXIT_FAILED, guarded
from .running import needing_packages, watched
from .shared_options import Debug, Device, Json

if TYPE_CHECKING:
    from ..workflows.finetune_bundle import Report

_COLUMNS = (
    "Image",
    "Soft Dice before",
    "after",
    "Dice before",
    "after",
    "Volume error %, before",
    "after",
)


class Precision(str, Enum):
    """Of the training."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"


CasesFolder = Annotated[
    Path,
    typer.Argument(
        help="Folder of corrected masks and their images (BIDS or not), or a list (JSON).",
        show_default=False,
    ),
]
Out = Annotated[
    Path,
    typer.Option("-o", "--out", help="Folder of the run; its bundle is DIR/bundle.", metavar="DIR"),
]
Model = Annotated[
    Optional[str],
    typer.Option(
        "-m", "--model", help="The bundle to begin with; ours by default.", metavar="NAME|PATH"
    ),
]
Images = Annotated[
    Optional[Path],
    typer.Option(help="Folder of the images, where they are not beside the masks."),
]
Data = Annotated[
    Optional[Path],
    typer.Option(
        help=("Folder of the anatomy that our bundles are trained on; digital phantoms without it.")
    ),
]
Steps = Annotated[
    int, typer.Option(help="Steps of training; 300 take a few minutes on a CPU.", min=1)
]
HoldOut = Annotated[
    str,
    typer.Option(
        help="Participants held out: a fraction, names (sub-01,sub-07), or none.",
        metavar="FRACTION|NAMES|none",
    ),
]
Seed = Annotated[int, typer.Option(help="Of the hold-out and the training.", min=0)]
LearningRate = Annotated[
    float, typer.Option(help="At the start; it falls to 0.", min=1e-7, max=1e-2)
]
PrecisionOption = Annotated[
    Precision, typer.Option(help="auto is bf16 where the processor has it.")
]
Replace = Annotated[
    bool, typer.Option("--replace", help="Write the bundle even if it is worse than another.")
]
Workers = Annotated[int, typer.Option(help="Processes that make images.", min=0)]
Threads = Annotated[
    Optional[int], typer.Option(help="Threads that train; all cores but one by default.", min=1)
]


def finetune_command(
    cases: CasesFolder,
    out: Out,
    model: Model = None,
    images: Images = None,
    data: Data = None,
    steps: Steps = 300,
    hold_out: HoldOut = "0.2",
    seed: Seed = 1,
    learning_rate: LearningRate = 2e-4,
    precision: PrecisionOption = Precision.AUTO,
    replace: Replace = False,
    device: Device = "auto",
    workers: Workers = 1,
    threads: Threads = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Teach a bundle from corrected cases, without letting it forget what it knew.

    Participants are held out, and the new bundle is compared with the old one on them, before and
    after.  It is written to DIR/bundle, unless it is worse than the old one or than what is there
    already.  Ctrl-C stops it: the same command goes on.
    """
    with guarded(debug, as_json), needing_packages():
        from ..processes import LARGEST_THRESHOLD, keep_freed_memory
        from ..workflows.finetune_bundle import FinetuneOptions, finetune_bundle

        keep_freed_memory(LARGEST_THRESHOLD)
        options = FinetuneOptions(
            model,
            images,
            data,
            hold_out,
            steps,
            seed,
            learning_rate,
            precision.value,
            replace,
            device,
            workers,
            threads,
        )
        with interruptible() as interrupt, watched(interrupt, "finetune") as progress:
            try:
                report = finetune_bundle(
                    cases,
                    out,
                    options,
                    progress=progress,
                    say=say,
                    warn=warn,
                    command=_command(options),
                )
            except (Cancelled, KeyboardInterrupt) as stopped:
                _say_stopped(stopped, out, as_json)
                raise typer.Exit(EXIT_CANCELLED) from None
        _show(report)
        if as_json:
            print_json(report.content)
        if not report.outcome.accepted:
            raise typer.Exit(EXIT_FAILED)


def _command(options: Any) -> str:
    """As it was typed, but for paths, which are private."""
    model = ["-m", Path(options.model).name] if options.model else []
    words = ["softcord", "finetune", "CASES", *model, "-o", "OUT"]
    words += ["--data", "DATA"] if options.data is not None else []
    typed = {
        "--steps": options.steps,
        "--hold-out": options.hold_out,
        "--seed": options.seed,
        "--learning-rate": options.learning_rate,
    }
    words += [str(word) for option in typed.items() for word in option]
    return shlex.join(words + (["--replace"] if options.replace else []))


def _say_stopped(stopped: BaseException, out: Path, as_json: bool) -> None:
    sentence = str(stopped) if isinstance(stopped, Cancelled) and stopped.hint else ""
    sentence = sentence or (
        f"Stopped. The same command goes on from the last saved state in '{out}', if there is one."
    )
    say(sentence)
    if as_json:
        print_json({"error": sentence})


def _show(report: Report) -> None:
    """The table and the verdict."""
    from ..workflows.finetune_bundle import share_note, volume_note

    lines = []
    for group, title in (("held out", "Mean, held out"), ("watched", "Mean, phantoms")):
        mine = [row for row in report.rows if row["group"] == group]
        lines += [(str(row["image"]), *_cells(row)) for row in mine]
        means = report.content[group.replace(" ", "_")]
        if means["before"] is not None and len(mine) > 1:
            both = {f"{m}_{when}": v for when, one in means.items() for m, v in one.items()}
            lines.append((title, *_cells(both)))
    show_table("Before and after (soft Dice: 1 for the reference itself)", _COLUMNS, lines)
    outcome, note, kept = report.outcome, volume_note(report.content), share_note(report.content)
    if kept:
        say(kept)
    if note:
        warn(note)
    if not outcome.objections:
        say(f"{outcome.name} is in '{outcome.folder}'; it came from {report.parent}.")
        return
    for objection in outcome.objections:
        (warn if outcome.accepted else fail)(objection)
    if outcome.accepted:
        say(f"{outcome.name} was written to '{outcome.folder}' all the same, as --replace asks.")
    else:
        say(
            f"{outcome.name} was not accepted; it is in '{outcome.folder}'. Correct more cases,"
            " change --steps or --learning-rate, or say --replace to have it all the same."
        )


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    cells = []
    for measure, shape in (("soft_dice", ".3f"), ("dice", ".3f"), ("volume_error_percent", ".1f")):
        cells += [format(row[f"{measure}_{when}"], shape) for when in ("before", "after")]
    return tuple(cells)
