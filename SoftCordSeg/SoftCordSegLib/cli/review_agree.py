"""``softcord review agree``: second readings, and how far readers agree."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..errors import OptionError, counted
from .console import interruptible, print_json, progress_bars, say, show_table, warn
from .guard import guarded
from .review_options import Dataset, ReadingName
from .shared_options import Debug, Json

if TYPE_CHECKING:
    from ..review.second_reading import Reading
    from ..workflows.review.review_agreement import AgreementReport

_SHARE = re.compile(r"(?P<number>\d+(\.\d+)?)\s*(?P<percent>%?)")
_MOST_SHOWN = 30
Share = Annotated[
    Optional[str],
    typer.Option(
        "--second-reading",
        help="Draw a sample of the judged cases for a second reading: 20%, 0.2, or a number.",
        metavar="SHARE",
        show_default=False,
    ),
]
Methods = Annotated[
    Optional[tuple[str, str]],
    typer.Option(
        "--compare",
        help=(
            "Draw a comparison of two methods, folders of derivatives, under neutral names;"
            " of all cases, or of the share that --second-reading says."
        ),
        metavar="A B",
        show_default=False,
    ),
]
Disagreements = Annotated[
    Optional[Path],
    typer.Option(
        help=(
            "Write the cases on which readers disagree as CSV, and make them a reading of the"
            " file's name for a third reader."
        ),
        metavar="FILE",
        show_default=False,
    ),
]
ReadersMasks = Annotated[
    Optional[list[str]],
    typer.Option(
        help="A folder of another reader's masks. May be given again.",
        metavar="NAME=FOLDER",
        show_default=False,
    ),
]


def agree_command(
    dataset: Dataset,
    second_reading: Share = None,
    compare: Methods = None,
    name: Annotated[
        str,
        typer.Option(
            help="Of the reading that is drawn; second or comparison by default.", show_default=""
        ),
    ] = "",
    blinded: Annotated[
        bool,
        typer.Option(
            "--blinded",
            help="Hide file names, raters, models, doubts and earlier verdicts in what is drawn.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 1,
    reading: ReadingName = "",
    masks: ReadersMasks = None,
    disagreements: Disagreements = None,
    out: Annotated[
        Optional[Path],
        typer.Option("-o", "--out", help="Write the table, CSV.", show_default=False),
    ] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Draw a second reading; or tell how far readers agree, with intervals of 95 %.

    With --second-reading or --compare cases are drawn: go through them with 'softcord review next
    --reading NAME', or in Slicer.  Without, all readers are compared with each other: verdicts
    (Cohen's kappa), ranks (weighted kappa), areas (ICC(2,1)) and masks (soft Dice).
    """
    with guarded(debug, json):
        if second_reading is not None or compare is not None:
            _refuse(reading=reading, masks=masks, disagreements=disagreements, out=out)
            drawn = _draw(dataset, second_reading, compare or (), name, blinded, seed)
            if json:
                # Not what the reading hides.
                print_json({"reading": drawn.name, "items": len(drawn.items)})
            return
        if (name or blinded) and disagreements is None:
            raise OptionError(
                "--name and --blinded are of a reading that is drawn.",
                hint="Give --second-reading, --compare or --disagreements too.",
            )
        report = _report(dataset, reading, masks or [])
        third = _write(dataset, report, disagreements, out, (name, blinded, seed))
        _show(report, third)
        if json:
            print_json(_as_json(report, third))


def parse_share(text: str) -> float | int:
    """A share above 0 and at most 1, or a number of cases: "20%", "20 %", "0.2", "12".

    Raises:
        OptionError: none of them.
    """
    found = _SHARE.fullmatch(text.strip())
    if found is None:
        raise OptionError(
            f"--second-reading '{text}' is no share of the cases.",
            hint="Give 20%, 0.2, or a number of cases.",
        )
    if found["percent"]:
        return float(found["number"]) / 100
    return float(found["number"]) if "." in found["number"] else int(found["number"])


