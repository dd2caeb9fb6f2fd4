"""What decides the mathematics of one network's training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...network.unet_config import COMPACT, PAPER, UNetConfig
from .values import Refused, boolean, choice, integer, key, mapping, number, optional

NETWORKS = {"compact": COMPACT, "paper": PAPER}


def network(value: Any) -> UNetConfig:
    """The name of a network, or its features, strides and convolutions."""
    if isinstance(value, str) and value in NETWORKS:
        return NETWORKS[value]
    try:
        return UNetConfig(**value)
    except (TypeError, ValueError) as error:
        raise Refused(
            f"one of {', '.join(NETWORKS)}, or a section of features, strides and convolutions"
        ) from error


# Those of training.loss, which loads torch.
_LOSSES = (
    "adaptive_wing",
    "squared_error",
    "squared_and_area_error",
    "dice",
    "dice_and_cross_entropy",
)


@dataclass(frozen=True)
class Plan:
    """One network's training: two runs of one plan, on one kind of processor, give the same
    numbers.

    Attributes:
        network: its shape.
        steps: batches in all, for sources without an end.
        epochs: passes over the cases, for lists of cases; exactly one of the two is given.
        loss: a name in ``loss.LOSSES``.
        loss_options: of the loss, beside outputs, label and weight.
        batch: images a step, over all processes together.
        learning_rate: of Adam at the start; cosine to 0 (paper section 2.3.5).
        schedule: "step" or "epoch", how often the cosine falls.
        schedule_length: steps or epochs to 0; the whole training where None.
        gradient_clip: norm that gradients are cut to; None for none.
        averaging: how much of the averaged weights is kept at each step; None for no averaging.
        validate_every: steps, or epochs.
        validation_images: how many of an endless source are held out; of a list all are.
        activation: that makes validation's outputs soft values, "clip", "sigmoid" or "normrelu".
        dice: "squared" or "plain", the denominator of validation's soft Dice.
        patience: validations without a lower loss before training stops; None for never.
        skip_empty: leave out batches in which an image has no cord (the authors' code).
        save_every: steps between saved states, or epochs.
        result: which weights go on: "last", or those of the "best_loss" or "best_soft_dice" of all
            validations.
        seed: of weights and images.
        precision: "fp32", or "bf16" where the processor multiplies bfloat16 faster.
    """

    network: UNetConfig = key(network)
    steps: int | None = key(optional(integer(1)), None)
    epochs: int | None = key(optional(integer(1)), None)
    loss: str = key(choice(*_LOSSES), "adaptive_wing")
    loss_options: dict[str, Any] = key(mapping, {})
    batch: int = key(integer(1), 2)
    learning_rate: float = key(number(0), 1e-3)
    schedule: str = key(choice("step", "epoch"), "step")
    schedule_length: int | None = key(optional(integer(1)), None)
    gradient_clip: float | None = key(optional(number(0)), 1.0)
    averaging: float | None = key(optional(number(0, 1)), 0.998)
    validate_every: int = key(integer(1), 250)
    validation_images: int = key(integer(1), 24)
    activation: str = key(choice("clip", "sigmoid", "normrelu"), "clip")
    dice: str = key(choice("squared", "plain"), "squared")
    patience: int | None = key(optional(integer(1)), None)
    skip_empty: bool = key(boolean, False)
    save_every: int = key(integer(1), 50)
    result: str = key(choice("last", "best_loss", "best_soft_dice"), "last")
    seed: int = 1
    precision: str = "fp32"
