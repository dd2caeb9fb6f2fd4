"""What a run has measured so far."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

from ...files import write_text_atomically


@dataclass
class History:
    """What a run has measured so far.

    Attributes:
        losses: of every step.
        validation: (step, soft Dice, loss) of every validation.
        seconds: spent training, over all resumed sessions.
        finished: True once the last step is done, or training stopped early.
        stopped_early: True where the loss of validation no longer fell.
    """

    losses: list[float] = field(default_factory=list)
    validation: list[tuple[int, float, float]] = field(default_factory=list)
    seconds: float = 0.0
    finished: bool = False
    stopped_early: bool = False

    def write(self, path: Path) -> None:
        """As CSV: step, loss, and soft Dice and loss of validation where there was one."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(("step", "loss", "validation soft Dice", "validation loss"))
        found = {step: (f"{dice:.4f}", f"{loss:.6g}") for step, dice, loss in self.validation}
        writer.writerows(
            (n, f"{loss:.6g}", *found.get(n, ("", "")))
            for n, loss in enumerate(self.losses, start=1)
        )
        write_text_atomically(path, text.getvalue())