def _draw(
    dataset: Path,
    share: str | None,
    methods: tuple[str, ...],
    name: str,
    blinded: bool,
    seed: int,
) -> Reading:
    from ..workflows.review.review_agreement import SecondReadingOptions, make_second_reading

    part = 1.0 if share is None else parse_share(share)
    options = SecondReadingOptions(part, methods, name, blinded, seed)
    reading = make_second_reading(dataset, options)
    if methods:
        cases = counted(len(reading.items) // 2, "case")
        say(
            f"In the reading '{reading.name}': {cases}, each with a mask A and a mask B."
            " Which is whose, 'softcord review agree' tells at the end."
        )
    else:
        hidden = ", under neutral names" if reading.blinded else ""
        say(f"In the reading '{reading.name}': {counted(len(reading.items), 'case')}{hidden}.")
    say(f"Go through them: softcord review next DATASET --reading {reading.name} --rater NAME")
    return reading


def _report(dataset: Path, reading: str, masks: Sequence[str]) -> AgreementReport:
    from ..workflows.review.review_agreement import find_agreement

    folders = {}
    for text in masks:
        reader, equals, folder = text.partition("=")
        if not (reader and equals and folder):
            raise OptionError(
                f"'--masks {text}' names no reader and folder.", hint="Give NAME=FOLDER."
            )
        folders[reader] = Path(folder)
    with (
        interruptible() as interrupt,
        progress_bars(interrupt) as bars,
        bars.bar("readers") as progress,
    ):
        return find_agreement(dataset, reading=reading, folders=folders, progress=progress)


def _write(
    dataset: Path,
    report: AgreementReport,
    disagreements: Path | None,
    out: Path | None,
    drawn: tuple[str, bool, int],
) -> Reading | None:
    """The files that were asked for; the third reading."""
    from ..bids import stem_of
    from ..workflows.review.review_agreement import (
        make_third_reading,
        write_agreement,
        write_disagreements,
    )

    third = None
    if disagreements is not None:
        name, blinded, seed = drawn
        third = make_third_reading(dataset, report, name or stem_of(disagreements), blinded, seed)
        write_disagreements(disagreements, report)
    if out is not None:
        write_agreement(out, report)
    return third


def _show(report: AgreementReport, third: Reading | None) -> None:
    for note in report.notes:
        warn(note)
    if report.rows:
        show_table(
            "Agreement, with intervals of 95 %",
            ("Reader", "Reader", "Measure", "Cases", "Value", "From", "To", "Note"),
            [
                (
                    row.one,
                    row.other,
                    row.measure,
                    row.estimate.cases,
                    *map(_number, (row.estimate.value, row.estimate.low, row.estimate.high)),
                    row.estimate.note,
                )
                for row in report.rows
            ],
        )
    if any(row.other for row in report.rows) and not report.disagreements:
        say("The readers do not disagree on any case.")
    if report.disagreements:
        cases = len({one.case for one in report.disagreements})
        show_table(
            f"Disagreement on {counted(cases, 'case')}",
            ("Case", "Reader", "Reader", "Why"),
            [
                (one.case, one.one, one.other, "; ".join(one.reasons))
                for one in report.disagreements[:_MOST_SHOWN]
            ],
        )
        if len(report.disagreements) > _MOST_SHOWN:
            say(f"{len(report.disagreements) - _MOST_SHOWN} more; --disagreements FILE writes all.")
    if third is not None:
        waiting = counted(len(third.items), "case")
        say(f"For a third reader: {waiting} in the reading '{third.name}'.")


def _as_json(report: AgreementReport, third: Reading | None) -> dict[str, Any]:
    return {
        "agreement": [
            {
                "readers": [row.one, row.other] if row.other else [row.one],
                "measure": row.measure,
                "cases": row.estimate.cases,
                "value": _finite(row.estimate.value),
                "low": _finite(row.estimate.low),
                "high": _finite(row.estimate.high),
                "note": row.estimate.note,
            }
            for row in report.rows
        ],
        "disagreements": [
            {"case": one.case, "readers": [one.one, one.other], "why": list(one.reasons)}
            for one in report.disagreements
        ],
        "third_reading": None if third is None else third.name,
        "notes": report.notes,
    }


def _refuse(**options: object) -> None:
    """Options that make no sense where cases are drawn."""
    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value]
    if given:
        raise OptionError(
            f"{given[0]} does not go with drawing a reading.",
            hint="Draw the reading first, and give it once cases were judged.",
        )


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else ""


def _finite(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
