"""A batch of training patches, and what makes batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Batch:
    """Patches on one device, axes to the Left, Anterior, Superior (nibabel LAS, SCT-RPI).

    Attributes:
        image: (B, 1, i, j, k) float32, intensities by the input contract (−3 to 3).
        label: (B, 1, i, j, k) float32 in [0, 1], soft mask of the cord.
        weight: (B, 1, i, j, k) float32, 0 where the answer is unknown, else up to 1.
        twins: (P, 2) int64, rows of one geometry in two appearances: mask and areas must be the
            same.
    """

    image: torch.Tensor
    label: torch.Tensor
    weight: torch.Tensor
    twins: torch.Tensor


class BatchSource(Protocol):
    """Makes batches; the same seed, step and size give the same batch on the same kind of
    device.
    """

    def batch(self, seed: int, step: int, size: int) -> Batch:
        """The batch of a step of the run that has ``seed``."""
