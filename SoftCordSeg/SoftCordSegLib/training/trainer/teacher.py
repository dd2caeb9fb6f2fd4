"""Distillation: a network, mostly a larger one, that takes part in the labels of another."""

from __future__ import annotations

import torch

from ...network.unet import UNet
from .first_weights import bundle_weights
from .trainer_plan import TrainerPlan


class Teacher:
    """The network of ``plan.teacher``, which stays as it is; ``origin``: of its weights, in plain
    types.

    Args:
        plan: of the training that it takes part in.
        device: "cpu", "cuda", …
        layout: of memory, as of the network that learns.

    Raises:
        InputError: the bundle lacks the plan's stage.
        ModelError: there is no such bundle, or it is damaged.
    """

    def __init__(self, plan: TrainerPlan, device: torch.device, layout: torch.memory_format):
        weights, shape, self.origin = bundle_weights(plan, plan.teacher, plan.stage)
        self._network = UNet(shape)
        self._network.load_state_dict(weights)
        self._network.to(device, memory_format=layout).eval()
        self._share, self._sigmoid = plan.taught, plan.soft_by == "sigmoid"

    @torch.no_grad()
    def takes_part(
        self, image: torch.Tensor, label: torch.Tensor, weight: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Labels with a share of its answer, and their weights. Where no label is known, the answer
        is all there is, and has the share as its weight.

        Args:
            image, label, weight: (B, 1, i, j, k); weights of 0 and 1.
        """
        answer = self._network(image)[0].float()
        answer = torch.sigmoid(answer) if self._sigmoid else answer
        mixed = answer + (label - answer) * (1 - self._share) * weight
        return mixed, weight + (1 - weight) * self._share
