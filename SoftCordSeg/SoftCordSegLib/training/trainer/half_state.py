"""The state of a training in half precision and a few small files, to travel to a machine and back.

The average is rounded to half precision.  Weights are kept as what they differ by from it, and the optimiser's second moments as
roots, so that neither loses more than the last of half precision's eleven binary digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from .run_state import RunState, load_state, write_numbered

if TYPE_CHECKING:
    import torch

MIB = 1 << 20
# For names, shapes and the head of a file.
_MARGIN = 64 << 10


@dataclass(frozen=True)
class HalfStates:
    """A :class:`.trainer.Store` of which only the last state stays.

    Attributes:
        folder: of the state.
        before: folder of a state to go on from while there is none in ``folder``; in half precision or not.
        file_mib: at most so large is a file.
        files: at most so many files, the JSON file included.
        total_mib: at most so large are all together.
    """

    folder: Path
    before: Path | None = None
    file_mib: float = 15.5
    files: int = 7
    total_mib: float = 58.0

    def load(self) -> RunState | None:
        """The last state, here or of before."""
        here = load_state(self.folder)
        return load_state(self.before) if here is None and self.before is not None else here

    def save(self, state: RunState) -> Path:
        """Keep a state; without moments, or without moments and weights, where all does not fit.

        Raises:
            InputError: not even the average fits.
            OutputError: the folder cannot be written, or the disk is full.
        """
        for kinds in (("average", "weights", "moments"), ("average", "weights"), ("average",)):
            parts = _parts(_halves(state, kinds), int(self.file_mib * MIB) - _MARGIN)
            total = sum(_bytes(one) for part in parts for one in part.values())
            if len(parts) < self.files and total <= self.total_mib * MIB - _MARGIN * len(parts):
                return write_numbered(self.folder, lambda folder, parts=parts: _write(folder, parts, state), keep=1)
        raise InputError(
            f"The network is too large for {self.files - 1} files of {self.file_mib:g} MiB. Allow larger files, or train another."
        )


def from_parts(folder: Path, head: dict[str, Any]) -> RunState:
    """The state whose files are in a folder; what was left out is as at the start of a training."""
    from safetensors.torch import load_file

    values = dict(head)
    tensors = {}
    for name in values.pop("parts"):
        tensors.update(load_file(folder / name))
    average = {name[len("average/") :]: value.float() for name, value in tensors.items() if name.startswith("average/")}
    weights = {name: value.clone() for name, value in average.items()}
    moments = {}
    for name, value in tensors.items():
        kind, _, rest = name.partition("/")
        if kind == "weights":
            weights[rest] += value.float() * values["scales"].get(name, 1.0)
        elif kind == "moments":
            scaled = value.float() * values["scales"].get(name, 1.0)
            moments[rest] = scaled**2 if rest.startswith("second/") else scaled
    values.pop("scales")
    steps = values.pop("moment_steps") if moments else values.pop("moment_steps") * 0
    return RunState(**values, moment_steps=steps, weights=weights, average=average, moments=moments)


def _halves(state: RunState, kinds: tuple[str, ...]) -> dict[str, tuple[torch.Tensor, float]]:
    """Tensors in half precision by name, each with what it is to be multiplied by."""
    average = {name: value.half() for name, value in state.average.items()}
    found = {f"average/{name}": (value, 1.0) for name, value in average.items()}
    if "weights" in kinds:
        for name, value in state.weights.items():
            found[f"weights/{name}"] = _scaled(value.float() - average[name].float())
    if "moments" in kinds:
        for name, value in state.moments.items():
            found[f"moments/{name}"] = _scaled(value.float().sqrt() if name.startswith("second/") else value.float())
    return found


def _scaled(value: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Half precision has few numbers near 0, where moments are: the largest is brought to 1024."""
    scale = float(value.abs().max()) / 1024 or 1.0
    return (value / scale).half(), scale


def _bytes(entry: tuple[torch.Tensor, float]) -> int:
    return entry[0].numel() * 2


def _parts(tensors: dict[str, tuple[torch.Tensor, float]], most: int) -> list[dict[str, tuple[torch.Tensor, float]]]:
    """In as few groups of at most ``most`` bytes as their order allows."""
    groups: list[dict[str, tuple[torch.Tensor, float]]] = [{}]
    size = 0
    for name, entry in tensors.items():
        if size and size + _bytes(entry) > most:
            groups.append({})
            size = 0
        groups[-1][name] = entry
        size += _bytes(entry)
    if any(_bytes(one) > most for one in tensors.values()):
        raise InputError("A layer of the network is larger than a file may be. Allow larger files, or train a smaller network.")
    return groups


def _write(folder: Path, parts: list[dict[str, tuple[torch.Tensor, float]]], state: RunState) -> dict[str, Any]:
    from safetensors.torch import save_file

    names = []
    for name, part in zip(_names(), parts):
        save_file({key: value.contiguous() for key, (value, _) in part.items()}, folder / name)
        names.append(name)
    scales = {key: scale for part in parts for key, (_, scale) in part.items() if scale != 1.0}
    return {**state.head(), "parts": names, "scales": scales}


def _names() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"half{number}.safetensors"
