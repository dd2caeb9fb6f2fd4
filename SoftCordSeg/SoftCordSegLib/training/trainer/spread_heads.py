"""The last layer of a network whose soft values were spread, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from ...network import ModelBundle


def spread_heads(
    weights: dict[str, torch.Tensor], low: float, high: float
) -> dict[str, torch.Tensor]:
    """The state of a network whose outputs (of all depths) are those of this one, ``low`` to
    ``high`` spread over 0 to 1.
    """
    new = {name: value.float() for name, value in weights.items()}
    for name, value in new.items():
        if name.startswith("heads."):
            new[name] = (value - low if name.endswith(".bias") else value) / (high - low)
    return new


def unspread_segmenter(bundle: ModelBundle) -> dict[str, torch.Tensor]:
    """The state of a bundle's segmenter as it was trained, before ``recipes/soft_edge.py`` spread
    its soft values; as it is, where they were not.
    """
    weights, edge = bundle.network(bundle.segmenter).state_dict(), edge_of(bundle)
    if edge is None:
        return weights
    low, high = edge
    return spread_heads(weights, -low / (high - low), (1 - low) / (high - low))


def edge_of(bundle: ModelBundle) -> tuple[float, float] | None:
    """What was spread over 0 to 1; until 0.9.0 bundles named it in their provenance only."""
    noted = (bundle.metadata.get("provenance") or {}).get("soft_edge")
    return bundle.segmenter.edge or ((noted["low"], noted["high"]) if noted else None)
