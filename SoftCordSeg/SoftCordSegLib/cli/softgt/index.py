"""The page over all participants of a data set: whose ground truth to look at first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ..pages import page_html
from .areas import HARD, SOFT, spread

if TYPE_CHECKING:
    from ...groundtruth import ContrastTruth
    from .run import Done

# Beyond these a registration deserves a look: marked in the table.
_FAR_MM, _FAR_DEGREES = 5.0, 20.0


def largest_motion(contrasts: Sequence[ContrastTruth]) -> tuple[float | None, float | None]:
    """The largest shift (mm) and rotation (degrees) of any slice of any contrast; None where none was measured."""
    moved = [one for one in contrasts if not one.is_reference]
    shifts = [float((one.shift_mm**2).sum(axis=1).max() ** 0.5) for one in moved if len(one.shift_mm)]
    angles = [float(abs(one.angle_deg).max()) for one in moved if len(one.angle_deg)]
    return max(shifts, default=None), max(angles, default=None)


def index_html(results: Sequence[Done], errors: Mapping[str, str], left_out: Sequence[str], folder: Path) -> str:
    """A table of the participants, those that moved most first, with links to their pages.

    Args:
        results: what was done.
        errors: sentences of participants that could not be done.
        left_out: sentences on whom and what the list excludes.
        folder: where the page will lie.
    """
    ordered = sorted(results, key=lambda done: -(largest_motion(done.truth.contrasts)[0] or 0.0))
    rows = "".join(_row(done, folder) for done in ordered)
    head = "".join(
        f"<th>{name}</th>"
        for name in (
            "Participant",
            "Contrasts",
            "Largest shift, mm",
            "Largest rotation, °",
            "SD of area, mm²: masks → truth",
            "Notes",
        )
    )
    failed = [f"{name}: {sentence}" for name, sentence in errors.items()]
    total = len(results) + len(errors)
    parts = [
        "<h1>Soft ground truths</h1>",
        f'<p class="lead">{len(results)} of {total} participants; those whose slices moved most come first.</p>',
        f'<div class="scroll"><table><tr>{head}</tr>{rows}</table></div>',
        _list("Not done", failed),
        _list("Left out", left_out),
    ]
    return page_html("Soft ground truths", parts)


def _row(done: Done, folder: Path) -> str:
    shift, angle = largest_motion(done.truth.contrasts)
    before, after = spread(done.areas, HARD), spread(done.areas, SOFT)
    area = "–" if before is None or after is None else f"{before:.2f} → {after:.2f}"
    link = Path(done.files["page"]).relative_to(folder).as_posix()
    names = ", ".join(escape(one.name) for one in done.truth.contrasts)
    return (
        f'<tr><td><a href="{escape(link)}">{escape(done.participant.name)}</a></td><td>{names}</td>'
        f"{_cell(shift, _FAR_MM)}{_cell(angle, _FAR_DEGREES)}<td>{area}</td><td>{len(done.notes) or '–'}</td></tr>"
    )


def _cell(value: float | None, far: float) -> str:
    return "<td>–</td>" if value is None else f"<td{' class=far' if value > far else ''}>{value:.1f}</td>"


def _list(title: str, sentences: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<h2>{title}</h2><ul>{items}</ul>" if items else ""
