"""The losses of a training, drawn small."""

from __future__ import annotations

import math
from collections.abc import Sequence

import qt
import slicer

from ..colours import BLUE, SKY

_WIDTH, _HEIGHT, _EDGE = 300, 64, 3
# Of the lightness from 0 to 255 of the ground.
_DARK_BELOW = 128


def draw_curve(label, losses: Sequence[float]) -> None:
    """Draw losses on a logarithmic scale into a label, the first step on the left.

    Args:
        label: a QLabel.
        losses: above 0; at least two.
    """
    pixmap = qt.QPixmap(_WIDTH, _HEIGHT)
    ground = slicer.app.palette().color(qt.QPalette.Base)
    pixmap.fill(ground)
    painter = qt.QPainter(pixmap)
    painter.setPen(qt.QPen(qt.QColor(SKY if ground.lightness() < _DARK_BELOW else BLUE)))
    points = curve_points(losses, _WIDTH, _HEIGHT, _EDGE)
    for (x, y), (next_x, next_y) in zip(points, points[1:]):
        painter.drawLine(x, y, next_x, next_y)
    painter.end()
    label.setPixmap(pixmap)


def curve_points(
    losses: Sequence[float], width: int, height: int, edge: int
) -> list[tuple[int, int]]:
    """Pixels of a curve: one a column at most, each the mean of the logarithms of its losses.

    Args:
        losses: what is not above 0 is left out.
        width, height: of the picture.
        edge: pixels that stay free around the curve.
    """
    known = [math.log(loss) for loss in losses if loss > 0]
    columns = width - 2 * edge
    each = max(math.ceil(len(known) / columns), 1)
    means = [
        sum(known[n : n + each]) / len(known[n : n + each]) for n in range(0, len(known), each)
    ]
    if len(means) < 2:
        return []
    low, high = min(means), max(means)
    step, scale = (columns - 1) / (len(means) - 1), (height - 2 * edge - 1) / ((high - low) or 1)
    return [
        (edge + round(n * step), edge + round((high - mean) * scale))
        for n, mean in enumerate(means)
    ]
