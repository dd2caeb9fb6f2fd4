"""What runs a network: OpenVINO on CPUs, PyTorch on graphics cards and for networks that another
library builds.

Both read the same weights (decision 6), so a bundle needs no second file for either.  Choosing an
engine imports neither.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import ModelError, OptionError, SoftCordSegError

# Raw outputs of one tile: (i, j, k) float32 to (channels, i, j, k) float32.
Predict = Callable[[np.ndarray], np.ndarray]
# Raises ``Cancelled`` where the user stopped the run.
Check = Callable[[], None]

OPENVINO, PYTORCH = "openvino", "pytorch"
_PACKAGES = {OPENVINO: "openvino", PYTORCH: "torch"}
_NAMES = {OPENVINO: "OpenVINO", PYTORCH: "PyTorch"}
# CPUs, and graphics cards as PyTorch names them.
_DEVICE = re.compile(r"auto|cpu|openvino|pytorch|(cuda|mps|xpu)(:\d+)?")
_DEVICES = "auto, cpu, cuda, cuda:1 and so on; openvino or pytorch name what runs on the CPU"


@dataclass(frozen=True)
class Engine:
    """What runs a network, and where.

    Attributes:
        library: :data:`OPENVINO` or :data:`PYTORCH`.
        device: "cpu", "cuda", "cuda:1", …
    """

    library: str
    device: str = "cpu"

    @property
    def name(self) -> str:
        """Name and version, as they stand in results."""
        return f"{_NAMES[self.library]} {importlib.metadata.version(_PACKAGES[self.library])}"


class NoEngine(SoftCordSegError):
    """Neither OpenVINO nor PyTorch is installed."""


def choose_engine(device: str = "auto", needs_pytorch: bool = False) -> Engine:
    """The engine for a device.

    Args:
        device: "auto" (a graphics card where PyTorch can use one, else the CPU), "cpu", "cuda", … ;
            "openvino" or "pytorch" name the engine on the CPU.
        needs_pytorch: the network is one that OpenVINO does not run here
            (:attr:`~.bundle.ModelBundle.needs_pytorch`).

    Raises:
        OptionError: no such device, or this computer does not have it.
        NoEngine: what would run it is not installed.
    """
    if not _DEVICE.fullmatch(device):
        raise OptionError(f"'{device}' is not a device.", hint=f"Choose {_DEVICES}.")
    if device == OPENVINO and needs_pytorch:
        raise OptionError(
            "This model's network is built by nnU-Net and runs with PyTorch only.",
            hint="Choose auto, cpu or pytorch.",
        )
    if device in (OPENVINO, PYTORCH):
        return Engine(_installed(device))
    if device in ("auto", "cpu"):
        if device == "auto" and _has_graphics_card():
            return Engine(PYTORCH, "cuda")
        if needs_pytorch or not is_installed(OPENVINO):
            return Engine(_installed(PYTORCH, needs_pytorch))
        return Engine(OPENVINO)
    return Engine(_installed(PYTORCH), pytorch_device(device))


def check_device(device: str) -> None:
    """Check the name of a device, and that this computer has it; PyTorch is imported only for what
    it alone can tell.

    Raises:
        OptionError: no such device, or this computer does not have it.
        NoEngine: what would run it is not installed.
    """
    if device not in ("auto", "cpu"):
        choose_engine(device)


def is_installed(library: str) -> bool:
    """Whether an engine is installed; nothing is imported."""
    return importlib.util.find_spec(_PACKAGES[library]) is not None


def check_pytorch(what: str) -> None:
    """Check that PyTorch is there.

    Args:
        what: needs it, the beginning of a sentence: "The checkpoint is read with PyTorch".

    Raises:
        NoEngine: it is not.
    """
    if not is_installed(PYTORCH):
        raise NoEngine(f"{what}, which is not installed.", hint=_hint(PYTORCH))


def pytorch_device(device: str) -> str:
    """The device itself, checked; of "auto", CUDA where there is one.

    Raises:
        OptionError: PyTorch does not know it, or this computer has none.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        wanted = torch.device(device)
    except RuntimeError as error:
        raise OptionError(f"'{device}' is not a device.", hint=f"Choose {_DEVICES}.") from error
    if wanted.type == "cuda" and (wanted.index or 0) >= torch.cuda.device_count():
        raise OptionError(
            f"PyTorch finds no graphics card '{device}' on this computer.",
            hint="Choose auto or cpu.",
        )
    return device


def check_finite(output: np.ndarray) -> np.ndarray:
    """The output itself.

    Raises:
        ModelError: it has NaN or infinite values; otherwise nothing would be found, as in an image
            without a cord.
    """
    if not np.isfinite(output).all():
        raise ModelError(
            "The network's output is not finite (NaN or infinite), so that no mask can be made of"
            " it.",
            hint="Use another model, or install this one again.",
        )
    return output


def _installed(library: str, needed_by_model: bool = False) -> str:
    if is_installed(library):
        return library
    if needed_by_model:
        what = "This model's network runs with PyTorch, which is not installed."
    elif library == OPENVINO or is_installed(OPENVINO):
        what = f"{_NAMES[library]} is not installed."
    else:
        what = "Neither OpenVINO nor PyTorch is installed, and one of them runs the network."
        library = OPENVINO
    raise NoEngine(what, hint=_hint(library))


def _hint(library: str) -> str:
    slicer = " (in 3D Slicer: the extension PyTorch)" if library == PYTORCH else ""
    return f"Install it, 'pip install {_PACKAGES[library]}'{slicer}, and try again."


def _has_graphics_card() -> bool:
    """Whether PyTorch can use a graphics card; it is imported only where there seems to be one."""
    if shutil.which("nvidia-smi") is None or not is_installed(PYTORCH):
        return False
    import torch

    return bool(torch.cuda.is_available())
