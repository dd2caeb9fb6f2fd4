"""A page of a training: losses, validations and the last measurement; one file, nothing else is
needed to see it.
"""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from SoftCordSegLib.files import write_text_atomically
from SoftCordSegLib.training.trainer.loss_curve import LossCurve

_COLOURS = ("#1f6fb4", "#d1622b", "#3b8f4e", "#8a56a8", "#a07d1c", "#c2417c", "#3d8f96", "#6b6b6b")
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 760, 240, 60, 30
_STYLE = (
    "body{font:15px sans-serif;margin:2em"
    " auto;max-width:60em;color:#222}pre{overflow:auto;background:#f4f4f4;padding:1em}"
)


def write_page(folder: Path, stage: str, head: dict[str, Any]) -> None:
    """Write ``page.html`` in the folder of a run.

    Args:
        folder: of the run; ``measures/last.txt`` is shown where it is.
        stage: that is being trained.
        head: of the state, :meth:`RunState.head`.

    Raises:
        OutputError: the folder cannot be written.
    """
    history = head["history"]
    curve = LossCurve.from_json(history["losses"])
    validations = history["validations"]
    facts = (
        f"{stage}: step {head['step']}, {head['patches']} patches, {head['seconds'] / 3600:.1f} h"
        " of training"
    )
    parts = [
        f"<h1>{html.escape(folder.name)}</h1><p>{facts}; {time.strftime('%Y-%m-%d %H:%M')}</p>"
    ]
    parts += ["<h2>Loss</h2>", chart({"loss": list(zip(curve.steps(), curve.points))})]
    for score, title in (
        ("soft_dice", "Soft Dice"),
        ("dice", "Dice at 0.5"),
        ("volume", "Soft volume, parts of the mask's"),
    ):
        lines = {"mean": [(one["step"], one["mean"].get(score)) for one in validations]}
        for contrast in sorted({name for one in validations for name in one["contrasts"]}):
            lines[contrast] = [
                (one["step"], one["contrasts"].get(contrast, {}).get(score)) for one in validations
            ]
        parts += [f"<h2>{title}, development images</h2>", chart(lines)]
    measured = folder / "measures" / "last.txt"
    if measured.is_file():
        text = measured.read_text(encoding="utf-8", errors="replace")
        parts += [
            "<h2>Last measurement on the development list</h2>",
            f"<pre>{html.escape(text)}</pre>",
        ]
    page = (
        '<!doctype html><html lang="en"><meta'
        f' charset="utf-8"><title>{html.escape(folder.name)}</title>'
    )
    write_text_atomically(
        folder / "page.html", f"{page}<style>{_STYLE}</style>{''.join(parts)}</html>\n"
    )


def chart(lines: dict[str, Sequence[tuple[float, float | None]]]) -> str:
    """Curves over steps as an inline SVG; values that are missing are left out."""
    curves = {name: [(x, y) for x, y in points if y is not None] for name, points in lines.items()}
    every = [point for points in curves.values() for point in points]
    if not every:
        return "<p>Nothing yet.</p>"
    right = max(max(x for x, _ in every), 1)
    values = sorted(y for _, y in every)
    # A few values far off, as at the start of a training, would hide all others.
    low, high = values[len(values) // 50], values[-1 - len(values) // 50]
    high = high if high > low else low + 1e-6

    def at(x: float, y: float) -> str:
        inside = min(max((y - low) / (high - low), 0), 1)
        across = _LEFT + x / right * (_WIDTH - _LEFT - 10)
        return f"{across:.1f},{10 + (1 - inside) * (_HEIGHT - _BOTTOM - 10):.1f}"

    drawn = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + 20}" role="img">']
    for part in (0, 0.5, 1):
        y = low + part * (high - low)
        place = at(0, y).split(",")[1]
        drawn.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{place}" y2="{place}" stroke="#ddd"/>'
        )
        drawn.append(f'<text x="4" y="{float(place) + 4:.1f}" font-size="12">{y:.4g}</text>')
    for number, (name, points) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(at(x, y) for x, y in points)
        width = 2.5 if number == 0 and len(curves) > 1 else 1.3
        drawn.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
        )
        place = _LEFT + number * 85
        drawn.append(
            f'<text x="{place}" y="{_HEIGHT + 14}" font-size="12"'
            f' fill="{colour}">{html.escape(name)}</text>'
        )
    drawn.append(
        f'<text x="{_WIDTH - 10}" y="{_HEIGHT - 10}" font-size="12" text-anchor="end">step'
        f" {right:g}</text></svg>"
    )
    return "".join(drawn)
