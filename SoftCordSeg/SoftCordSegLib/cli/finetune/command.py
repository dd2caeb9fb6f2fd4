"""``softcord finetune CASES -m BUNDLE -o DIR``"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ...errors import Cancelled
from ..console import print_json, say, warn
from ..guard import EXIT_CANCELLED, EXIT_FAILED, UsageProblem, guarded
from ..interrupt import interruptible
from ..long_run import needing_packages, watched
from ..options import Debug, Device, Json
from ..outputs import check_folder
from ..tools import Tools
from .report import report

if TYPE_CHECKING:
    from ...training.config import Machine
    from ...training.finetune import Outcome, Request, Split


def finetune_command(
    ctx: typer.Context,
    cases: Annotated[
        Path,
        typer.Argument(
            help="Folder of corrected masks and their images (BIDS or not), or a list (JSON).",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", help="Folder of the run; its bundle is DIR/bundle.", metavar="DIR"
        ),
    ],
    model: Annotated[
        Optional[str],
        typer.Option(
            "-m", "--model", help="The bundle to begin with; ours by default.", metavar="NAME|PATH"
        ),
    ] = None,
    images: Annotated[
        Optional[Path],
        typer.Option(help="Folder of the images, where they are not beside the masks."),
    ] = None,
    data: Annotated[
        Optional[Path],
        typer.Option(
            help=(
                "Folder of the anatomy that our bundles are trained on; digital phantoms"
                " without it."
            )
        ),
    ] = None,
    steps: Annotated[
        int, typer.Option(help="Steps of training; 300 take a few minutes on a CPU.", min=1)
    ] = 300,
    hold_out: Annotated[
        str,
        typer.Option(
            help="Participants held out: a fraction, names (sub-01,sub-07), or none.",
            metavar="FRACTION|NAMES|none",
        ),
    ] = "0.2",
    seed: Annotated[int, typer.Option(help="Of the hold-out and the training.", min=0)] = 1,
    learning_rate: Annotated[
        float, typer.Option(help="At the start; it falls to 0.", min=1e-7, max=1e-2)
    ] = 2e-4,
    precision: Annotated[
        str, typer.Option(help="fp32, bf16, or auto: bf16 where the processor has it.")
    ] = "auto",
    replace: Annotated[
        bool, typer.Option("--replace", help="Write the bundle even if it is worse than another.")
    ] = False,
    device: Device = "auto",
    workers: Annotated[int, typer.Option(help="Processes that make images.", min=0)] = 1,
    threads: Annotated[
        Optional[int], typer.Option(help="Threads that train; all cores but one by default.", min=1)
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Teach a bundle from corrected cases, without letting it forget what it knew.

    Participants are held out, and the new bundle is compared with the old one on them, before and
    after.  It is written to DIR/bundle, unless it is worse than the old one or than what is there
    already.  Ctrl-C stops it: the same command goes on.
    """
    tools: Tools = ctx.obj
    typed = {
        "--steps": steps,
        "--hold-out": hold_out,
        "--seed": seed,
        "--learning-rate": learning_rate,
    }
    with guarded(debug, as_json), needing_packages():
        if precision not in ("auto", "fp32", "bf16"):
            raise UsageProblem(f"--precision is auto, fp32 or bf16; '{precision}' is none of them.")
        bundle = tools.open_bundle(model)
        with interruptible() as interrupt, watched(interrupt, "finetune") as progress:
            try:
                split = _split(cases, images, hold_out, seed, bundle, progress)
                course = {
                    "steps": steps,
                    "seed": seed,
                    "learning_rate": learning_rate,
                    "replace": replace,
                }
                course["precision"] = _fast_precision() if precision == "auto" else precision
                course["machine"] = _machine(device, workers, threads)
                course["command"] = _command(bundle, data, typed, replace)
                outcome = _run(_request(bundle, split, out, data, course), tools, device, progress)
            except (Cancelled, KeyboardInterrupt) as stopped:
                sentence = str(stopped)
                if not sentence.startswith("Stopped at step"):
                    sentence = (
                        f"Stopped. The same command goes on from the last saved state in '{out}',"
                        " if there is one."
                    )
                say(sentence)
                if as_json:
                    print_json({"error": sentence})
                raise typer.Exit(EXIT_CANCELLED) from None
        said = report(outcome, out, bundle.name)
        if as_json:
            print_json(said)
        if not outcome.accepted:
            raise typer.Exit(EXIT_FAILED)


def _split(
    place: Path, images: Path | None, hold_out: str, seed: int, bundle: Any, progress: Any
) -> Split:
    """Find, read and check the cases, and hold some out; nothing is written."""
    from ...training.finetune import HoldOut, find_cases, read_cases, split_cases
    from ...training.finetune.lineage import trained_on
    from ...training.finetune.plan import check_kind
    from ...training.finetune.wording import counted

    check_kind(bundle)
    wanted = HoldOut.parse(hold_out)
    found, listed, notes = find_cases(place, images)
    read, more = read_cases(found, progress.part(0.0, 0.02))
    if listed and wanted == HoldOut():
        wanted = HoldOut(participants=tuple(sorted({case.participant for case in listed})))
    split = split_cases(read, wanted, seed, trained_on(bundle))
    for note in (*notes, *more, *split.notes):
        warn(note)
    people = sorted({case.participant for case in split.held_out})
    say(
        f"{counted(len(split.training), 'case')} to learn from, {len(split.held_out)} held out"
        f" ({', '.join(people) or 'nobody'})."
    )
    return split


def _request(
    bundle: Any, split: Split, out: Path, data: Path | None, course: dict[str, Any]
) -> Request:
    """What to do; nothing is written but a probe of the folder."""
    from ...training.finetune import Request
    from ...training.finetune.plan import synthetic_source
    from ...training.finetune.run import check_request
    from .replay import phantoms

    synthetic, files = (None, {}) if data is None else synthetic_source(data, bundle)
    check_request(bundle, out)
    check_folder(out)
    replay, watched = phantoms(trained_on=synthetic is None)
    return Request(bundle, split, out, replay, watched, synthetic, files, **course)


def _machine(device: str, workers: int, threads: int | None) -> Machine:
    from ...training.config import Machine

    accelerator = "gpu" if device.startswith("cuda") else device
    return Machine(workers, threads or max((os.cpu_count() or 2) - 1, 1), accelerator)


def _run(request: Request, tools: Tools, device: str, progress: Any) -> Outcome:
    from ...training.finetune import Tools as Judges
    from ...training.finetune import finetune
    from .judge import compare

    def segment(image: Any, bundle: Any, part: Any) -> Any:
        return tools.segment(image, bundle, box=None, progress=part, device=device).volume

    return finetune(request, Judges(segment, compare), progress.part(0.02, 1.0), say)


def _fast_precision() -> str:
    """bf16 where the CPU multiplies it in hardware: elsewhere it is slower than fp32."""
    import torch

    asked = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return "bf16" if asked is not None and asked() else "fp32"


def _command(bundle: Any, data: Path | None, typed: dict[str, Any], replace: bool) -> str:
    """As it was typed, but for paths, which are nobody's business."""
    words = ["softcord", "finetune", "CASES", "-m", bundle.metadata["name"], "-o", "OUT"]
    words += ["--data", "DATA"] if data is not None else []
    words += [str(word) for option in typed.items() for word in option]
    return shlex.join(words + (["--replace"] if replace else []))
