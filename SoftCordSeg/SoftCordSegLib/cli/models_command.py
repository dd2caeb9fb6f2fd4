"""``softcord models``: what models there are, and getting, checking and removing them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from ..errors import ModelError
from .careful_command import CarefulCommand
from .console import interruptible, print_json, progress_bars, say, show_table
from .guard import EXIT_FAILED, guarded, json_of
from .shared_options import Debug, Json

models_app = typer.Typer(
    help="Models beside the shipped one: list, show, download, install, verify, remove.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Name = Annotated[
    str,
    typer.Argument(
        help="Of the model; see 'softcord models list'.", metavar="NAME", show_default=False
    ),
]
Sha256 = Annotated[
    Optional[str],
    typer.Option(
        "--sha256",
        help="What the SHA-256 of the archive must be.",
        metavar="HEX",
        show_default=False,
    ),
]
Replace = Annotated[
    bool, typer.Option("--replace", help="Take the place of an installed model of that name.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@models_app.command("list", cls=CarefulCommand)
def list_command(as_json: Json = False, debug: Debug = False) -> None:
    """The shipped model, the installed ones, and the releases that can be downloaded.  Nothing is
    fetched.
    """
    with guarded(debug, as_json):
        from ..network.store import models_folder
        from ..workflows.describe_models import all_models

        found = all_models()
        columns = ("Model", "State", "Pipeline", "Size", "About")
        show_table(
            "Models",
            columns,
            [(m["name"], m["state"], m["pipeline"], m["size"] or "-", m["about"]) for m in found],
        )
        say(
            f"Installed models are in '{models_folder()}' (the variable SOFTCORDSEG_MODELS changes"
            " that)."
        )
        if as_json:
            print_json({"folder": str(models_folder()), "models": found})


@models_app.command("show", cls=CarefulCommand)
def show_command(name: Name, as_json: Json = False, debug: Debug = False) -> None:
    """What is known of a model: pipeline, source, licence, citation, checksums."""
    with guarded(debug, as_json):
        from ..workflows.describe_models import describe, facts_of

        facts = describe(name)
        for key, value in facts_of(facts):
            say(f"{key}: {value}")
        if as_json:
            print_json(facts)


@models_app.command("download", cls=CarefulCommand)
def download_command(
    name: Name,
    sha256: Sha256 = None,
    replace: Replace = False,
    yes: Yes = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Download a release of the authors and install it, after its licence was shown and accepted.

    The authors published no checksums.  What comes the first time is recorded and expected from
    then on, unless --sha256 says what it must be.  Ctrl-C stops; the next try goes on where it
    stopped.
    """
    with guarded(debug, as_json):
        from ..network import install_model, releases
        from ..workflows.describe_models import describe_release, facts_of

        release = releases.release_named(name)
        for key, value in facts_of(describe_release(release)):
            say(f"{key}: {value}")
        _ask(
            "Download it and accept its terms?",
            yes,
            "The licence was not accepted (--yes accepts it); nothing was downloaded.",
        )
        with (
            interruptible() as interrupt,
            progress_bars(interrupt) as bars,
            bars.bar(release.name) as progress,
        ):
            folder = install_model.install_release(
                release, sha256=sha256, replace=replace, progress=progress
            )
        _installed(folder, as_json)


@models_app.command("install", cls=CarefulCommand)
def install_command(
    archive: Annotated[
        Path,
        typer.Argument(
            help=(
                "A release, an nnU-Net v2 result folder or a bundle, as zip or folder; or a .ckpt."
            ),
            metavar="FILE",
        ),
    ],
    name: Annotated[
        Optional[str],
        typer.Option("--name", help="What to call it; by the file's name by default."),
    ] = None,
    sha256: Sha256 = None,
    replace: Replace = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Install a model from a file on this computer; no network is needed.

    Checkpoints are converted: nothing in them is ever run, now or later.
    """
    with guarded(debug, as_json):
        from ..network import install_model

        if not archive.exists():
            raise ModelError(
                "There is no file of this name.",
                path=archive,
                hint="Check the name and the folder.",
            )
        with (
            interruptible() as interrupt,
            progress_bars(interrupt) as bars,
            bars.bar(archive.name) as progress,
        ):
            folder = install_model.install_archive(
                archive, name=name, sha256=sha256, replace=replace, progress=progress
            )
        _installed(folder, as_json)


@models_app.command("verify", cls=CarefulCommand)
def verify_command(
    names: Annotated[
        Optional[list[str]],
        typer.Argument(
            help="Of installed models; all, and the shipped ones, where none is given.",
            metavar="[NAME…]",
        ),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Check the weights of models against their SHA-256, and that they fit their networks."""
    with guarded(debug, as_json):
        from ..network import load_bundle
        from ..network.store import fill, find_bundle, installed_bundles

        folders = (
            [find_bundle(name) for name in names] if names else [*_shipped(), *installed_bundles()]
        )
        results = []
        for folder in folders:
            try:
                fill(load_bundle(folder))
                results.append({"name": folder.name, "sound": True})
            except ModelError as error:
                results.append({"name": folder.name, "sound": False, **json_of(error)})
        for result in results:
            say(
                f"{result['name']}: {'sound' if result['sound'] else result['error']}",
                None if result["sound"] else "red",
            )
        if as_json:
            print_json({"models": results})
        if not all(result["sound"] for result in results):
            raise typer.Exit(EXIT_FAILED)


@models_app.command("remove", cls=CarefulCommand)
def remove_command(
    name: Name, yes: Yes = False, as_json: Json = False, debug: Debug = False
) -> None:
    """Delete an installed model from this computer."""
    with guarded(debug, as_json):
        from ..network.store import Store

        store = Store()
        if name in [folder.name for folder in _shipped()] and name not in [
            folder.name for folder in store.bundles()
        ]:
            raise ModelError(f"The model '{name}' came with SoftCordSeg and is not removed.")
        folder = store.installed(name)
        _ask(f"Delete '{folder}'?", yes, "Nothing was removed.")
        store.remove(name)
        say(f"'{name}' was removed.")
        if as_json:
            print_json({"removed": name})


def _shipped() -> list[Path]:
    from ..network import shipped_bundles

    return shipped_bundles()


def _ask(question: str, yes: bool, otherwise: str) -> None:
    """Go on only where the answer is yes; the question is on stderr, for stdout may be a file of
    JSON.
    """
    if yes:
        return
    say(f"{question} [y/N]")
    answer = "" if sys.stdin is None else sys.stdin.readline()
    if answer.strip().lower() not in ("y", "yes"):
        raise ModelError(otherwise)


def _installed(folder: Path, as_json: bool) -> None:
    say(
        f"Installed as '{folder.name}'. Use it with: softcord segment IMAGE -o DIR --model"
        f" {folder.name}"
    )
    if as_json:
        print_json({"name": folder.name, "folder": str(folder)})
