"""Checkpoints: read without running anything that is in them, and converted to a bundle's plan and
weights (the releases v2.0 to v2.5 are Lightning checkpoints of the paper's network).

A checkpoint is a pickle, and a pickle can name any function to be called.  PyTorch's restricted
reader (``weights_only``) calls none but its own; here it also gets inert stand-ins for
everything else that a checkpoint names (hyper-parameters, paths, numpy numbers, states of
callbacks), which contain nothing and do nothing.  Afterwards only tensors and plain text are used.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from .archive import MAX_FILES
from .bundle import WEIGHTS
from .engines import check_pytorch
from .plain_conv import check_fit, config_of, translated
from .plans import CentreCrop, NetworkSpec

if TYPE_CHECKING:
    import torch

    from .plans import NnUNet


# The pickle of a checkpoint describes the weights; they themselves lie beside it.
_MAX_PICKLE = 64 << 20


class _Inert:
    """Stands for an object of another library: it can be made and given a state, and keeps
    nothing.
    """

    def __new__(cls, *_arguments: Any, **_options: Any) -> _Inert:
        return object.__new__(cls)

    def __init__(self, *_arguments: Any, **_options: Any):
        pass

    def __setstate__(self, _state: Any) -> None:
        pass


def _empty_dict(*_arguments: Any) -> dict:
    """Stands for dictionaries of other kinds, whose entries follow."""
    return {}


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """The dictionary in a checkpoint; of it only tensors, numbers, text and plain containers can be
    relied on.

    Args:
        path: ``.ckpt`` or ``.pth``, as ``torch.save`` writes them since PyTorch 1.6.

    Raises:
        ModelError: not a checkpoint, corrupt, or it contains code.
        NoEngine: PyTorch is not installed.
    """
    check_pytorch("The model's checkpoint is read with PyTorch")
    import torch

    path = Path(path)
    try:
        _check_container(path)
        stand_ins = _stand_ins(path)
        # Memory-mapped: two thirds of a checkpoint are the optimiser's and are never read.
        if stand_ins:
            with torch.serialization.safe_globals(stand_ins):
                content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except ModelError:
        raise
    except FileNotFoundError as error:
        raise ModelError(
            "There is no such file.", path=path, hint="Check the name and the folder."
        ) from error
    except Exception as error:  # torch raises many kinds; none of them is of use to the user
        raise ModelError(
            "The file cannot be read as a checkpoint without running code from it, which is"
            " never done: it is corrupt, or not made by PyTorch"
            f" ({_first_line(error)}).",
            path=path,
            hint=_advice(),
        ) from error
    if not isinstance(content, dict):
        raise ModelError(
            "The file does not contain a checkpoint.",
            path=path,
            hint="Check that it is the right file.",
        )
    return content


def tensors_of(
    content: dict[str, Any], key: str, path: str | Path, prefix: str = ""
) -> dict[str, Any]:
    """The state dictionary in a checkpoint.

    Args:
        content: of :func:`read_checkpoint`.
        key: under which it lies.
        path: of the file, for the error.
        prefix: removed from the names; what does not begin with it is left out.

    Raises:
        ModelError: there is none, or it contains other things than numbers.
    """
    import torch

    state = content.get(key)
    if not isinstance(state, dict) or not state:
        raise ModelError(
            f"The file has no weights (no '{key}').",
            path=path,
            hint="Check that it is the right file.",
        )
    state = {
        str(name)[len(prefix) :]: value
        for name, value in state.items()
        if str(name).startswith(prefix)
    }
    if not state or not all(
        isinstance(value, torch.Tensor) and _is_plain(value) for value in state.values()
    ):
        raise ModelError(
            "The weights in the file are not those of a network.",
            path=path,
            hint="Check that it is the right file.",
        )
    for name, value in state.items():
        # In the precision that is computed in.
        if not bool(value.float().isfinite().all()):
            raise ModelError(
                f"The weights '{name}' contain values that are NaN or infinite, so that nothing can"
                " be computed with them.",
                path=path,
                hint="Get the file again, or use another checkpoint.",
            )
    return state


def _is_plain(tensor: torch.Tensor) -> bool:
    """Whether a tensor has real numbers, and as many of them in the file as its shape says.

    A tensor whose steps are 0 has any shape and one number; copying it would fill the memory.
    """
    import torch

    return (
        tensor.is_floating_point()
        and tensor.layout == torch.strided
        and tensor.device.type == "cpu"
        and tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()
    )


def _check_container(path: Path) -> None:
    """Refuse a file that grows when it is read: PyTorch compresses nothing in a checkpoint."""
    with zipfile.ZipFile(path) as opened:
        members = opened.infolist()
    if (
        len(members) > MAX_FILES
        or any(member.compress_type != zipfile.ZIP_STORED for member in members)
        or any(member.file_size > _MAX_PICKLE for member in members if ".pkl" in member.filename)
    ):
        raise ValueError("it is packed as PyTorch never does")


def _stand_ins(path: Path) -> list[Any]:
    """An inert class for each name in the pickle that PyTorch's restricted reader does not know."""
    import torch

    names = getattr(torch.serialization, "get_unsafe_globals_in_checkpoint", None)
    if names is None:
        return []  # an older PyTorch: a checkpoint with such names is refused
    stand_ins: list[Any] = []
    for name in sorted(names(path)):
        short = name.rsplit(".", 1)[-1]
        made = _empty_dict if short == "defaultdict" else type(short, (_Inert,), {})
        stand_ins.append((made, name))
    return stand_ins


