"""What ``softcord finetune`` says at its end: the scores before and after, as a table, as CSV and
as JSON.
"""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...files import write_text_atomically
from ...provenance import generated_by
from ..console import fail, say, show_table, warn
from ..outputs import json_text

if TYPE_CHECKING:
    from ...training.finetune import Judged, Outcome

_MEASURES = ("soft_dice", "plain_soft_dice", "dice", "volume_error_percent")


def report(outcome: Outcome, out: Path, parent: str) -> dict[str, Any]:
    """Print the table and the verdict, write ``report.csv`` and ``report.json``; returns the
    latter's content.

    Args:
        outcome: of the fine-tuning.
        out: folder of the run.
        parent: name of the bundle before.

    Raises:
        OutputError: the folder cannot be written.
    """
    rows = _rows(outcome)
    content = {
        "GeneratedBy": generated_by(),
        "parent": parent,
        "name": outcome.name,
        "bundle": str(outcome.folder),
        "accepted": outcome.accepted,
        "objections": list(outcome.objections),
        "held_out": {"before": _means(outcome.before), "after": _means(outcome.after)},
        "watched": {
            "before": _means(outcome.watched_before),
            "after": _means(outcome.watched_after),
        },
        "images": rows,
        "seconds_of_training": round(outcome.seconds),
        "history": str(outcome.history),
    }
    write_text_atomically(out / "report.csv", _csv(rows))
    write_text_atomically(out / "report.json", json_text(content))
    _show(rows, content)
    _say_verdict(outcome, parent)
    return content


def _rows(outcome: Outcome) -> list[dict[str, Any]]:
    groups = {
        "held out": (outcome.before, outcome.after),
        "watched": (outcome.watched_before, outcome.watched_after),
    }
    rows = []
    for group, (before, after) in groups.items():
        for name in before.scores:
            scores = {
                "before": before.scores[name].rounded(),
                "after": after.scores[name].rounded(),
            }
            numbers = {
                f"{measure}_{when}": one[measure]
                for measure in _MEASURES
                for when, one in scores.items()
            }
            rows.append({"group": group, "image": name, **numbers})
    return rows


def _means(judged: Judged) -> dict[str, float] | None:
    """Of the volume error, the mean of its size: an error to the one side must not hide one to the
    other.
    """
    scores = [one.rounded() for one in judged.scores.values()]
    if not scores:
        return None
    values = {name: [abs(one[name]) for one in scores] for name in _MEASURES}
    return {name: round(sum(one) / len(one), 5) for name, one in values.items()}


def _csv(rows: list[dict[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(
        stream,
        ["group", "image", *(f"{m}_{when}" for m in _MEASURES for when in ("before", "after"))],
    )
    writer.writeheader()
    writer.writerows(
        {key: "" if isinstance(v, float) and not math.isfinite(v) else v for key, v in row.items()}
        for row in rows
    )
    return stream.getvalue()


def _show(rows: list[dict[str, Any]], content: dict[str, Any]) -> None:
    lines = []
    for group in ("held out", "watched"):
        mine = [row for row in rows if row["group"] == group]
        lines += [(f"{row['image']}", *_cells(row)) for row in mine]
        means = content[group.replace(" ", "_")]
        if means["before"] is not None and len(mine) > 1:
            both = {
                f"{m}_{when}": means[when][m] for m in _MEASURES for when in ("before", "after")
            }
            lines.append((f"Mean, {group}", *_cells(both)))
    columns = (
        "Image",
        "Soft Dice before",
        "after",
        "Dice before",
        "after",
        "Volume error %, before",
        "after",
    )
    show_table("Before and after (soft Dice: 1 for the reference itself)", columns, lines)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    cells = []
    for measure, shape in (("soft_dice", ".3f"), ("dice", ".3f"), ("volume_error_percent", ".1f")):
        cells += [format(row[f"{measure}_{when}"], shape) for when in ("before", "after")]
    return tuple(cells)


def _say_verdict(outcome: Outcome, parent: str) -> None:
    if not outcome.objections:
        say(f"{outcome.name} is in '{outcome.folder}'; it came from {parent}.")
        return
    for objection in outcome.objections:
        (warn if outcome.accepted else fail)(objection)
    if outcome.accepted:
        say(f"{outcome.name} was written to '{outcome.folder}' all the same, as --replace asks.")
    else:
        say(
            f"{outcome.name} was not put into its place; it is kept aside in '{outcome.folder}'."
            " Correct more cases, change --steps or --learning-rate, or say --replace to have it"
            " all the same."
        )
