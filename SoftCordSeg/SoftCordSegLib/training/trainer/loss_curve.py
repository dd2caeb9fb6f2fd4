"""The losses of a training of any length, in a bounded number of points."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_MOST = 2000


@dataclass
class LossCurve:
    """Means of the loss over as many steps each; when there are too many points, two become one.

    Attributes:
        width: steps a point.
        points: means, the first steps first.
        total, count: of the steps after the last point.
    """

    width: int = 1
    points: list[float] = field(default_factory=list)
    total: float = 0.0
    count: int = 0

    def add(self, loss: float) -> None:
        """The loss of the next step."""
        self.total += loss
        self.count += 1
        if self.count < self.width:
            return
        self.points.append(self.total / self.count)
        self.total, self.count = 0.0, 0
        if len(self.points) >= _MOST:
            self.points = [
                (one + other) / 2 for one, other in zip(self.points[::2], self.points[1::2])
            ]
            self.width *= 2

    def recent(self, steps: int = 100) -> float | None:
        """The mean of about the last ``steps``; None before the first."""
        last = self.points[-max(steps // self.width, 1) :]
        return sum(last) / len(last) if last else None

    def steps(self) -> list[float]:
        """The middle of each point, in steps."""
        return [(number + 0.5) * self.width for number in range(len(self.points))]

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {
            "width": self.width,
            "points": list(self.points),
            "total": self.total,
            "count": self.count,
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> LossCurve:
        """From what :func:`to_json` gave."""
        return cls(content["width"], list(content["points"]), content["total"], content["count"])
