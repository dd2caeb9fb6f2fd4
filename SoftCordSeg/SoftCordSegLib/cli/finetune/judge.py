"""Scores of a mask, for ``softcord finetune``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...training.finetune import Scores
    from ...volume import Volume


def compare(mask: Volume, reference: Volume) -> Scores:
    """A mask against its reference of the same grid."""
    import torch

    from ...evaluation import dice, relative_volume_error, soft_dice
    from ...training.finetune import Scores
    from ...training.loss import soft_dice as squared_soft_dice

    soft, known = mask.data, reference.data
    p, y = torch.as_tensor(soft.astype("float64")), torch.as_tensor(known.astype("float64"))
    return Scores(
        squared_soft_dice(p, y, torch.ones_like(y)),
        soft_dice(soft, known),
        dice(soft >= 0.5, known >= 0.5),
        relative_volume_error(soft >= 0.5, known >= 0.5),
    )
