"""``softcord review package`` and ``merge``: cases for a colleague, and their corrections back."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..errors import OptionError, counted
from .console import interruptible, print_json, progress_bars, say, show_table, warn
from .guard import EXIT_FAILED, for_user, guarded
from .review_exchange_commands import show_unmatched
from .review_options import WORDS, Dataset, judgement_of, verdict_text
from .shared_options import Debug, Json

if TYPE_CHECKING:
    from ..review import ReviewCase
    from ..workflows.review.correction_merge import Merged


Names = Annotated[
    Optional[list[str]],
    typer.Argument(
        help=(
            "Cases to pack, as 'softcord review list' shows them or by their last part; by default"
            " those that failed or are to be corrected."
        ),
        metavar="[CASE…]",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option("-o", "--out", help="The package, .zip.", metavar="ZIP")]
Said = Annotated[
    Optional[str],
    typer.Option(
        "--verdict",
        help="Pack the cases with this newest verdict of any rater.",
        metavar="|".join(WORDS),
        show_default=False,
    ),
]
Listed = Annotated[
    Optional[Path],
    typer.Option(
        "--list",
        help="Pack the cases of a list, such as qc_fail.yml, or of CART's cohort.",
        metavar="FILE",
        show_default=False,
    ),
]
OtherContrasts = Annotated[
    bool,
    typer.Option("--other-contrasts", help="Pack the other images of the same sessions too."),
]
WithoutVerdicts = Annotated[
    bool, typer.Option("--without-verdicts", help="Leave out what the raters said of the cases.")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace a package that is there already.")
]


def package_command(
    dataset: Dataset,
    names: Names = None,
    out: Out = Path("cases_to_correct.zip"),
    said: Said = None,
    listed: Listed = None,
    other_contrasts: OtherContrasts = False,
    without_verdicts: WithoutVerdicts = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Pack cases with masks and discs in a zip, for a colleague who corrects them.

    Texts in image headers, which may name the patient, and folders of this computer are left out.
    In the unpacked folder of a package, the same command packs it for the way back.
    """
    with guarded(debug, as_json):
        from ..workflows.review.correction_package import PackageOptions, package_cases

        cases = _chosen(dataset, names or [], said, listed)
        options = PackageOptions(other_contrasts, not without_verdicts, overwrite)
        with (
            interruptible() as interrupt,
            progress_bars(interrupt) as bars,
            bars.bar(out.name) as progress,
        ):
            packed = package_cases(dataset, cases, out, options, progress)
        for failure in packed.failures:
            warn(f"{failure.name} is not in it: {for_user(failure.error, debug)}")
        if packed.cleaned:
            say(f"Texts were left out of {counted(packed.cleaned, 'file')}.")
        size = packed.path.stat().st_size
        say(f"Written: '{packed.path}' ({counted(len(packed.keys), 'case')}, {size / 1e6:.1f} MB).")
        if as_json:
            print_json(
                {
                    "file": str(packed.path),
                    "bytes": size,
                    "cases": list(packed.keys),
                    "failed": [failure.name for failure in packed.failures],
                    "cleaned": packed.cleaned,
                }
            )
        if packed.failures:
            raise typer.Exit(EXIT_FAILED)


def merge_command(
    dataset: Dataset,
    package: Annotated[
        Path,
        typer.Argument(
            help="The zip that was sent back, or its folder.", metavar="PACKAGE", show_default=False
        ),
    ],
    author: Annotated[
        str,
        typer.Option(
            help="Who corrected masks that another program than SoftCordSeg saved.",
            metavar="NAME",
            show_default="",
        ),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and replace nothing.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Take the corrections of a package into the data set it was packed from.

    Each case is taken as a whole or not at all. Where a mask in the data set is not the one that
    was packed any more, that is a conflict: it is listed, and nothing of the case is replaced.
    """
    with guarded(debug, as_json):
        from ..workflows.review.correction_merge import MergeOptions, Outcome, merge_corrections

        with (
            interruptible() as interrupt,
            progress_bars(interrupt) as bars,
            bars.bar(package.name) as progress,
        ):
            merged = merge_corrections(dataset, package, MergeOptions(author, dry_run), progress)
        _show(package.name, merged, dry_run)
        if as_json:
            print_json(_as_json(merged))
        if merged.with_outcome(Outcome.CONFLICT) or merged.with_outcome(Outcome.REFUSED):
            raise typer.Exit(EXIT_FAILED)


def _show(name: str, merged: Merged, dry_run: bool) -> None:
    for key in merged.finished:
        warn(f"{key}: an earlier run had been interrupted; it was finished.")
    counts = Counter(case.outcome.value for case in merged.cases)
    rows = [
        (case.key, case.outcome.value, case.sentence or ", ".join(_names(case.files)))
        for case in merged.cases
        if case.sentence or case.files
    ]
    if rows:
        show_table(name, ("Case", "Outcome", "Files, or why not"), rows)
    for one in merged.verdicts:
        say(f"New: {verdict_text(one)} on '{one.case}', by '{one.rater}'.")
    shown = ", ".join(f"{number} {word}" for word, number in counts.items())
    kept = "Nothing was replaced. " if dry_run else ""
    say(f"{kept}{counted(len(merged.cases), 'case')}: {shown}.")


def _as_json(merged: Merged) -> dict[str, Any]:
    return {
        "cases": [
            {
                "case": case.key,
                "outcome": case.outcome.value,
                "sentence": case.sentence,
                "files": list(case.files),
            }
            for case in merged.cases
        ],
        "verdicts": [one.as_json() for one in merged.verdicts],
        "finished": list(merged.finished),
    }


def _chosen(
    dataset: Path, names: list[str], said: str | None, listed: Path | None
) -> list[ReviewCase]:
    from ..workflows.review.correction_package import chosen_cases
    from ..workflows.review.review_exchange import listed_cases

    if sum((bool(names), said is not None, listed is not None)) > 1:
        raise OptionError(
            "Cases are chosen by name, by --verdict or by --list, by one of them only.",
            hint="Leave the others out.",
        )
    if listed is None:
        return chosen_cases(dataset, names, [] if said is None else [judgement_of(said)])
    cases, unmatched = listed_cases(dataset, listed)
    show_unmatched(unmatched)
    return cases


def _names(files: tuple[str, ...]) -> list[str]:
    return [name.rpartition("/")[2] for name in files]
