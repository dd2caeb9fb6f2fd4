"""``softcord bids BIDS_DIR OUT_DIR participant|group``: the command line of a BIDS App."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..errors import Cancelled, OptionError, counted
from .bids_group import group_level
from .console import interruptible, print_json, say, warn
from .guard import EXIT_FAILED, guarded
from .running import watched
from .segment_command import Flips, Overwrite, Threshold
from .shared_options import Debug, Device, Json, Model, StandardNames, Threads

if TYPE_CHECKING:
    from ..bids import ImageChoice
    from ..workflows.data_set.data_set_options import DataSetOptions
    from ..workflows.data_set.data_set_plan import DataSetPlan
    from ..workflows.data_set.data_set_run import DataSetOutcome, Runner


class AnalysisLevel(str, Enum):
    """What is done; words of BIDS Apps."""

    participant = "participant"
    group = "group"


BidsDir = Annotated[
    Path, typer.Argument(help="Data set: BIDS, in part BIDS, or a folder.", show_default=False)
]
OutDir = Annotated[Path, typer.Argument(help="Folder of the results.", show_default=False)]
Level = Annotated[
    AnalysisLevel,
    typer.Argument(
        help="participant: every image; group: tables and pages of all.", metavar="LEVEL"
    ),
]
Participants = Annotated[
    Optional[list[str]],
    typer.Option("--participant-label", help="Only these participants.", metavar="01 02 …"),
]
Sessions = Annotated[
    Optional[list[str]],
    typer.Option("--session-label", help="Only these sessions.", metavar="1 2 …"),
]
Suffixes = Annotated[
    Optional[list[str]],
    typer.Option(
        "--suffixes", help="Ends of the images' names; 'all' for all.", metavar="T2w,T1w,…"
    ),
]
FilterFile = Annotated[
    Optional[Path],
    typer.Option("--bids-filter-file", help="JSON file of BIDS filters.", show_default=False),
]
Levels = Annotated[
    Optional[str],
    typer.Option(help="Vertebral levels of the tables; all by default.", metavar="C2:C3"),
]
NProcs = Annotated[
    int, typer.Option("--nprocs", help="Processes; the cores are divided among them.", min=1)
]
Shard = Annotated[
    Optional[str],
    typer.Option(help="Only this part of the participants' visits, as in an array of jobs.",
                 metavar="7/50"),
]  # fmt: skip
Scheduler = Annotated[
    Optional[str],
    typer.Option(help="Address of a Dask scheduler, whose workers do the cases.",
                 metavar="tcp://HOST:8786"),
]  # fmt: skip
Resources = Annotated[
    Optional[str],
    typer.Option(help="What a worker of the scheduler must have for a case.", metavar="GPU=1"),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume/--no-resume",
        help="Keep what was made from the same images with the same options.",
    ),
]
Verify = Annotated[
    bool, typer.Option("--verify", help="On resuming, hold every file against its SHA-256.")
]
KeepGoing = Annotated[
    bool, typer.Option("--keep-going", help="Exit code 0 although some cases failed.")
]
LikelyNames = Annotated[
    bool,
    typer.Option(
        "--likely-names", help="Where the names of found discs are not certain, the likeliest."
    ),
]
NoCsa = Annotated[bool, typer.Option("--no-csa", help="Only segment; measure no areas.")]
SmallestChange = Annotated[
    Optional[float],
    typer.Option(
        help="group: change between two visits, %, that is told from chance; from the scan-rescan"
        " pairs of the data set by default.",
        min=0.0,
    ),
]
NoQc = Annotated[bool, typer.Option("--no-qc", help="group: no page of quality control.")]
DeidentifyCheck = Annotated[
    bool,
    typer.Option(
        "--deidentify-check",
        help="First look for names, birth dates and identifiers in the data set; fail where there"
        " are any.",
    ),
]
Work = Annotated[
    Optional[Path],
    typer.Option("-w", "--work-dir", help="Taken for compatibility; nothing is put there.",
                 show_default=False),
]  # fmt: skip
SkipValidation = Annotated[
    bool,
    typer.Option("--skip-bids-validation", help="Taken for compatibility; names that are not BIDS"
                 " are read too."),
]  # fmt: skip


def bids_command(
    bids_dir: BidsDir,
    out_dir: OutDir,
    level: Level,
    participant_label: Participants = None,
    session_label: Sessions = None,
    suffixes: Suffixes = None,
    bids_filter_file: FilterFile = None,
    model: Model = None,
    threshold: Threshold = None,
    levels: Levels = None,
    flips: Flips = False,
    no_csa: NoCsa = False,
    likely_names: LikelyNames = False,
    nprocs: NProcs = 1,
    shard: Shard = None,
    scheduler: Scheduler = None,
    resources: Resources = None,
    resume: Resume = True,
    overwrite: Overwrite = False,
    verify: Verify = False,
    keep_going: KeepGoing = False,
    device: Device = "auto",
    threads: Threads = None,
    bids_standard_names: StandardNames = False,
    smallest_change: SmallestChange = None,
    no_qc: NoQc = False,
    deidentify_check: DeidentifyCheck = False,
    work_dir: Work = None,
    skip_bids_validation: SkipValidation = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Segment and measure a whole data set; a BIDS App.

    participant: each image is segmented, its vertebral levels are taken, found or carried over from
    the participant's other images, and its areas are measured. What was done before is kept; a case
    that fails does not stop the others.  group: one table of all, SD over contrasts, figures,
    the doubtful cases and a page of quality control.
    """
    with guarded(debug, as_json):
        from ..morphometry import parse_levels
        from ..workflows.data_set.data_set_options import DataSetOptions

        options = DataSetOptions(
            model=model,
            threshold=threshold,
            levels=tuple(parse_levels(levels)) if levels else (),
            device=device,
            threads=threads,
            flips=flips,
            standard_names=bids_standard_names,
            resume=resume and not overwrite,
            overwrite=overwrite,
            verify=verify,
            csa=not no_csa,
            likely_names=likely_names,
        )
        choice = _choice(participant_label, session_label, suffixes, bids_filter_file)
        if deidentify_check:
            _check_deidentified(bids_dir)
        if level is AnalysisLevel.group:
            group_level((bids_dir, out_dir), options, choice, smallest_change, not no_qc, as_json)
            return
        runner = _runner(nprocs, threads, scheduler, resources)
        _participant(
            (bids_dir, out_dir), options, choice, parse_shard(shard), runner, keep_going, as_json
        )


