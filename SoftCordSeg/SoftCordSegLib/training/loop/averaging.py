"""Averaged weights: what is validated and shipped."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as lightning
import torch


class AveragedWeights(lightning.Callback):
    """An exponential moving average of the weights, kept in the checkpoint and lent to the network
    while it is validated.

    Args:
        network: whose weights; they are copied as they are now.
        keep: how much of the average stays at each step; None for the weights as they are.
    """

    def __init__(self, network: torch.nn.Module, keep: float | None):
        self.keep = keep
        self.average = {
            name: value.detach().clone() for name, value in network.state_dict().items()
        }
        self._lent: dict[str, torch.Tensor] | None = None
        self._step = 0

    def on_train_batch_end(self, trainer: Any, module: Any, *_batch: Any) -> None:
        """Draw the average towards the weights, if there was a step."""
        if trainer.global_step == self._step:
            return
        self._step = trainer.global_step
        # Early on the average follows closely, or it would remember the random start.
        keep = 0.0 if self.keep is None else min(self.keep, (1 + self._step) / (10 + self._step))
        with torch.no_grad():
            for name, value in module.network.state_dict().items():
                self.average[name].lerp_(value, 1 - keep)

    def on_fit_start(self, _trainer: Any, module: Any) -> None:
        """Follow the network to its device."""
        self.average = {name: value.to(module.device) for name, value in self.average.items()}

    def on_validation_start(self, _trainer: Any, module: Any) -> None:
        """Lend the average to the network."""
        self._lent = {
            name: value.detach().clone() for name, value in module.network.state_dict().items()
        }
        module.network.load_state_dict(self.average)

    def on_validation_end(self, _trainer: Any, module: Any) -> None:
        """Give the network its own weights back, before anybody saves them."""
        if self._lent is not None:
            module.network.load_state_dict(self._lent)
            self._lent = None

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"average": self.average, "step": self._step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.average, self._step = state["average"], state["step"]
