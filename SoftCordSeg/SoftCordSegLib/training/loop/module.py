"""The network, its loss and its optimiser, as Lightning wants them."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as lightning
import torch

from ...errors import InputError
from ...network.unet import UNet
from ..config.plan import Plan
from ..loss import SOFT, deeply_supervised, soft_dice


class Training(lightning.LightningModule):
    """One network in training.

    Args:
        plan: what to do.
        start: weights to begin from; random, by the plan's seed, where None.
    """

    def __init__(self, plan: Plan, start: dict[str, torch.Tensor] | None = None):
        super().__init__()
        self.plan = plan
        torch.manual_seed(plan.seed)
        # 3D convolutions of the CPU are faster with channels last; on a GPU the layout is its own
        # choice.
        self.network = UNet(plan.network).to(memory_format=torch.channels_last_3d)
        if start is not None:
            self.network.load_state_dict(start)
        # Batches begun, which Lightning does not count where batches are left out.
        self.batches = 0
        self._sums = torch.zeros(3)

    def training_step(self, batch: torch.Tensor, _index: int) -> torch.Tensor | None:
        """The loss of a batch (B, 3, i, j, k) of image, label and weight; None where it is to be
        left out.
        """
        self.batches += 1
        image, label, weight = batch.split(1, dim=1)
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
                " on. Lower learning_rate, set precision to fp32, or look for images or labels"
                " that are not finite."
            )
        return loss

    def on_validation_epoch_start(self) -> None:
        """Start the sums over images: soft Dice, loss, count."""
        self._sums = torch.zeros(3, dtype=torch.float64)

    def validation_step(self, batch: torch.Tensor, _index: int) -> None:
        """Soft Dice and loss of the full resolution, per image."""
        with torch.autocast(self.device.type, enabled=False):
            for image, label, weight in batch[:, :, None, None]:
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
        length = plan.schedule_length or (plan.steps if plan.schedule == "step" else plan.epochs)
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
