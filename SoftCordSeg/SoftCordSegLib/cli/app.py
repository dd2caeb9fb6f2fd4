"""The command ``softcord``."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Annotated, Any

import typer

from .. import __version__
from .careful_command import CarefulCommand
from .console import end_like_ctrl_c, flush_stdout, prepare_streams
from .guard import guarded

_EVERYDAY, _LABORATORY, _MODELS = "Everyday", "Ground truth, training and evaluation", "Models"

# Python looks for garbage after so many new objects; by itself after far fewer.
_YOUNG_OBJECTS = 50_000

# Commands, in the order of the help: the file, which holds a function of the same name, and the
# panel of the help; and groups of commands: the file, what it holds, and the panel.
# A file is imported when its command is called: all of them together take as long to import as
# reading an image.
_COMMANDS = {
    "segment": ("segment_command", _EVERYDAY),
    "label": ("label_command", _EVERYDAY),
    "csa": ("csa_command", _EVERYDAY),
    "bids": ("bids_command", _EVERYDAY),
    "qc": ("qc_command", _EVERYDAY),
    "demo": ("demo_command", _EVERYDAY),
    "prepare": ("prepare_command", _LABORATORY),
    "softgt": ("softgt_command", _LABORATORY),
    "datalist": ("datalist_command", _LABORATORY),
    "train": ("train_command", _LABORATORY),
    "finetune": ("finetune_command", _LABORATORY),
    "evaluate": ("evaluate_command", _LABORATORY),
}
_GROUPS = {
    "review": ("review_command", "review_app", _EVERYDAY),
    "models": ("models_command", "models_app", _MODELS),
}
# Commands that understand another program's spelling.
_CLASSES = {"bids": ("bids_app_words", "BidsAppCommand"), "csa": ("sct_spelling", "SctSpelling")}
# Commands of the group "review" that stand in files of their own.
_REVIEW_COMMANDS = {
    "agree": ("review_agree", "agree_command"),
    "doubt": ("review_doubt_command", "doubt_command"),
    "export": ("review_exchange_commands", "export_command"),
    "import": ("review_exchange_commands", "import_command"),
    "package": ("review_package", "package_command"),
    "merge": ("review_package", "merge_command"),
    "teach": ("review_teach", "teach_command"),
    "keep": ("review_teach", "keep_command"),
    "discard": ("review_teach", "discard_command"),
    "again": ("review_again_command", "again_command"),
}


def app_of(names: Iterable[str]) -> typer.Typer:
    """The program with some of its commands and groups.

    Args:
        names: of commands and of groups, as they are typed.
    """
    app = typer.Typer(
        name="softcord",
        help=(
            "Contrast-agnostic soft segmentation of the spinal cord, and its cross-sectional area."
        ),
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name in names:
        if name in _COMMANDS:
            function, panel = _COMMANDS[name]
            app.command(name, cls=_class_of(name), rich_help_panel=panel)(_in(function, function))
        else:
            file, group, panel = _GROUPS[name]
            app.add_typer(_group(file, group), name=name, rich_help_panel=panel)
    app.callback()(_root)
    return app


def _in(file: str, name: str) -> Any:
    return getattr(import_module(f".{file}", __package__), name)


def _class_of(name: str) -> Any:
    return _in(*_CLASSES[name]) if name in _CLASSES else CarefulCommand


def _group(file: str, name: str) -> typer.Typer:
    group: typer.Typer = _in(file, name)
    if name == "review_app":
        there = {command.name for command in group.registered_commands}
        for command, (own_file, function) in _REVIEW_COMMANDS.items():
            if command not in there:
                group.command(command, cls=CarefulCommand)(_in(own_file, function))
    return group


def __getattr__(name: str) -> Any:
    """``app``: the whole program, made when it is first asked for."""
    if name != "app":
        raise AttributeError(name)
    globals()["app"] = app_of((*_COMMANDS, *_GROUPS))
    return globals()["app"]


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


def _root(version: Version = False) -> None:
    """Options of the command itself."""


def main() -> None:
    """Entry point of the command ``softcord``."""
    # What is imported stays: to look for garbage in it is a tenth of the time of one image.
    gc.set_threshold(_YOUNG_OBJECTS)
    prepare_streams()
    end_like_ctrl_c()
    try:
        with guarded():
            try:
                called = sys.argv[1] if len(sys.argv) > 1 else ""
                names = (called,) if called in _COMMANDS else (*_COMMANDS, *_GROUPS)
                app_of(names)()
            finally:
                flush_stdout()
                gc.freeze()  # nor when the process ends
    except typer.Exit as ended:
        sys.exit(ended.exit_code)


if __name__ == "__main__":
    main()
