"""Which precision a machine trains faster in, found by trying."""

from __future__ import annotations

import math
import time
from typing import Any

import torch

from ..batch import BatchSource
from .learner import Learner
from .trainer_plan import TrainerPlan


def chosen_precision(
    plan: TrainerPlan, weights: dict[str, torch.Tensor], source: BatchSource, device: str, tries: int = 3
) -> tuple[str, dict[str, Any]]:
    """The faster of fp32 and bf16 with a finite loss, by a few steps of each that are thrown away.

    Returns:
        Its name, and the seconds a step of each (None where the loss was not finite).
    """
    if plan.precision != "auto":
        return plan.precision, {}
    seconds: dict[str, Any] = {}
    for precision in ("fp32", "bf16"):
        learner = Learner(plan, weights, device, precision)
        batch = source.batch(plan.seed, 0, plan.batch)
        times, losses = [], []
        # The first step also builds what the others only use.
        for number in range(tries + 1):
            begun = time.perf_counter()
            losses.append(learner.step(number, 0, lambda _number, batch=batch: batch))
            if device != "cpu":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - begun)
        finite = all(loss is not None and math.isfinite(loss) for loss in losses)
        seconds[precision] = round(min(times[1:]), 4) if finite else None
    faster = seconds["bf16"] is not None and (seconds["fp32"] is None or seconds["bf16"] < seconds["fp32"])
    return "bf16" if faster else "fp32", seconds
