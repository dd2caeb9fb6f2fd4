"""One step of a training, and all that changes by it."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from typing import Any

import torch

from ...errors import InputError
from ...network.unet import UNet
from ..batch import Batch, BatchSource
from ..loss import check_options, clipped, deeply_supervised, disagreement
from .teacher import Teacher
from .trainer_plan import TrainerPlan

# So many steps in a row without a finite loss are no accident any more.
_LOST = 20


class Learner:
    """A network, its average and its optimiser on one device.

    Args:
        plan: of the training.
        weights: to begin with.
        device: "cpu", "cuda", …
        precision: "fp32" or "bf16"; parameters, losses and averages are float32 in either.
    """

    def __init__(
        self,
        plan: TrainerPlan,
        weights: dict[str, torch.Tensor],
        device: str = "cpu",
        precision: str = "fp32",
    ):
        try:
            check_options(plan.loss, plan.loss_options)
        except (KeyError, ValueError) as error:
            raise InputError(
                f"In the plan of a training: {error}.",
                hint="Correct the plan.",
            ) from error
        self.plan, self.device, self.precision = plan, torch.device(device), precision
        self._layout = torch.channels_last_3d if plan.channels_last else torch.contiguous_format
        self.network = UNet(plan.network)
        self.network.load_state_dict(weights)
        self.network.to(self.device, memory_format=self._layout).train()
        self.average = {
            name: value.detach().clone() for name, value in self.network.state_dict().items()
        }
        kind = torch.optim.AdamW if plan.optimiser == "adamw" else torch.optim.Adam
        self.optimiser = kind(
            self.network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
        )
        self.teacher = Teacher(plan, self.device, self._layout) if plan.teacher else None
        self.moment_steps = 0
        self._lost = 0

    def loss(self, batch: Batch) -> torch.Tensor:
        """The loss of a batch, with a gradient."""
        image = batch.image.to(self.device).contiguous(memory_format=self._layout)
        label, weight = batch.label.to(self.device), batch.weight.to(self.device)
        # A network that was compiled or not, on whatever device: only its own arithmetic is in
        # bfloat16.
        with (
            torch.autocast(self.device.type, torch.bfloat16)
            if self.precision == "bf16"
            else contextlib.nullcontext()
        ):
            outputs = self.network(image)
            if self.teacher is not None:
                label, weight = self.teacher.takes_part(image, label, weight)
        if self.plan.clipped:
            outputs = [clipped(output.float()) for output in outputs]
        loss = deeply_supervised(self.plan.loss, outputs, label, weight, self.plan.loss_options)
        if self.plan.agreement:
            output = outputs[0].float()
            soft = torch.sigmoid(output) if self.plan.soft_by == "sigmoid" else output
            loss = loss + self.plan.agreement * disagreement(
                soft, weight, batch.twins.to(self.device)
            )
        return loss

    def step(self, number: int, rate_from: int, batches: Callable[[int], Batch]) -> float | None:
        """Make one step.

        Args:
            number: of the step, from 0.
            rate_from: step at which warm-up and schedule began.
            batches: gives the batch of a number; a step takes ``accumulate`` of them.

        Returns:
            The loss; None where it or its gradient was not finite, and the network stayed as it
            was.

        Raises:
            InputError: that was so many times in a row.
        """
        plan = self.plan
        self.optimiser.zero_grad(set_to_none=True)
        total = 0.0
        for part in range(plan.accumulate):
            loss = self.loss(batches(number * plan.accumulate + part)) / plan.accumulate
            loss.backward()
            total += float(loss.detach())
        highest = plan.gradient_clip if plan.gradient_clip is not None else math.inf
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), highest)
        if not (math.isfinite(total) and bool(torch.isfinite(norm))):
            self._lost += 1
            if self._lost >= _LOST:
                raise InputError(
                    f"The loss was not finite {_LOST} times in a row at step {number}: training"
                    " cannot go on.",
                    hint="Lower learning_rate, or set precision to fp32.",
                )
            return None
        self._lost = 0
        for group in self.optimiser.param_groups:
            group["lr"] = plan.rate(number - rate_from)
        self.optimiser.step()
        self.moment_steps += 1
        keep = plan.kept(number + 1)
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                self.average[name].lerp_(value, 1 - keep)
        return total

    def averaged(self) -> UNet:
        """A network with the averaged weights, in evaluation mode."""
        network = UNet(self.plan.network)
        network.load_state_dict(self.average)
        return network.to(self.device, memory_format=self._layout).eval()

    def weights(self) -> dict[str, torch.Tensor]:
        """The weights as they are."""
        return self.network.state_dict()

    def moments(self) -> dict[str, torch.Tensor]:
        """Of the optimiser, "first/…" and "second/…" by name; empty before its first step."""
        found = {}
        for name, value in self.network.named_parameters():
            kept: dict[str, Any] = self.optimiser.state.get(value, {})
            if kept:
                found[f"first/{name}"], found[f"second/{name}"] = (
                    kept["exp_avg"],
                    kept["exp_avg_sq"],
                )
        return found

    def take_moments(self, moments: dict[str, torch.Tensor], steps: int) -> None:
        """Go on with what :meth:`moments` gave."""
        if not moments or not steps:
            return
        state = {}
        for number, (name, value) in enumerate(self.network.named_parameters()):
            first, second = (
                self._like(value, moments[f"{kind}/{name}"]) for kind in ("first", "second")
            )
            state[number] = {
                "step": torch.tensor(float(steps)),
                "exp_avg": first,
                "exp_avg_sq": second,
            }
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": state, "param_groups": groups})
        self.moment_steps = steps

    def take_average(self, average: dict[str, torch.Tensor]) -> None:
        """Go on with an average of before."""
        for name, value in average.items():
            self.average[name].copy_(value)

    @staticmethod
    def _like(value: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        return torch.empty_like(value, requires_grad=False).copy_(kept)


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
