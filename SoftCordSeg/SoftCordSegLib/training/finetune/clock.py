"""How long training will take, told from its first steps."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...progress import Progress
from .wording import in_words

# The first batches wait for workers to start and for memory to be laid out.
_WARM_UP, _ENOUGH = 3, 13


def with_estimate(progress: Progress, steps: int, tell: Callable[[str], None]) -> Progress:
    """A progress that also tells, once, how long the rest will take.

    Args:
        progress: told of everything.
        steps: in all.
        tell: takes the sentence.
    """
    calls: list[tuple[float, float]] = []

    def report(fraction: float, message: str) -> None:
        if len(calls) < _ENOUGH:
            calls.append((time.perf_counter(), fraction))
            if len(calls) == _ENOUGH and steps > _ENOUGH:
                (began, first), (now, last) = calls[_WARM_UP - 1], calls[-1]
                tell(
                    "Training takes about"
                    f" {in_words((1 - last) * (now - began) / max(last - first, 1e-9))} from here."
                )
        progress.report(fraction, message)
        progress.check_cancelled()

    return Progress(report)
