"""``softcord qc DATASET``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ..errors import counted
from .console import print_json, say, warn
from .guard import EXIT_FAILED, guarded, json_of
from .review_options import ReadingName
from .running import watching
from .shared_options import Debug, Json

if TYPE_CHECKING:
    from ..workflows.review.qc_pages import QcResult


def qc_command(
    dataset: Annotated[
        Path,
        typer.Argument(help="BIDS data set, or a folder of images and masks.", metavar="DATASET"),
    ],
    out: Annotated[
        Optional[Path],
        typer.Option(
            "-o",
            "--out",
            help=(
                "Folder of the page, derivatives/review/qc in the data set by default. It may be a"
                " QC folder of SCT's: entries are added."
            ),
            metavar="FOLDER",
        ),
    ] = None,
    case: Annotated[
        Optional[list[str]],
        typer.Option(
            help=(
                "Only this case: its path in the data set without .nii, or the name alone. May be"
                " given again."
            ),
            metavar="CASE",
        ),
    ] = None,
    rater: Annotated[
        str, typer.Option(help="Name that the page proposes for the rater.", metavar="NAME")
    ] = "",
    blinded: Annotated[
        bool,
        typer.Option(
            "--blinded",
            help=(
                "Hide names of files, who or what made the masks, doubts and earlier verdicts, and"
                " shuffle the cases."
            ),
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the shuffling.")] = 1,
    reading: ReadingName = "",
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Write a page to look through the masks of a data set in a browser, the doubtful ones first.

    The folder opens without a server, and is a QC folder as SCT's programs make it: its entries
    appear in SCT's own page too. Cases that have not changed since an earlier run keep their
    pictures.
    """
    with guarded(debug, json):
        from ..workflows.review.qc_pages import QcOptions, make_qc_page

        options = QcOptions(rater, blinded, seed, tuple(case or ()), reading)
        with watching(debug, several=True) as (bar, on_failure):
            result = make_qc_page(dataset, out, options, bar=bar, on_failure=on_failure)
        _report(result, json)
        if result.failures or not (result.made or result.kept):
            raise typer.Exit(EXIT_FAILED)


def _report(result: QcResult, as_json: bool) -> None:
    """Of a blinded page, nothing that tells which case is which."""

    def called(key: str) -> str:
        return result.shown_names.get(key, key)

    failed_keys = {failure.item.case.key for failure in result.failures}
    not_shown = {
        called(key): "It cannot be reviewed." if result.blinded and key not in failed_keys else why
        for key, why in result.not_shown.items()
    }
    for key in result.not_shown:
        if key not in failed_keys:
            warn(f"{called(key)} is not shown: {not_shown[called(key)]}")
    kept = f", {len(result.kept)} unchanged" if result.kept else ""
    say(f"{counted(len(result.made), 'case')} drawn{kept}. Open {result.page} in a browser.")
    if as_json:
        failed = [{"case": one.name, **json_of(one.error)} for one in result.failures]
        print_json(
            {
                "page": str(result.page),
                "made": [called(key) for key in result.made],
                "kept": [called(key) for key in result.kept],
                "not_shown": not_shown,
                "failed": failed,
            }
        )
