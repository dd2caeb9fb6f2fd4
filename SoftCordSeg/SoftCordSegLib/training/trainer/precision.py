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
    plan: TrainerPlan,
    weights: dict[str, torch.Tensor],
    source: BatchSource,
    device: str,
    tries: int = 4,
) -> tuple[str, dict[str, Any]]:
    """The faster of fp32 and bf16 with a finite loss, by a few steps of each that are thrown away.

    Returns:
        Its name, and the seconds a step of each (None where the loss was not finite).
    """
    if plan.precision != "auto":
        return plan.precision, {}
    learners = {
        precision: Learner(plan, weights, device, precision) for precision in ("fp32", "bf16")
    }
    batch = source.batch(plan.seed, 0, plan.batch)
    times: dict[str, list[float]] = {precision: [] for precision in learners}
    finite = dict.fromkeys(learners, True)
    # By turns, and the shortest time counts: whatever else the machine does must not decide.  The
    # first step also builds what the others only use.
    for number in range(tries + 1):
        for precision, learner in learners.items():
            begun = time.perf_counter()
            loss = learner.step(number, 0, lambda _number: batch)
            if learner.device.type == "cuda":
                torch.cuda.synchronize()
            if number:
                times[precision].append(time.perf_counter() - begun)
            finite[precision] &= loss is not None and math.isfinite(loss)
    seconds = {
        precision: round(min(times[precision]), 4) if finite[precision] else None
        for precision in learners
    }
    faster = seconds["bf16"] is not None and (
        seconds["fp32"] is None or seconds["bf16"] < seconds["fp32"]
    )
    return "bf16" if faster else "fp32", seconds
