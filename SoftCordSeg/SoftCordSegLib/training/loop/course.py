"""How a training is cut into Lightning's epochs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...errors import InputError
from ..config.plan import Plan


@dataclass(frozen=True)
class Course:
    """How a training is cut into Lightning's epochs: states are saved, and validations made, at
    their ends only.

    That is where Lightning resumes exactly.  For a list of cases an epoch is a pass over it; for an
    endless source it is the longest chunk of steps that validations and saved states allow.

    Attributes:
        chunk: batches an epoch.
        epochs: in all.
        validate_every, save_every: epochs.
    """

    chunk: int
    epochs: int
    validate_every: int
    save_every: int

    @property
    def batches(self) -> int:
        """Batches in all."""
        return self.chunk * self.epochs


def course(plan: Plan, cases: int | None) -> Course:
    """The course of a plan.

    Args:
        plan: of the training.
        cases: in the list; None for an endless source.

    Raises:
        InputError: the plan counts epochs of a source without an end, or steps of a list, or there
            are fewer cases than a batch.
    """
    if cases is None:
        if plan.steps is None or plan.schedule != "step":
            raise InputError(
                "A source without an end is trained by steps, with schedule: step; epochs are for"
                " lists of cases."
            )
        validate, save = min(plan.validate_every, plan.steps), min(plan.save_every, plan.steps)
        chunk = math.gcd(plan.steps, math.gcd(validate, save))
        return Course(chunk, plan.steps // chunk, validate // chunk, save // chunk)
    if plan.epochs is None:
        raise InputError(
            "A list of cases is trained by epochs; steps are for sources without an end."
        )
    if cases < plan.batch:
        raise InputError(
            f"The list has {cases} cases for training, fewer than a batch of {plan.batch}. Add"
            " cases, or lower batch."
        )
    # What is left of the last batch waits for another epoch, in which the order is another.
    return Course(cases // plan.batch, plan.epochs, plan.validate_every, plan.save_every)
