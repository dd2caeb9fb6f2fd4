"""``softcord train CONFIG --out DIR``"""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ...errors import Cancelled
from ...provenance import generated_by
from ..console import print_json, say, show_table
from ..guard import EXIT_CANCELLED, guarded
from ..interrupt import interruptible
from ..long_run import needing_packages, speaks, watched
from ..options import Debug, Json
from ..outputs import check_folder

if TYPE_CHECKING:
    from ...training.chain import ChainResult
    from ...training.config import Machine
    from ...training.config.reading import ReadConfig


_CONFIG_HELP = (
    "A YAML file, or a shipped configuration: ours in its stages (compact, compact_2_anatomy,"
    " compact_3_selftrained, compact_4_agreement, compact_5_lumbar, compact_6_areas,"
    " compact_7_as_scanned, compact_8_mean, compact_9_as_sampled), or one of the paper's (soft_all,"
    " hard_all, soft_per_contrast, soft_all_dice_loss)."
)


def train_command(
    config: Annotated[str, typer.Argument(help=_CONFIG_HELP, metavar="CONFIG", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            help="Folder of the run; a run already there goes on.",
            show_default=False,
        ),
    ],
    data: Annotated[
        Path, typer.Option(help="Folder of anatomy and images, from which sources read.")
    ] = Path(),
    settings: Annotated[
        Optional[list[str]],
        typer.Option(
            "--set", help="Another value for a setting; may be given again.", metavar="KEY=VALUE"
        ),
    ] = None,
    workers: Annotated[
        Optional[int], typer.Option(help="Processes that make images.", min=0)
    ] = None,
    threads: Annotated[
        Optional[int], typer.Option(help="Threads that train, on a CPU.", min=1)
    ] = None,
    accelerator: Annotated[
        Optional[str], typer.Option(help="Lightning's: auto, cpu, gpu, …")
    ] = None,
    devices: Annotated[
        Optional[int],
        typer.Option(help="Devices on each node; a batch is shared out over all.", min=1),
    ] = None,
    nodes: Annotated[Optional[int], typer.Option(help="Machines.", min=1)] = None,
    strategy: Annotated[Optional[str], typer.Option(help="Lightning's: auto, ddp, …")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Train the networks of a configuration, and write their bundle to DIR/bundle.

    Ctrl-C stops it, and so may anything else: the same command goes on from the last saved state,
    to the same result.
    """
    with guarded(debug, as_json):
        chosen = {
            "workers": workers,
            "threads": threads,
            "accelerator": accelerator,
            "devices": devices,
        }
        chosen.update(nodes=nodes, strategy=strategy)
        with needing_packages():
            from ...training.chain import train_chain
            from ...training.config import read_config

            read = read_config(config, settings or ())
            check_folder(out)
            machine = replace(
                read.config.machine,
                **{name: value for name, value in chosen.items() if value is not None},
            )
            command = shlex.join(
                ["softcord", "train", config if not Path(config).is_file() else Path(config).name]
            )
            command += " --data DATA --out OUT" + "".join(
                f" --set {shlex.quote(setting)}" for setting in settings or ()
            )
            result = _train(train_chain, read, data, out, machine, command, as_json)
        if speaks():
            _report(result, out, as_json)


def _train(
    train_chain: Any,
    read: ReadConfig,
    data: Path,
    out: Path,
    machine: Machine,
    command: str,
    as_json: bool,
) -> ChainResult:
    with interruptible() as interrupt, watched(interrupt, read.config.name) as progress:
        try:
            return train_chain(read, data, out, machine=machine, command=command, progress=progress)
        except (Cancelled, KeyboardInterrupt) as stopped:
            sentence = (
                str(stopped)
                or "Stopped. The same command goes on from the last saved state"
                f" in '{out}', if there is one."
            )
            say(sentence)
            if as_json:
                print_json({"error": sentence})
            raise typer.Exit(EXIT_CANCELLED) from None


def _report(result: ChainResult, out: Path, as_json: bool) -> None:
    networks = {}
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
        bundle = str(result.bundle) if result.bundle else None
        bundles = [str(folder) for folder in result.bundles]
        print_json(
            {
                "GeneratedBy": generated_by(),
                "networks": networks,
                "bundle": bundle,
                "bundles": bundles,
            }
        )
