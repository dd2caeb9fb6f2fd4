"""What decides the mathematics of a training, in plain types that are kept beside its weights."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

from ...errors import InputError
from ...network.unet_config import COMPACT, UNetConfig

STAGES = ("segmenter", "locator")
# Voxel edge lengths of the two working grids, mm, of which a recipe may pool several, and what
# makes soft values of a network's raw outputs.
SPACING_MM = {"segmenter": 1.0, "locator": 2.0}
ACTIVATION = {"segmenter": "clip", "locator": "sigmoid"}
_LOSS = {
    "segmenter": ("squared_and_area_error", {"area": 0.05, "faint": 0.1}),
    "locator": ("dice_and_cross_entropy", {}),
}
_CHOICES = {
    "stage": STAGES,
    "schedule": ("constant", "cosine"),
    "optimiser": ("adam", "adamw"),
    "precision": ("auto", "fp32", "bf16"),
    "activation": ("", "clip", "sigmoid", "normrelu"),
}
# Another value of one of these is another network, whose weights do not continue the ones at hand.
FIXED = ("network", "stage")


@dataclass(frozen=True)
class TrainerPlan:
    """One network's training: two runs of one plan and source, on one kind of processor, give the
    same numbers.

    Attributes:
        network: its shape.
        stage: "segmenter" (1 mm, the cord's outline) or "locator" (2 mm and more, where the cord
            is).
        tile: voxels (Left, Anterior, Superior) of the tiles that the program will use, and
            validation does.
        batch: patches that go through the network at once.
        accumulate: batches whose gradients make one step.
        learning_rate: after the warm-up.
        warm_up: steps in which the learning rate rises from 0.
        schedule: "constant", or "cosine" to ``floor`` over ``schedule_steps``.
        schedule_steps: length of the cosine, warm-up included; what follows is at the floor.
        floor: last part of the learning rate, 0 to 1.
        optimiser: "adam" or "adamw".
        weight_decay: of adamw.
        gradient_clip: norm that gradients are cut to; None for none.
        loss: a name in ``loss.LOSSES``; that of the stage where "".
        loss_options: its options; those of the stage where the loss is "".
        agreement: weight of the disagreement of twins (see :func:`..loss.disagreement`)
            beside the loss; 0 for none.
        averaging: how much of the averaged weights is kept at each step; 0 for the last weights.
        seed: of random weights and of the batches.
        precision: "fp32", "bf16", or "auto" for the faster of the two by a short trial.
        activation: that makes soft values of raw outputs, a name in ``loss.SOFT``; that of the
            stage where "".
        clipped: let the loss see outputs clipped to 0 to 1 (see :func:`..loss.clipped`).
        teacher: name or folder of a bundle whose network of the same stage, mostly a larger one,
            takes part in every label (distillation); none where "".
        taught: share of the teacher's answer in the label, 0 to 1; where no label is known its
            answer is all there is, and counts so much.
        channels_last: memory layout of the network and its images.
    """

    network: UNetConfig = COMPACT
    stage: str = "segmenter"
    tile: tuple[int, int, int] = (48, 64, 64)
    batch: int = 2
    accumulate: int = 1
    learning_rate: float = 1e-3
    warm_up: int = 0
    schedule: str = "constant"
    schedule_steps: int | None = None
    floor: float = 0.0
    optimiser: str = "adam"
    weight_decay: float = 0.0
    gradient_clip: float | None = 1.0
    loss: str = ""
    loss_options: dict[str, Any] = field(default_factory=dict)
    agreement: float = 0.0
    averaging: float = 0.999
    seed: int = 1
    precision: str = "auto"
    channels_last: bool = True
    activation: str = ""
    clipped: bool = False
    teacher: str = ""
    taught: float = 0.5

    def __post_init__(self):
        object.__setattr__(self, "tile", tuple(int(n) for n in self.tile))
        if self.loss == "" and self.stage in STAGES:
            loss, options = _LOSS[self.stage]
            object.__setattr__(self, "loss", loss)
            object.__setattr__(self, "loss_options", {**options, **self.loss_options})
        wrong = _wrong(self)
        if wrong:
            raise InputError(
                f"In the plan of a training: {wrong}.",
                hint="Correct the plan.",
            )

    @property
    def soft_by(self) -> str:
        """The activation that makes soft values of raw outputs."""
        return self.activation or ACTIVATION[self.stage]

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        rise = min(1.0, (step + 1) / self.warm_up) if self.warm_up else 1.0
        if self.schedule == "constant":
            return self.learning_rate * rise
        fallen = 0.5 * (1 + math.cos(math.pi * min(step / self.schedule_steps, 1.0)))
        return self.learning_rate * rise * (self.floor + (1 - self.floor) * fallen)

    def kept(self, step: int) -> float:
        """How much of the average stays at a step, counted from 1; early on little, or it would
        remember the start.
        """
        return min(self.averaging, (1 + step) / (10 + step))

    def to_json(self) -> dict[str, Any]:
        """Plain types, every setting."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        network = {name: _plain(value) for name, value in self.network.to_json().items()}
        # Runs that were begun before there was a choice go on.
        for name in ("activation", "clipped", "teacher"):
            if not plain[name]:
                del plain[name]
        if not self.teacher:
            del plain["taught"]
        return {
            **plain,
            "network": network,
            "tile": list(self.tile),
            "loss_options": dict(self.loss_options),
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> TrainerPlan:
        """From what :func:`to_json` gave, or a part of it; what is left out has its default.

        Raises:
            InputError: a setting is unknown or cannot be; the sentence names it.
        """
        known = {one.name for one in fields(cls)}
        unknown = sorted(set(content) - known)
        if unknown:
            raise InputError(
                f"'{unknown[0]}' is not a setting of a training.",
                hint=f"Choose among {', '.join(sorted(known))}.",
            )
        values = dict(content)
        try:
            if isinstance(values.get("network"), dict):
                values["network"] = UNetConfig.from_json(values["network"])
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"The plan of a training cannot be used: {error}.",
                hint="Correct the plan.",
            ) from error


