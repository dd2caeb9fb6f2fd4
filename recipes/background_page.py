"""The HTML page of a training: losses, validations and the last measurement."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from SoftCordSegLib.colours import BROWN, REFERENCE, SERIES_ON_ANY
from SoftCordSegLib.files import write_text_atomically
from SoftCordSegLib.reports.html_page import page_html
from SoftCordSegLib.training.trainer.loss_curve import LossCurve

_COLOURS = (*SERIES_ON_ANY, BROWN, REFERENCE)
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 240, 60, 10, 10, 30
_SCORES = {
    "soft_dice": "Soft Dice",
    "dice": "Dice at 0.5",
    "volume": "Soft volume, ratio to the mask's",
}
# Points of a curve: (step, value), None where the value is missing.
Points = Sequence[tuple[float, "float | None"]]


def write_page(folder: Path, stage: str, head: dict[str, Any]) -> None:
    """Write ``page.html`` in the folder of a run.

    Args:
        folder: of the run; ``measures/last.txt`` is shown where it is.
        stage: that is being trained.
        head: of the state, :meth:`RunState.head`.

    Raises:
        OutputError: the folder cannot be written.
    """
    losses, validations = head["history"]["losses"], head["history"]["validations"]
    curve = LossCurve.from_json(losses)
    charts = [("Loss", chart({"loss": list(zip(curve.steps(), curve.points))}))]
    for score, title in _SCORES.items():
        lines: dict[str, Points] = {
            "mean": [(one["step"], one["mean"].get(score)) for one in validations]
        }
        for contrast in sorted({name for one in validations for name in one["contrasts"]}):
            lines[contrast] = [
                (one["step"], one["contrasts"].get(contrast, {}).get(score)) for one in validations
            ]
        charts.append((f"{title}, development images", chart(lines)))
    measured = folder / "measures" / "last.txt"
    page = page_html(
        "background_page.html.j2",
        Path(__file__).parent,
        title=folder.name,
        facts=f"{stage}: step {head['step']}, {head['patches']} patches,"
        f" {head['seconds'] / 3600:.1f} h of training; {time.strftime('%Y-%m-%d %H:%M')}",
        charts=charts,
        measured=(
            measured.read_text(encoding="utf-8", errors="replace") if measured.is_file() else None
        ),
    )
    write_text_atomically(folder / "page.html", page)


def chart(lines: Mapping[str, Points]) -> dict[str, Any] | None:
    """Curves over steps as the template draws them; missing values are left out, None where there
    is no value at all.
    """
    curves = {name: [(x, y) for x, y in points if y is not None] for name, points in lines.items()}
    points = [point for curve in curves.values() for point in curve]
    if not points:
        return None
    last = max(max(x for x, _ in points), 1)
    values = sorted(y for _, y in points)
    # A few values far off, as at the start of a training, would hide all others.
    low, high = values[len(values) // 50], values[-1 - len(values) // 50]
    high = high if high > low else low + 1e-6

    def across(x: float) -> float:
        return _LEFT + x / last * (_WIDTH - _LEFT - _RIGHT)

    def down(y: float) -> float:
        inside = min(max((y - low) / (high - low), 0), 1)
        return _TOP + (1 - inside) * (_HEIGHT - _BOTTOM - _TOP)

    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "left": _LEFT,
        "right": _WIDTH - _RIGHT,
        "last": f"{last:g}",
        "ticks": [
            (f"{y:.4g}", down(y)) for y in (low + part * (high - low) for part in (0, 0.5, 1))
        ],
        "curves": [
            {
                "name": name,
                "colour": _COLOURS[number % len(_COLOURS)],
                "width": 2.5 if number == 0 and len(curves) > 1 else 1.3,
                "points": " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y in curve),
            }
            for number, (name, curve) in enumerate(curves.items())
        ],
    }
