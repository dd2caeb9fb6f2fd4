"""``softcord train CONFIG --out DIR``"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..errors import Cancelled
from ..files import check_folder
from ..provenance import generated_by
from .console import interruptible, print_json, say, show_table
from .guard import EXIT_CANCELLED, guarded
from .running import needing_packages, speaks, watched
from .shared_options import Debug, Json

if TYPE_CHECKING:
    from ..training.paper.configured_training import TrainedNetworks


Config = Annotated[
    str,
    typer.Argument(
        help=(
            "A YAML file, or one of the paper's configurations: soft_all, hard_all,"
            " soft_per_contrast, soft_all_dice_loss."
        ),
        metavar="CONFIG",
        show_default=False,
    ),
]
Out = Annotated[
    Path,
    typer.Option(
        "-o",
        "--out",
        help="Folder of the run; a run already there goes on.",
        show_default=False,
    ),
]
Data = Annotated[
    Path, typer.Option(help="Folder of the list of images and labels (softcord datalist).")
]
Settings = Annotated[
    Optional[list[str]],
    typer.Option(
        "--set", help="Another value for a setting; may be given again.", metavar="KEY=VALUE"
    ),
]
Workers = Annotated[Optional[int], typer.Option(help="Processes that make images.", min=0)]
Threads = Annotated[Optional[int], typer.Option(help="Threads that train, on a CPU.", min=1)]
Accelerator = Annotated[Optional[str], typer.Option(help="Lightning's: auto, cpu, gpu, …")]
Devices = Annotated[
    Optional[int],
    typer.Option(help="Devices on each node; a batch is shared out over all.", min=1),
]
Nodes = Annotated[Optional[int], typer.Option(help="Machines.", min=1)]
Strategy = Annotated[Optional[str], typer.Option(help="Lightning's: auto, ddp, …")]


def train_command(
    config: Config,
    out: Out,
    data: Data = Path(),
    settings: Settings = None,
    workers: Workers = None,
    threads: Threads = None,
    accelerator: Accelerator = None,
    devices: Devices = None,
    nodes: Nodes = None,
    strategy: Strategy = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Train the networks of a configuration by the paper's recipe, and write their bundle to
    DIR/bundle.

    Ctrl-C stops it, and so may anything else: the same command goes on from the last saved state,
    to the same result.
    """
    typed = {
        "workers": workers,
        "threads": threads,
        "accelerator": accelerator,
        "devices": devices,
        "nodes": nodes,
        "strategy": strategy,
    }
    with guarded(debug, as_json), needing_packages():
        from ..processes import keep_freed_memory
        from ..training.paper.configured_training import train_networks
        from ..training.paper.train_config import read_config

        keep_freed_memory()
        read = read_config(config, settings or ())
        check_folder(out)
        machine = read.config.machine.model_copy(
            update={name: value for name, value in typed.items() if value is not None}
        )
        with interruptible() as interrupt, watched(interrupt, read.config.name) as progress:
            try:
                result = train_networks(
                    read,
                    data,
                    out,
                    machine=machine,
                    command=_command(config, settings or ()),
                    progress=progress,
                )
            except (Cancelled, KeyboardInterrupt) as stopped:
                _say_stopped(stopped, out, as_json)
                raise typer.Exit(EXIT_CANCELLED) from None
        if speaks():
            _report(result, out, as_json)


def _command(config: str, settings: list[str] | tuple) -> str:
    """As it was typed, but for paths."""
    name = Path(config).name if Path(config).is_file() else config
    changed = [word for setting in settings for word in ("--set", setting)]
    return shlex.join(["softcord", "train", name, "--data", "DATA", "--out", "OUT", *changed])


def _say_stopped(stopped: BaseException, out: Path, as_json: bool) -> None:
    sentence = str(stopped) or (
        f"Stopped. The same command goes on from the last saved state in '{out}', if there is one."
    )
    say(sentence)
    if as_json:
        print_json({"error": sentence})


def _report(result: TrainedNetworks, out: Path, as_json: bool) -> None:
    networks: dict[str, dict[str, Any]] = {}
    for name, one in result.networks.items():
        _step, dice, loss = one.history.validation[-1]
        networks[name] = {
            "steps": len(one.history.losses),
            "seconds": round(one.history.seconds),
            "validation_soft_dice": round(dice, 4),
            "validation_loss": loss,
            "stopped_early": one.history.stopped_early,
            "history": str(out / name / "history.csv"),
        }
    rows = [
        (name, one["steps"], f"{one['validation_soft_dice']:.3f}", one["seconds"])
        for name, one in networks.items()
    ]
    show_table("Trained", ("Network", "Steps", "Soft Dice of validation", "Time, s"), rows)
    for folder in result.bundles:
        say(f"The bundle is in '{folder}'.")
    if as_json:
        bundles = [str(folder) for folder in result.bundles]
        print_json(
            {
                "GeneratedBy": generated_by(),
                "networks": networks,
                "bundle": bundles[0] if bundles else None,
                "bundles": bundles,
            }
        )
