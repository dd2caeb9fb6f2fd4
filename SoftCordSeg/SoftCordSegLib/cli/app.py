"""The command ``softcord``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from .. import __version__
from .csa import csa_command
from .demo import demo_command
from .evaluate import evaluate_command
from .finetune import finetune_command
from .label import label_command
from .models import models_app
from .pseudolabel import pseudolabel_command
from .sct_spelling import SctSpelling
from .segment import segment_command
from .softgt import softgt_command
from .tools import Tools
from .train import train_command
from .train_datalist import datalist_command

app = typer.Typer(
    name="softcord",
    help="Contrast-agnostic soft segmentation of the spinal cord, and its cross-sectional area.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("segment")(segment_command)
app.command("label")(label_command)
app.command("csa", cls=SctSpelling)(csa_command)
app.command("evaluate")(evaluate_command)
app.command("demo")(demo_command)
app.add_typer(models_app, name="models")
app.command("softgt")(softgt_command)
app.command("datalist")(datalist_command)
app.command("train")(train_command)
app.command("finetune")(finetune_command)
app.command("pseudolabel")(pseudolabel_command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"SoftCordSeg {__version__} (Python {sys.version.split()[0]})")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)]


@app.callback()
def _root(ctx: typer.Context, version: Version = False) -> None:
    ctx.obj = ctx.obj or Tools()


def main() -> None:
    """Entry point of the command ``softcord``."""
    app()


if __name__ == "__main__":
    main()
