"""The command ``softcord``."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from .. import __version__
from .bids_app_words import BidsAppCommand
from .bids_command import bids_command
from .careful_command import CarefulCommand
from .console import end_like_ctrl_c, flush_stdout, prepare_streams
from .csa_command import csa_command
from .datalist_command import datalist_command
from .demo_command import demo_command
from .evaluate_command import evaluate_command
from .finetune_command import finetune_command
from .guard import guarded
from .label_command import label_command
from .models_command import models_app
from .prepare_command import prepare_command
from .qc_command import qc_command
from .review_again_command import again_command
from .review_agree import agree_command
from .review_command import review_app
from .review_doubt_command import doubt_command
from .review_exchange_commands import export_command, import_command
from .review_package import merge_command, package_command
from .review_teach import discard_command, keep_command, teach_command
from .sct_spelling import SctSpelling
from .segment_command import segment_command
from .softgt_command import softgt_command
from .train_command import train_command

app = typer.Typer(
    name="softcord",
    help="Contrast-agnostic soft segmentation of the spinal cord, and its cross-sectional area.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_EVERYDAY, _LABORATORY, _MODELS = "Everyday", "Ground truth, training and evaluation", "Models"

app.command("segment", cls=CarefulCommand, rich_help_panel=_EVERYDAY)(segment_command)
app.command("label", cls=CarefulCommand, rich_help_panel=_EVERYDAY)(label_command)
app.command("csa", cls=SctSpelling, rich_help_panel=_EVERYDAY)(csa_command)
app.command("bids", cls=BidsAppCommand, rich_help_panel=_EVERYDAY)(bids_command)
app.command("qc", cls=CarefulCommand, rich_help_panel=_EVERYDAY)(qc_command)
app.command("demo", cls=CarefulCommand, rich_help_panel=_EVERYDAY)(demo_command)
app.command("prepare", cls=CarefulCommand, rich_help_panel=_LABORATORY)(prepare_command)
app.command("softgt", cls=CarefulCommand, rich_help_panel=_LABORATORY)(softgt_command)
app.command("datalist", cls=CarefulCommand, rich_help_panel=_LABORATORY)(datalist_command)
app.command("train", cls=CarefulCommand, rich_help_panel=_LABORATORY)(train_command)
app.command("finetune", cls=CarefulCommand, rich_help_panel=_LABORATORY)(finetune_command)
app.command("evaluate", cls=CarefulCommand, rich_help_panel=_LABORATORY)(evaluate_command)
review_app.command("agree", cls=CarefulCommand)(agree_command)
app.add_typer(review_app, name="review", rich_help_panel=_EVERYDAY)
review_app.command("doubt", cls=CarefulCommand)(doubt_command)
review_app.command("export", cls=CarefulCommand)(export_command)
review_app.command("import", cls=CarefulCommand)(import_command)
review_app.command("package", cls=CarefulCommand)(package_command)
review_app.command("merge", cls=CarefulCommand)(merge_command)
review_app.command("teach", cls=CarefulCommand)(teach_command)
review_app.command("keep", cls=CarefulCommand)(keep_command)
review_app.command("discard", cls=CarefulCommand)(discard_command)
review_app.command("again", cls=CarefulCommand)(again_command)
app.add_typer(models_app, name="models", rich_help_panel=_MODELS)


def _show_version(wanted: bool) -> None:
    if wanted:
        from ..network import shipped_bundles

        typer.echo(f"SoftCordSeg {__version__} (Python {sys.version.split()[0]})")
        for bundle in shipped_bundles():
            metadata = json.loads((bundle / "configs" / "metadata.json").read_text("utf-8"))
            typer.echo(f"Model bundle {metadata['name']} {metadata['version']}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version",
        help="Show the versions of the software and of the model, and exit.",
        callback=_show_version,
        is_eager=True,
    ),
]


@app.callback()
def _root(version: Version = False) -> None:
    """Options of the command itself."""


def main() -> None:
    """Entry point of the command ``softcord``."""
    prepare_streams()
    end_like_ctrl_c()
    try:
        with guarded():
            try:
                app()
            finally:
                flush_stdout()
    except typer.Exit as ended:
        sys.exit(ended.exit_code)


if __name__ == "__main__":
    main()
