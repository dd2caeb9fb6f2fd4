"""The answer to "where is the cord?"."""

from __future__ import annotations

from dataclasses import dataclass

from ..volume import Box, Volume


@dataclass(frozen=True, eq=False)
class SoftMask:
    """A soft mask and how it came about.

    Attributes:
        volume: float32 values in [0, 1], on the grid of the image.
        box: what the network looked at; None where nothing was found.
        message: one sentence on the outcome.
        notes: further sentences that a reader should know.
    """

    volume: Volume
    box: Box | None
    message: str
    notes: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """False where the mask is empty."""
        return bool(self.volume.data.max(initial=0) > 0)
