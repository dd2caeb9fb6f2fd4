"""Networks that another library builds: nnU-Net's, where the user has it."""

from __future__ import annotations

import copy
import importlib
import re
from typing import TYPE_CHECKING, Any

from ...errors import ModelError

if TYPE_CHECKING:
    import torch

# Never a dependency of ours: it drags in torchvision and more.
_LIBRARY = "nnunetv2"
_BUILDER = "nnunetv2.utilities.get_network_from_plans"
# A plans file names Python objects to import.  Only classes that lie directly in a module of
# networks or layers are, not what such a module itself has imported.
_NETWORK = re.compile(r"dynamic_network_architectures\.architectures\.[a-z0-9_]+\.[A-Z]\w+")
_LAYER = re.compile(
    r"(torch\.nn(\.modules\.[a-z_]+)?|dynamic_network_architectures\.building_blocks\.[a-z0-9_]+)\.[A-Z]\w+"
)


def check(library: dict[str, Any]) -> None:
    """Raise where a configuration names Python objects other than networks and their layers.

    Raises:
        ModelError: it does, or lacks something.
    """
    try:
        names = [library["kwargs"].get(key) for key in library["imports"]]
        known = _NETWORK.fullmatch(str(library["class"]))
        complete = min(int(library["channels_in"]), int(library["channels_out"])) > 0
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"The model does not say how its network is built ({error!r}). Install it again."
        ) from error
    if (
        not complete
        or not known
        or not all(name is None or _LAYER.fullmatch(str(name)) for name in names)
    ):
        raise ModelError(
            f"The model asks for '{library['class']}', which is no network of nnU-Net's own. Such a"
            " model cannot be used here."
        )


def build(library: dict[str, Any]) -> torch.nn.Module:
    """The network, with random weights; in evaluation mode its output is one tensor.

    Args:
        library: see ``plans.NetworkSpec``.

    Raises:
        ModelError: nnU-Net is not installed, or cannot build it.
    """
    check(library)
    try:
        make = importlib.import_module(_BUILDER).get_network_from_plans
    except ImportError as error:
        raise ModelError(
            f"This model's network ({str(library['class']).rsplit('.', 1)[-1]}) is built by"
            f" nnU-Net, which is not installed. Install it ('pip install {_LIBRARY}') and try"
            " again, or use another model."
        ) from error
    try:
        return make(
            library["class"],
            copy.deepcopy(library["kwargs"]),  # it may put classes in the place of their names
            list(library["imports"]),
            int(library["channels_in"]),
            int(library["channels_out"]),
            allow_init=False,
            deep_supervision=False,
        )
    except Exception as error:  # whatever another library raises means the same to the user
        raise ModelError(
            f"nnU-Net could not build this model's network: {error}. Install another version of"
            f" {_LIBRARY}, or use another model."
        ) from error
