"""The network, its loss, its optimiser and its averaged weights, as Lightning wants them."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as lightning
import torch

from ...errors import InputError
from ...network.unet import UNet
from ..loss import SOFT, deeply_supervised, soft_dice
from .train_config import Plan


class Training(lightning.LightningModule):
    """One network in training.

    Args:
        plan: what to do.
        steps: in all.
    """

    def __init__(self, plan: Plan, steps: int):
        super().__init__()
        self.plan, self._steps = plan, steps
        torch.manual_seed(plan.seed)
        # 3D convolutions of the CPU are faster with channels last; on a GPU the layout is its own
        # choice.
        self.network = UNet(plan.network).to(memory_format=torch.channels_last_3d)
        # Batches begun, which Lightning does not count where batches are left out.
        self.batches = 0
        self._sums = torch.zeros(3)

    def training_step(self, batch: torch.Tensor, _index: int) -> torch.Tensor | None:
        """The loss of a batch (B, 2, i, j, k) of image and label; None where it is to be
        left out.
        """
        self.batches += 1
        image, label = batch.split(1, dim=1)
        weight = torch.ones_like(label)
        if self.plan.skip_empty and not (label.amax(dim=(1, 2, 3, 4)) > 0).all():
            return None
        outputs = self.network(image.contiguous(memory_format=torch.channels_last_3d))
        # Sums over a whole patch need more than bfloat16.
        with torch.autocast(self.device.type, enabled=False):
            loss = deeply_supervised(self.plan.loss, outputs, label, weight, self.plan.loss_options)
        if self.plan.loss_options.get("reduction") == "sum":
            # Processes average their gradients; of a sum the batch has the sum.
            loss = loss * self.trainer.world_size
        if not torch.isfinite(loss):
            raise InputError(
                f"The loss of batch {self.batches} is {float(loss.detach())}: training cannot go"
                " on.",
                hint="Lower learning_rate, set precision to fp32, or look for images or labels that"
                " are not finite.",
            )
        return loss

    def on_validation_epoch_start(self) -> None:
        """Start the sums over images: soft Dice, loss, count."""
        self._sums = torch.zeros(3, dtype=torch.float64)

    def validation_step(self, batch: torch.Tensor, _index: int) -> None:
        """Soft Dice and loss of the full resolution, per image."""
        with torch.autocast(self.device.type, enabled=False):
            for image, label in batch[:, :, None, None]:
                weight = torch.ones_like(label)
                output = self.network(image)[0]
                dice = soft_dice(SOFT[self.plan.activation](output), label, weight, self.plan.dice)
                loss = deeply_supervised(
                    self.plan.loss, [output], label, weight, self.plan.loss_options
                )
                self._sums += torch.tensor([dice, float(loss), 1], dtype=torch.float64)

    def on_validation_epoch_end(self) -> None:
        """Means over the images of all processes, which need not have as many each."""
        # Not every device has double precision.
        sums = self.trainer.strategy.reduce(self._sums.float().to(self.device), reduce_op="sum")
        self.log("val_soft_dice", sums[0] / sums[2])
        self.log("val_loss", sums[1] / sums[2])

    def configure_optimizers(self) -> dict[str, Any]:
        """Adam and a cosine to 0 (paper section 2.3.5)."""
        plan = self.plan
        optimiser = torch.optim.Adam(self.network.parameters(), lr=plan.learning_rate)
        total = self._steps if plan.schedule == "step" else plan.epochs
        length = plan.schedule_length or total
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, length)
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": plan.schedule},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add how far the data are."""
        checkpoint["batches"] = self.batches

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take it back."""
        self.batches = checkpoint["batches"]


class AveragedWeights(lightning.Callback):
    """An exponential moving average of the weights, kept in the checkpoint and put into the network
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