def _advice() -> str:
    import torch

    if hasattr(torch.serialization, "get_unsafe_globals_in_checkpoint"):
        return "Get the file again, or use another checkpoint."
    return "Update PyTorch to 2.6 or newer and try again."


def _first_line(error: Exception) -> str:
    line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return line[:200]


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


# MONAI's letters in the authors' scripts; they say where the axes point to, as nibabel's do.  It is
# the inverse of the frame that the network was trained in on all three axes, which its training
# with flips of all three axes at once covers.
ORIENTATION = "RPI"


def find_checkpoint(folder: Path) -> Path | None:
    """The checkpoint in an unpacked release, as SCT finds it: the first ``.ckpt`` anywhere in it;
    None where there is none.
    """
    return next(iter(sorted(folder.rglob("*.ckpt"))), None)


def convert_checkpoint(
    path: str | Path, max_features: int | None = None, **settings: Any
) -> Converted:
    """Read a checkpoint.

    Args:
        path: ``.ckpt``.
        max_features: the most channels that the release is known to have; not checked where None.
        settings: of :class:`~..plans.CentreCrop`, where the release differs from the defaults.

    Raises:
        ModelError: not such a checkpoint, or that of another release.
    """
    path = Path(path)
    content = read_checkpoint(path)
    state = translated(tensors_of(content, "state_dict", path, prefix="net."))
    config = config_of(state)
    check_fit(state, config)
    if max_features is not None and max(config.features) != max_features:
        raise ModelError(
            f"The file has up to {max(config.features)} channels a stage, and this release"
            f" has {max_features}: it is the checkpoint of another release.",
            path=path,
            hint="Install it under another name.",
        )
    try:
        plan = CentreCrop(NetworkSpec((WEIGHTS,), config), **settings)
    except ValueError as error:
        raise ModelError(
            f"The file does not contain a network for the paper's pipeline ({error}).",
            path=path,
            hint="Check that it is the right file.",
        ) from error
    facts = {
        key: content[key] for key in ("epoch", "global_step") if isinstance(content.get(key), int)
    }
    if isinstance(content.get("pytorch-lightning_version"), str):
        facts["lightning_version"] = content["pytorch-lightning_version"]
    return Converted(plan, ORIENTATION, {WEIGHTS: state}, {"checkpoint": path.name, **facts})
