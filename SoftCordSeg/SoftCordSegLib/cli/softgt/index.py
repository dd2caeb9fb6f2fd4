"""The page over all participants of a data set: whose ground truth to look at first, and what is
thought of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from ..pages import page_html
from .areas import HARD, SOFT, spread
from .verdicts import (
    STYLE_OF_VERDICTS,
    pane,
    row_attributes,
    verdict_bar,
    verdict_button,
    verdict_script,
)

if TYPE_CHECKING:
    from ...groundtruth import ContrastTruth
    from .done import Done

# Beyond these a registration deserves a look: marked in the table.
_FAR_MM, _FAR_DEGREES = 5.0, 20.0
_HEAD = (
    "Participant",
    "Contrast",
    "Verdict",
    "Largest shift, mm",
    "Largest rotation, °",
    "SD of area, mm²: masks → truth",
    "Notes",
)
_MORE_STYLE = (
    "td.word, th:nth-child(-n+3) { text-align: left; } td[rowspan] { vertical-align: top; }"
)


def largest_motion(contrasts: Sequence[ContrastTruth]) -> tuple[float | None, float | None]:
    """The largest shift (mm) and rotation (degrees) of any slice of any contrast; None where none
    was measured.
    """
    moved = [one for one in contrasts if not one.is_reference]
    shifts = [
        float((one.shift_mm**2).sum(axis=1).max() ** 0.5) for one in moved if len(one.shift_mm)
    ]
    angles = [float(abs(one.angle_deg).max()) for one in moved if len(one.angle_deg)]
    return max(shifts, default=None), max(angles, default=None)


def index_html(
    results: Sequence[Done], errors: Mapping[str, str], left_out: Sequence[str], folder: Path
) -> str:
    """A table of the participants, those that moved most first, a row for each contrast to be
    judged; below it, the row in focus.

    Args:
        results: what was done.
        errors: sentences of participants that could not be done.
        left_out: sentences on whom and what the list excludes.
        folder: where the page will lie.
    """
    ordered = sorted(results, key=lambda done: -(largest_motion(done.truth.contrasts)[0] or 0.0))
    head = "".join(f"<th>{name}</th>" for name in _HEAD)
    rows = "".join(row for done in ordered for row in _rows(done, folder))
    failed = [f"{name}: {sentence}" for name, sentence in errors.items()]
    total = len(results) + len(errors)
    parts = [
        "<h1>Soft ground truths</h1>",
        (
            f'<p class="lead">{len(results)} of {total} participants; those whose slices moved most'
            " come first.</p>"
        ),
        verdict_bar(),
        f'<div class="scroll"><table><tr>{head}</tr>{rows}</table></div>',
        _list("Not done", failed),
        _list("Left out", left_out),
        pane(),
        verdict_script(),
    ]
    return page_html("Soft ground truths", parts, _MORE_STYLE + STYLE_OF_VERDICTS)


def _rows(done: Done, folder: Path) -> list[str]:
    """A row a contrast; what is the participant's own stands in the first and spans all."""
    before, after = spread(done.areas, HARD), spread(done.areas, SOFT)
    area = "–" if before is None or after is None else f"{before:.2f} → {after:.2f}"
    link = Path(done.files["page"]).relative_to(folder).as_posix()
    spans = f"rowspan={len(done.truth.contrasts)}"
    first = f'<td {spans}><a href="{escape(link)}">{escape(done.participant.name)}</a></td>'
    last = f"<td {spans}>{area}</td><td {spans}>{len(done.notes) or '–'}</td>"
    rows = []
    for one in done.truth.contrasts:
        shift, angle = largest_motion([one])
        attributes = row_attributes(done, one.name, f"{link}#{quote(one.name)}")
        cells = (
            f'<td class="judged word">{escape(one.name)}</td><td class=word>{verdict_button()}</td>'
        )
        cells += _cell(shift, _FAR_MM) + _cell(angle, _FAR_DEGREES)
        rows.append(f"<tr{attributes}>{first}{cells}{last}</tr>")
        first = last = ""
    return rows


def _cell(value: float | None, far: float) -> str:
    return (
        "<td>–</td>"
        if value is None
        else f"<td{' class=far' if value > far else ''}>{value:.1f}</td>"
    )


def _list(title: str, sentences: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<h2>{title}</h2><ul>{items}</ul>" if items else ""
