"""What comes of reading a release: a plan and its weights, ready to be written as a bundle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from ..plans import CentreCrop, NnUNet


@dataclass(frozen=True, eq=False)
class Converted:
    """A release as a bundle would have it.

    Attributes:
        plan: the pipeline.
        orientation: of its working grid, nibabel letters.
        states: state dictionaries by the names in ``plan.network.weights``.
        facts: of the source, for the bundle's provenance; plain types.
    """

    plan: CentreCrop | NnUNet
    orientation: str
    states: dict[str, dict[str, torch.Tensor]]
    facts: dict[str, Any] = field(default_factory=dict)
