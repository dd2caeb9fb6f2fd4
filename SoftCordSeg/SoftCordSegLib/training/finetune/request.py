"""What to fine-tune, on what, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..config.schema import Machine
from ..pairs import Source
from .hold_out import Split
from .replay import ReplayImage

if TYPE_CHECKING:
    from ...network import ModelBundle


@dataclass(frozen=True, eq=False)
class Request:
    """A fine-tuning.

    Attributes:
        parent: the bundle to begin with; it is not changed.
        split: cases to learn from, and cases held out.
        out: folder of the run; the new bundle goes into its sub-folder ``bundle``.
        replay: images that are trained on beside the cases where there is no ``synthetic``.
        watched: images, never trained on, by which forgetting is told.
        synthetic: source of the images that the parent was trained on, in patches of
            :func:`.plan.patch_of`; None without them.
        synthetic_files: SHA-256 of what ``synthetic`` is made of, for the record.
        steps, learning_rate, batch, averaging, seed, precision, save_every: see
        ``training.config.plan.Plan``. share: of the cases among the images trained on; the rest is
        replay. new_contrast: how often the intensities of a case are changed beyond recognition, so
        that other contrasts gain too. machine: where to train. replace: put the new bundle into its
        place even if it is worse than another. command: as it was typed, for the record.
    """

    parent: ModelBundle
    split: Split
    out: Path
    replay: Sequence[ReplayImage]
    watched: Sequence[ReplayImage]
    synthetic: Source | None = None
    synthetic_files: dict[str, str] = field(default_factory=dict)
    steps: int = 300
    learning_rate: float = 2e-4
    batch: int = 2
    averaging: float = 0.99
    seed: int = 1
    precision: str = "fp32"
    save_every: int = 25
    share: float = 0.5
    new_contrast: float = 0.5
    machine: Machine = field(default_factory=Machine)
    replace: bool = False
    command: str = ""
