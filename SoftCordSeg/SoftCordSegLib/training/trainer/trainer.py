"""A training that runs for a number of steps or minutes or until it is stopped, and goes on as if
it had never been.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from ... import __version__
from ...errors import InputError
from ..batch import Batch, BatchSource
from .development import DevelopmentCase, validate
from .first_weights import Start, first_weights
from .learner import Learner, chosen_precision
from .loss_curve import LossCurve
from .run_state import RunState, clear_unfinished, load_state, save_state
from .trainer_plan import FIXED, TrainerPlan


class Store(Protocol):
    """Where the state of a training is kept."""

    def load(self) -> RunState | None:
        """The last state; None before the first."""

    def save(self, state: RunState) -> object:
        """Keep a state, whole or not at all."""


@dataclass(frozen=True)
class StateFolder:
    """A :class:`Store` of complete states in a folder; the last two stay."""

    folder: Path

    def load(self) -> RunState | None:
        """See :func:`.run_state.load_state`."""
        clear_unfinished(self.folder)
        return load_state(self.folder)

    def save(self, state: RunState) -> Path:
        """See :func:`.run_state.save_state`."""
        return save_state(self.folder, state)


@dataclass(frozen=True)
class Pace:
    """How often what does not change the weights is done.

    Attributes:
        save_minutes: between saved states; the end is saved in any case.
        save_steps: the same in steps; None for no such limit.
        validate_steps: between validations; None for none but the last.
        validate_at_end: whether a run ends with one.
    """

    save_minutes: float = 3.0
    save_steps: int | None = None
    validate_steps: int | None = 500
    validate_at_end: bool = True


class Trainer:
    """One training on one device.

    Args:
        store: where it is kept, and gone on from; a :class:`StateFolder` where it is a folder.
        plan: of the training.
        source: of its batches.
        recipe: of the source, in plain types: kept, and compared when the training is resumed.
        start: what a new training begins with.
        development: cases to validate on.
        device: "cpu", "cuda", …
        renew: go on from the weights of a run that was begun with another plan or recipe; its
            warm-up and schedule begin anew.
        record: where the data come from, plain types; kept.

    Raises:
        InputError: the run has other settings, and ``renew`` is not asked for; or another network.
        ModelError: the bundle to start from cannot be read.
    """

    def __init__(
        self,
        store: Store | Path,
        plan: TrainerPlan,
        source: BatchSource,
        *,
        recipe: dict[str, Any] | None = None,
        start: Start | None = None,
        development: list[DevelopmentCase] | None = None,
        device: str = "cpu",
        renew: bool = False,
        record: dict[str, Any] | None = None,
    ):
        self._store = StateFolder(store) if isinstance(store, Path) else store
        self.plan, self._source, self._recipe = plan, source, recipe or {}
        self._development, self._device = development or [], device
        state = self._store.load()
        if state is None:
            weights, self._origin = first_weights(plan, start or Start())
            state = RunState(
                plan.to_json(), self._recipe, self._origin, 0, 0, 0.0, 0, 0, weights, weights, {}
            )
        changed = _changed(state, plan.to_json(), self._recipe)
        if changed:
            _check_change(changed, renew)
        self._origin = state.origin
        self.step, self.patches, self.seconds = state.step, state.patches, state.seconds
        self.rate_from = state.step if changed else state.rate_from
        self.curve = (
            LossCurve.from_json(state.history["losses"])
            if "losses" in state.history
            else LossCurve()
        )
        self.validations = list(state.history.get("validations", []))
        self._changes = [
            *state.history.get("changes", []),
            *([{"step": state.step, "settings": changed}] if changed else []),
        ]
        precision, trial = self._precision(state)
        self.learner = Learner(plan, state.weights, device, precision)
        self.learner.take_average(state.average)
        if state.plan["optimiser"] == plan.optimiser:
            self.learner.take_moments(state.moments, state.moment_steps)
        self._record = {
            **state.record,
            **(record or {}),
            "device": device,
            "precision": precision,
            "trial": trial,
            "asked": plan.precision,
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "softcordseg": __version__,
        }
        if self.learner.teacher is not None:
            self._record["teacher"] = self.learner.teacher.origin

    def run(
        self,
        steps: int | None = None,
        minutes: float | None = None,
        *,
        pace: Pace | None = None,
        before_step: Callable[[], bool] | None = None,
        after_step: Callable[[Trainer], None] | None = None,
    ) -> RunState:
        """Train until there are ``steps`` in all, ``minutes`` have passed, or ``before_step`` says
        no; for ever without any.

        Args:
            steps: of the whole training, those of before included.
            minutes: from now.
            pace: how often to save and validate.
            before_step: called before each step; it may wait, and returns False to stop.
            after_step: called after each step.

        Raises:
            InputError: the loss is not finite any more.
            OutputError: the state cannot be saved.
        """
        pace = pace or Pace()
        saved = began = time.monotonic()
        saved_step = self.step
        try:
            while steps is None or self.step < steps:
                if minutes is not None and time.monotonic() - began >= minutes * 60:
                    break
                if before_step is not None and not before_step():
                    break
                self._one_step()
                if pace.validate_steps and self.step % pace.validate_steps == 0:
                    self.validate()
                if after_step is not None:
                    after_step(self)
                due = pace.save_steps is not None and self.step % pace.save_steps == 0
                if due or time.monotonic() - saved >= pace.save_minutes * 60:
                    self.save()
                    saved, saved_step = time.monotonic(), self.step
            if pace.validate_at_end and self.step > saved_step and not self._validated():
                self.validate()
                saved_step = -1
        finally:
            # Also where somebody pressed Ctrl-C: a step is whole or was not made.
            if self.step != saved_step:
                self.save()
        return self.state()

    def validate(self) -> dict[str, Any] | None:
        """Score the averaged weights on the development cases and note it; None without cases."""
        if not self._development:
            return None
        scores = validate(self.learner.averaged(), self._development, self.plan.soft_by)
        self.validations.append({"step": self.step, "patches": self.patches, **scores})
        # Of each case only the last scores are kept: a long run has thousands of validations.
        for one in self.validations[:-1]:
            one.pop("cases", None)
        return scores

    def save(self) -> None:
        """Keep the state as it is."""
        self._store.save(self.state())

    def state(self) -> RunState:
        """All of the training, on the CPU."""
        tensors = {
            "weights": self.learner.weights(),
            "average": self.learner.average,
            "moments": self.learner.moments(),
        }
        return RunState(
            **self.state_head(), **{name: _copied(value) for name, value in tensors.items()}
        )

    def state_head(self) -> dict[str, Any]:
        """Everything but the tensors; see :meth:`RunState.head`."""
        return {
            "plan": self.plan.to_json(),
            "recipe": self._recipe,
            "origin": self._origin,
            "step": self.step,
            "patches": self.patches,
            "seconds": self.seconds,
            "moment_steps": self.learner.moment_steps,
            "rate_from": self.rate_from,
            "history": {
                "losses": self.curve.to_json(),
                "validations": self.validations,
                "changes": self._changes,
            },
            "record": self._record,
        }

    def _one_step(self) -> None:
        begun = time.monotonic()
        loss = self.learner.step(self.step, self.rate_from, self._batch)
        self.step += 1
        self.patches += self.plan.batch * self.plan.accumulate
        self.seconds += time.monotonic() - begun
        if loss is not None:
            self.curve.add(loss)

    def _batch(self, number: int) -> Batch:
        return self._source.batch(self.plan.seed, number, self.plan.batch)

    def _validated(self) -> bool:
        return bool(self.validations) and self.validations[-1]["step"] == self.step

    def _precision(self, state: RunState) -> tuple[str, dict[str, Any]]:
        """That of before on a machine of the same kind, or the curve would bend where a run was
        resumed.
        """
        before = state.record
        same = before.get("device") == self._device and before.get("asked") == self.plan.precision
        if same and before.get("torch") == torch.__version__:
            return before["precision"], before["trial"]
        return chosen_precision(self.plan, state.weights, self._source, self._device)


def _copied(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in tensors.items()
    }


def _changed(state: RunState, plan: dict[str, Any], recipe: dict[str, Any]) -> list[str]:
    """Names of settings that are not those of the state."""
    before = state.plan
    changed = sorted(name for name in {*before, *plan} if before.get(name) != plan.get(name))
    return changed + (["recipe"] if state.recipe != recipe else [])


def _check_change(changed: list[str], renew: bool) -> None:
    other = [name for name in changed if name in FIXED]
    if other:
        raise InputError(
            f"The training at hand has another {' and '.join(other)}.",
            hint="Choose another folder, and start there from its weights.",
        )
    if not renew:
        raise InputError(
            f"The training at hand was begun with other settings ({', '.join(changed)}).",
            hint="Choose another folder, take back the change, or ask to go on from its weights"
            " with the new settings.",
        )