def _check_deidentified(dataset: Path) -> None:
    from ..workflows.data_set.deidentify_check import check_deidentified

    with interruptible() as interrupt, watched(interrupt, dataset.name) as progress:
        check_deidentified(dataset, progress)


def _choice(
    participants: list[str] | None,
    sessions: list[str] | None,
    suffixes: list[str] | None,
    filter_file: Path | None,
) -> ImageChoice:
    from ..bids import ImageChoice, read_filters
    from ..workflows.data_set.data_set_options import SUFFIXES

    wanted = tuple(suffixes or SUFFIXES)
    return ImageChoice(
        () if "all" in wanted else wanted,
        tuple(participants or ()),
        tuple(sessions or ()),
        () if filter_file is None else read_filters(filter_file),
    )


def parse_shard(text: str | None) -> tuple[int, int] | None:
    """(7, 50) of "7/50".

    Raises:
        OptionError: not that.
    """
    if text is None:
        return None
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise OptionError(
            f"--shard '{text}' is not a part of a whole.", hint="Give, for example, 7/50."
        )
    return int(number), int(count)


def _participant(
    folders: tuple[Path, Path],
    options: DataSetOptions,
    choice: ImageChoice,
    shard: tuple[int, int] | None,
    runner: Runner,
    keep_going: bool,
    as_json: bool,
) -> None:
    from ..workflows.data_set.data_set_plan import plan_data_set
    from ..workflows.data_set.data_set_run import run_data_set

    with interruptible() as interrupt, watched(interrupt, folders[0].name) as progress:
        plan = plan_data_set(
            *folders, options, choice, shard=shard, progress=progress.part(0.0, 0.01)
        )
        if plan.finished:
            say(f"Done before: {plan.finished} of {counted(len(plan.jobs), 'image')}.")
        outcome = run_data_set(
            plan,
            runner,
            progress=progress,
            should_stop=interrupt.is_set,
            on_result=_say_failure,
        )
    _report(plan, outcome, as_json)
    if outcome.left:
        if interrupt.is_set():
            raise Cancelled("Stopped.")
        raise typer.Exit(EXIT_FAILED)
    if outcome.failed and not keep_going:
        raise typer.Exit(EXIT_FAILED)


def _runner(
    nprocs: int, threads: int | None, scheduler: str | None, resources: str | None
) -> Runner:
    """What does the cases.

    Raises:
        OptionError: the options contradict each other.
    """
    if scheduler is not None:
        from ..workflows.data_set.dask_runner import DaskRunner, read_resources

        if nprocs > 1:
            raise OptionError(
                "A scheduler has its own workers.", hint="Give --nprocs or --scheduler, not both."
            )
        return DaskRunner(scheduler, threads, read_resources(resources) if resources else None)
    if resources is not None:
        raise OptionError(
            "--resources chooses among the workers of a scheduler.", hint="Give --scheduler too."
        )
    if nprocs > 1:
        from ..workflows.data_set.process_runner import ProcessRunner

        return ProcessRunner(nprocs, threads)
    from ..workflows.data_set.data_set_run import SerialRunner

    return SerialRunner()


def _say_failure(result: Any) -> None:
    if result.error is not None:
        warn(f"{result.key}: {result.error['what']} {result.error['hint']}".rstrip())


def _report(plan: DataSetPlan, outcome: DataSetOutcome, as_json: bool) -> None:
    before = outcome.finished + outcome.kept
    say(
        f"{counted(outcome.done, 'image')} done, {before} there before, {len(outcome.failed)}"
        f" failed, {outcome.left} left; no cord in {len(outcome.not_found)}."
    )
    say(f"One line a case is in {outcome.log}.")
    if as_json:
        print_json(
            {
                "images": len(plan.jobs),
                "done": outcome.done,
                "before": before,
                "left": outcome.left,
                "not_found": outcome.not_found,
                "failed": [{"case": one.key, **(one.error or {})} for one in outcome.failed],
            }
        )
