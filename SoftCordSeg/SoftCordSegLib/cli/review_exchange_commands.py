"""``softcord review export`` and ``import``: verdicts into the files of other programs, and from
them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..errors import counted
from .console import interruptible, print_json, progress_bars, say, show_table, warn
from .guard import guarded
from .review_options import Dataset, Rater, ReadingName, verdict_text
from .shared_options import Debug, Json

if TYPE_CHECKING:
    from ..workflows.review.review_exchange import Imported, Unmatched

# Kept here too, so that the help needs nothing of the library; a test compares them.
FORMAT_NAMES = (
    *("sct-json", "sct-yaml", "manual-correction", "cart-cohort", "cart-log"),
    *("cart-classification", "segmentation-review", "monailabel"),
)
_FORMATS = "|".join(FORMAT_NAMES)
_MOST_UNMATCHED = 20


def export_command(
    dataset: Dataset,
    kind: Annotated[str, typer.Option("--format", help="Program and file.", metavar=_FORMATS)],
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", help="The file, or a folder for it.", metavar="PATH", show_default=False
        ),
    ],
    rater: Rater = None,
    reading: ReadingName = "",
    base: Annotated[
        Optional[Path],
        typer.Option(
            help=(
                "A file of the format, or the folder of SCT's quality control, into which the"
                " verdicts are put; it is not changed itself."
            ),
            metavar="PATH",
            show_default=False,
        ),
    ] = None,
    job: Annotated[str, typer.Option(help="What CART calls the work.")] = "softcord",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace lists and tables that are there already.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write one rater's newest verdicts for SCT, manual-correction, CART, SegmentationReview or
    MONAILabel.

    A qc_report.json, a list of manual-correction, CART's log and classes, and a datastore that are
    there already are updated: what is not of these verdicts stays.
    """
    with guarded(debug, as_json):
        from ..workflows.review.review_exchange import ExportOptions, export_verdicts

        options = ExportOptions(kind, rater or "", reading, job, base, overwrite)
        exported = export_verdicts(dataset, out, options)
        for note in exported.notes:
            warn(note)
        whose = f" of '{exported.rater}'" if exported.rater else ""
        for path in exported.paths:
            say(f"Written: '{path}' ({counted(exported.count, 'case')}{whose}).")
        if as_json:
            print_json(
                {
                    "files": [str(path) for path in exported.paths],
                    "count": exported.count,
                    "rater": exported.rater,
                    "notes": list(exported.notes),
                }
            )


def import_command(
    dataset: Dataset,
    files: Annotated[
        list[Path],
        typer.Argument(help="Files of the other program.", metavar="FILE…", show_default=False),
    ],
    kind: Annotated[
        str,
        typer.Option(
            "--format", help="Told from the file by default.", metavar=_FORMATS, show_default=""
        ),
    ] = "",
    rater: Annotated[
        Optional[str],
        typer.Option(
            "--rater",
            help="Whose verdicts they are, where the file names no author.",
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    cohort: Annotated[
        Optional[Path],
        typer.Option(
            help="CART's cohort, where its uids do not say which image they mean.",
            metavar="CSV",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Take verdicts of SCT, manual-correction, CART, SegmentationReview or MONAILabel into the
    review.

    They stand beside those that are there, under the name of their author; what is known is not
    added again.  Lines that no image is found for are listed, and not guessed.
    """
    with guarded(debug, as_json):
        from ..workflows.review.review_exchange import ImportOptions, import_verdicts

        options = ImportOptions(kind, rater or "", cohort)
        results = []
        for path in files:
            with (
                interruptible() as interrupt,
                progress_bars(interrupt) as bars,
                bars.bar(path.name) as progress,
            ):
                found = import_verdicts(dataset, path, options, progress)
            results.append(_shown(path, found))
        if as_json:
            print_json({"files": results})


def _shown(path: Path, found: Imported) -> dict[str, Any]:
    """Say what came of a file; the same for JSON."""
    for note in found.notes:
        warn(note)
    show_unmatched(found.unmatched)
    say(
        f"'{path}' ({found.format.name}): {counted(len(found.added), 'verdict')} added,"
        f" {found.known} known, {len(found.unmatched)} without an image."
    )
    rows = [(one.case, verdict_text(one), one.rater) for one in found.added]
    if rows:
        show_table(path.name, ("Case", "Verdict", "Rater"), rows)
    return {
        "file": str(path),
        "format": found.format.name,
        "added": [one.as_json() for one in found.added],
        "known": found.known,
        "unmatched": [vars(one) for one in found.unmatched],
        "notes": list(found.notes),
    }


def show_unmatched(unmatched: tuple[Unmatched, ...] | list[Unmatched]) -> None:
    """List the lines of a file that no image was found for."""
    for one in unmatched[:_MOST_UNMATCHED]:
        warn(f"{one.where}: {one.reason}")
    if len(unmatched) > _MOST_UNMATCHED:
        warn(f"Without an image too: {counted(len(unmatched) - _MOST_UNMATCHED, 'more line')}.")
