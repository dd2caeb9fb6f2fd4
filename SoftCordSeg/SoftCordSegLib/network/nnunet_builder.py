"""Networks that nnU-Net builds, where it is installed."""

from __future__ import annotations

import copy
import importlib
import re
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from . import limits

if TYPE_CHECKING:
    import torch

# Not a dependency: it brings torchvision and more.
_LIBRARY = "nnunetv2"
_BUILDER = "nnunetv2.utilities.get_network_from_plans"
# A plans file names Python objects to import.  Only classes directly in a module of networks or
# layers are allowed, not what such a module itself has imported.
_NETWORK = re.compile(r"dynamic_network_architectures\.architectures\.[a-z0-9_]+\.[A-Z]\w+")
_LAYER = re.compile(
    r"(torch\.nn(\.modules\.[a-z_]+)?|dynamic_network_architectures\.building_blocks\.[a-z0-9_]+)\.[A-Z]\w+"
)


def check_library(library: dict[str, Any]) -> None:
    """Check that a configuration names no Python objects other than networks and their layers.

    Raises:
        ModelError: it does, or something is missing.
    """
    try:
        limits.check_plain(library, "the network's configuration")
        names = [library["kwargs"].get(key) for key in library["imports"]]
        known = _NETWORK.fullmatch(str(library["class"]))
        for key in ("channels_in", "channels_out"):
            limits.whole(library[key], key, limits.CHANNELS)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"The configuration of the model's network is invalid ({error}).",
            hint="Install it again.",
        ) from error
    if not known or not all(name is None or _LAYER.fullmatch(str(name)) for name in names):
        raise ModelError(
            f"The model's network is '{library['class']}', which is not one of nnU-Net's own.",
            hint="Use another model.",
        )


def build_network(library: dict[str, Any]) -> torch.nn.Module:
    """The network, with random weights; in evaluation mode its output is one tensor.

    Args:
        library: see ``plans.NetworkSpec``.

    Raises:
        ModelError: nnU-Net is not installed, or cannot build it.
    """
    check_library(library)
    try:
        make = importlib.import_module(_BUILDER).get_network_from_plans
    except ImportError as error:
        raise ModelError(
            f"This model's network ({str(library['class']).rsplit('.', 1)[-1]}) is built by"
            " nnU-Net, which is not installed.",
            hint=f"Install it ('pip install {_LIBRARY}') and try again, or use another model.",
        ) from error
    try:
        return make(
            library["class"],
            copy.deepcopy(library["kwargs"]),  # it may replace names by classes
            list(library["imports"]),
            int(library["channels_in"]),
            int(library["channels_out"]),
            allow_init=False,
            deep_supervision=False,
        )
    except Exception as error:  # nnU-Net raises many kinds, all meaning the same
        raise ModelError(
            f"nnU-Net could not build this model's network: {error}.",
            hint=f"Install another version of {_LIBRARY}, or use another model.",
        ) from error
