"""All that a training needs to go on, in a folder: tensors as safetensors, the rest as JSON;
nothing is unpickled.

Each save is a folder of its own, with a number, which gets its name when it is whole: whenever a
process is killed, the last folder with a number is a state that fits together.

To travel to a machine and back, a state is written in half precision and a few small files: the
average is rounded; weights are kept as what they differ by from it, and the optimiser's second
moments as roots, so that neither loses more than the last of half precision's eleven binary digits.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError, OutputError
from ...files import file_sha256

if TYPE_CHECKING:
    import torch

FORMAT = 1
_HEAD = "state.json"
_UNFINISHED = ".new-"
_TENSORS = ("weights", "average", "moments")
MIB = 1 << 20
# For the names and shapes in a file.
_MARGIN = 64 << 10


@dataclass(frozen=True, eq=False)
class RunState:
    """A training between two steps.

    Attributes:
        plan: of :meth:`TrainerPlan.to_json`.
        recipe: of the batches; plain types.
        origin: of the first weights.
        step: made so far.
        patches: seen so far.
        seconds: spent on them.
        moment_steps: steps that the optimiser's moments have seen.
        rate_from: step at which the plan's warm-up and cosine began.
        weights, average: of the network, by name, float32 on the CPU.
        moments: "first/…" and "second/…" of the optimiser, by name; empty where it begins anew.
        history: of losses and validations.
        record: versions, precision, where the data come from; plain types.
    """

    plan: dict[str, Any]
    recipe: dict[str, Any]
    origin: dict[str, Any]
    step: int
    patches: int
    seconds: float
    moment_steps: int
    rate_from: int
    weights: dict[str, torch.Tensor]
    average: dict[str, torch.Tensor]
    moments: dict[str, torch.Tensor]
    history: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)

    def head(self) -> dict[str, Any]:
        """Everything but the tensors."""
        return {
            one.name: getattr(self, one.name) for one in fields(self) if one.name not in _TENSORS
        }


def save_state(folder: str | Path, state: RunState, keep: int = 2) -> Path:
    """Write a state beside the earlier ones, of which the last ``keep`` stay, this one included.

    Raises:
        OutputError: the folder cannot be written, or the disk is full; earlier states are as they
            were.
    """
    from safetensors.torch import save_file

    def write(temporary: Path) -> dict[str, Any]:
        for name in _TENSORS:
            tensors = {
                key: value.detach().contiguous().cpu()
                for key, value in getattr(state, name).items()
            }
            save_file(tensors, temporary / f"{name}.safetensors")
        return state.head()

    return write_numbered(folder, write, keep)


def load_state(folder: str | Path) -> RunState | None:
    """The last state in a folder that is as it was written, in full precision or in half; None
    where there is none.

    Raises:
        InputError: there are states, and none of them can be read.
    """
    from safetensors.torch import load_file

    def read(one: Path, head: dict[str, Any]) -> RunState:
        values = {
            entry.name: head[entry.name] for entry in fields(RunState) if entry.name not in _TENSORS
        }
        if "halves" in head:
            return RunState(**values, **read_parts(one, head["halves"]))
        return RunState(
            **values, **{name: load_file(one / f"{name}.safetensors") for name in _TENSORS}
        )

    return read_numbered(folder, read)


def numbered(folder: str | Path) -> list[Path]:
    """The saved states in a folder, the last one first."""
    folder = Path(folder)
    found = (
        [one for one in folder.iterdir() if one.name.isdigit() and one.is_dir()]
        if folder.is_dir()
        else []
    )
    return sorted(found, key=lambda one: int(one.name), reverse=True)


def clear_unfinished(folder: str | Path) -> None:
    """Remove what a run left that was killed while it saved a state or removed an old one."""
    for left in Path(folder).glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)


def write_numbered(folder: str | Path, write: Any, keep: int) -> Path:
    """Call ``write(temporary folder)``, which returns the head, and give the folder the next
    number.

    Raises:
        OutputError: as :func:`save_state`.
    """
    from safetensors import SafetensorError

    folder = Path(folder)
    temporary = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        clear_unfinished(folder)
        temporary = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder))
        head = write(temporary)
        sums = {one.name: file_sha256(one) for one in sorted(temporary.iterdir())}
        text = json.dumps({"format": FORMAT, "sha256": sums, **head}, indent=1, allow_nan=False)
        (temporary / _HEAD).write_text(text, encoding="utf-8")
        for one in temporary.iterdir():
            with open(one, "rb+") as stream:
                os.fsync(stream.fileno())
        before = numbered(folder)
        final = folder / f"{int(before[0].name) + 1 if before else 1:06d}"
        temporary.chmod(0o755)
        os.replace(temporary, final)
        for old in before[max(keep - 1, 0) :]:
            # A folder that is being removed must not pass for a state.
            gone = folder / f"{_UNFINISHED}{old.name}"
            os.replace(old, gone)
            shutil.rmtree(gone, ignore_errors=True)
        return final
    except (OSError, ValueError, SafetensorError) as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                shutil.rmtree(temporary, ignore_errors=True)
        reason = getattr(error, "strerror", None) or error
        raise OutputError(
            f"The state of the training cannot be saved: {reason}.",
            path=folder,
            hint="Make room there, or choose another folder.",
        ) from error


def read_numbered(folder: str | Path, read: Any) -> Any:
    """``read(folder, head)`` of the last state whose files are as they were written; None where
    there is no state.

    Raises:
        InputError: as :func:`load_state`.
    """
    states = numbered(folder)
    reason = ""
    for one in states:
        try:
            head = json.loads((one / _HEAD).read_text(encoding="utf-8"))
            if head.pop("format") != FORMAT:
                raise ValueError("it is of another version")
            changed = [
                name
                for name, total in head.pop("sha256").items()
                if file_sha256(one / name) != total
            ]
            if changed:
                raise ValueError(f"'{changed[0]}' is not as it was written")
            return read(one, head)
        except (
            Exception
        ) as error:  # safetensors and json raise many kinds; an older state may still do
            reason = reason or str(error)
    if states:
        raise InputError(
            f"None of the states of a training here can be read: {reason}.",
            path=folder,
            hint="Choose another folder.",
        )
    return None


def last_step(folder: str | Path) -> int:
    """The step of the last state in a folder; 0 where there is none."""
    return read_numbered(folder, lambda _folder, head: int(head["step"])) or 0


@dataclass(frozen=True)
class HalfStates:
    """A :class:`.trainer.Store` of which only the last state stays.

    Attributes:
        folder: of the state.
        before: folder of a state to go on from while there is none in ``folder``; in half precision
            or not.
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
        most = int(self.file_mib * MIB) - _MARGIN
        for weights, moments in ((state.weights, state.moments), (state.weights, {}), ({}, {})):
            parts = parts_of(halves(state.average, weights, moments), most)
            if parts is None or len(parts) >= self.files:
                continue
            total = sum(one.size for part in parts for one in part.values())
            if total <= self.total_mib * MIB - _MARGIN * len(parts):
                # Moments that are not there have seen no step.
                head = {**state.head(), "moment_steps": state.moment_steps if moments else 0}
                return write_numbered(
                    self.folder,
                    lambda folder, parts=parts, head=head: {
                        **head,
                        "halves": write_parts(folder, parts),
                    },
                    keep=1,
                )
        raise InputError(
            f"The network does not fit into {self.files - 1} files of {self.file_mib:g} MiB.",
            hint="Allow larger files, or train another.",
        )


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