def _plain(value: Any) -> Any:
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _wrong(plan: TrainerPlan) -> str:
    """What cannot be in a plan; "" where all can."""
    for name, choices in _CHOICES.items():
        if getattr(plan, name) not in choices:
            return f"{name} should be one of {', '.join(choices)}, not {getattr(plan, name)!r}"
    if not isinstance(plan.network, UNetConfig):
        return "network should have features and strides"
    if len(plan.tile) != 3 or any(
        size <= 0 or size % part for size, part in zip(plan.tile, plan.network.divisor)
    ):
        return f"tile should be three multiples of {plan.network.divisor}, not {plan.tile}"
    for name, least in (("batch", 1), ("accumulate", 1), ("warm_up", 0), ("seed", 0)):
        value = getattr(plan, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            return f"{name} should be a whole number of at least {least}, not {value!r}"
    for name, high in (
        ("learning_rate", 1.0),
        ("floor", 1.0),
        ("averaging", 1.0),
        ("taught", 1.0),
        ("agreement", None),
        ("weight_decay", None),
    ):
        value = getattr(plan, name)
        if not _number(value) or value < 0 or (high is not None and value > high):
            return (
                f"{name} should be a number from 0{'' if high is None else f' to {high:g}'}, not"
                f" {value!r}"
            )
    if plan.gradient_clip is not None and not (
        _number(plan.gradient_clip) and plan.gradient_clip > 0
    ):
        return f"gradient_clip should be a number above 0, or null, not {plan.gradient_clip!r}"
    if plan.schedule == "cosine" and not (
        isinstance(plan.schedule_steps, int) and plan.schedule_steps > 0
    ):
        return "a cosine needs schedule_steps, a whole number above 0"
    return ""
