"""Weights, their average and the optimiser's moments in half precision, in a few files.

The average is rounded to half precision.  Weights are kept as what they differ by from it, and the
optimiser's second moments as roots, so that neither loses more than the last of half precision's
eleven binary digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Half:
    """One tensor.

    Attributes:
        tensor: in half precision.
        scale: what it is to be multiplied by.
    """

    tensor: torch.Tensor
    scale: float = 1.0

    @property
    def size(self) -> int:
        """Bytes."""
        return self.tensor.numel() * 2


def halves(
    average: dict[str, torch.Tensor],
    weights: dict[str, torch.Tensor],
    moments: dict[str, torch.Tensor],
) -> dict[str, Half]:
    """All tensors by "kind/name"; weights and moments that are to be left out are empty."""
    rounded = {name: value.half() for name, value in average.items()}
    found = {f"average/{name}": Half(value) for name, value in rounded.items()}
    for name, value in weights.items():
        found[f"weights/{name}"] = _scaled(value.float() - rounded[name].float())
    for name, value in moments.items():
        found[f"moments/{name}"] = _scaled(
            value.float().sqrt() if name.startswith("second/") else value.float()
        )
    return found


def parts_of(tensors: dict[str, Half], most: int) -> list[dict[str, Half]] | None:
    """In as few groups of at most ``most`` bytes as their order allows; None where a single tensor
    is larger.
    """
    if any(one.size > most for one in tensors.values()):
        return None
    groups: list[dict[str, Half]] = [{}]
    size = 0
    for name, one in tensors.items():
        if size + one.size > most:
            groups.append({})
            size = 0
        groups[-1][name] = one
        size += one.size
    return groups


def write_parts(folder: Path, parts: list[dict[str, Half]]) -> dict[str, Any]:
    """Write a file a group; what :func:`read_parts` needs to know beside them, in plain types."""
    from safetensors.torch import save_file

    names = [f"half{number}.safetensors" for number in range(1, len(parts) + 1)]
    for name, part in zip(names, parts):
        save_file({key: one.tensor.contiguous() for key, one in part.items()}, folder / name)
    return {
        "files": names,
        "scales": {key: one.scale for part in parts for key, one in part.items()},
    }


def read_parts(folder: Path, written: dict[str, Any]) -> dict[str, dict[str, torch.Tensor]]:
    """Weights, average and moments, float32; weights that were left out are the average, moments
    are none.
    """
    from safetensors.torch import load_file

    tensors: dict[str, torch.Tensor] = {}
    for name in written["files"]:
        tensors.update(load_file(folder / name))
    found: dict[str, dict[str, torch.Tensor]] = {"average": {}, "weights": {}, "moments": {}}
    for key, value in tensors.items():
        kind, _, name = key.partition("/")
        found[kind][name] = value.float() * written["scales"][key]
    for name, value in found["average"].items():
        found["weights"][name] = (
            value + found["weights"][name] if name in found["weights"] else value.clone()
        )
    found["moments"] = {
        name: one**2 if name.startswith("second/") else one
        for name, one in found["moments"].items()
    }
    return found


def _scaled(value: torch.Tensor) -> Half:
    """Half precision has few numbers near 0, where moments are: the largest is brought to 1024."""
    scale = float(value.abs().max()) / 1024 or 1.0
    return Half((value / scale).half(), scale)
