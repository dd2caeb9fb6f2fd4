"""Reading a PyTorch checkpoint without running anything that is in it.

A checkpoint is a pickle, and a pickle can name any function to be called.  PyTorch's restricted
reader (``weights_only``) calls none but its own; here it is also told of inert stand-ins for
everything else that a checkpoint names (hyper-parameters, paths, numpy numbers, states of
callbacks), which hold nothing and do nothing.  What is asked for afterwards are tensors and plain
text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import ModelError

_NEWER = "Update PyTorch to 2.6 or newer and try again."


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
        ModelError: not a checkpoint, damaged, or it names what a checkpoint has no reason to name.
    """
    import torch

    path = Path(path)
    try:
        stand_ins = _stand_ins(path)
        # Not read into memory before it is asked for: two thirds of a checkpoint are the
        # optimiser's.
        if stand_ins:
            with torch.serialization.safe_globals(stand_ins):
                content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except ModelError:
        raise
    except FileNotFoundError as error:
        raise ModelError(f"There is no file '{path}'. Check the name and the folder.") from error
    except Exception as error:  # torch raises many kinds; none of them is of use to the user
        raise ModelError(
            f"'{path.name}' cannot be read as a checkpoint without running code from it, which is"
            " never done. It is damaged, not made by PyTorch, or not what it claims to be"
            f" ({_first_line(error)})."
        ) from error
    if not isinstance(content, dict):
        raise ModelError(
            f"'{path.name}' does not hold a checkpoint. Check that it is the right file."
        )
    return content


def tensors_of(
    content: dict[str, Any], key: str, path: str | Path, prefix: str = ""
) -> dict[str, Any]:
    """The state dictionary in a checkpoint.

    Args:
        content: of :func:`read_checkpoint`.
        key: under which it lies.
        path: of the file, for the sentence.
        prefix: removed from the names; what does not begin with it is left out.

    Raises:
        ModelError: there is none, or it holds other things than numbers.
    """
    import torch

    state = content.get(key)
    if not isinstance(state, dict) or not state:
        raise ModelError(
            f"'{Path(path).name}' has no weights (no '{key}'). Check that it is the right file."
        )
    state = {
        str(name)[len(prefix) :]: value
        for name, value in state.items()
        if str(name).startswith(prefix)
    }
    if not state or not all(
        isinstance(value, torch.Tensor) and value.is_floating_point() for value in state.values()
    ):
        raise ModelError(
            f"'{Path(path).name}' has weights that are not a network's. Check that it is the right"
            " file."
        )
    return state


def _stand_ins(path: Path) -> list[tuple[Any, str]]:
    """An inert class for each name in the pickle that PyTorch's restricted reader does not know."""
    import torch

    names = getattr(torch.serialization, "get_unsafe_globals_in_checkpoint", None)
    if names is None:
        return []  # an older PyTorch: a checkpoint with such names is refused
    stand_ins: list[tuple[Any, str]] = []
    for name in sorted(names(path)):
        short = name.rsplit(".", 1)[-1]
        made = _empty_dict if short == "defaultdict" else type(short, (_Inert,), {})
        stand_ins.append((made, name))
    return stand_ins


def _first_line(error: Exception) -> str:
    import torch

    hint = "" if hasattr(torch.serialization, "get_unsafe_globals_in_checkpoint") else f" {_NEWER}"
    line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return f"{line[:200]}{hint}"
