"""The releases v2.0 to v2.5: a PyTorch Lightning checkpoint of the paper's network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import ModelError
from ..plan_bundles import WEIGHTS
from ..plans import CentreCrop, NetworkSpec
from .checkpoint import read_checkpoint, tensors_of
from .converted import Converted
from .plain_conv import check_fit, config_of, translated

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
        max_features: the cap on the channels that the release is known to have; whatever the
            checkpoint has where None.
        settings: of :class:`~..plans.CentreCrop`, where the release differs from the defaults.

    Raises:
        ModelError: not such a checkpoint, or another release's.
    """
    path = Path(path)
    content = read_checkpoint(path)
    state = translated(tensors_of(content, "state_dict", path, prefix="net."))
    config = config_of(state)
    check_fit(state, config)
    if max_features is not None and max(config.features) != max_features:
        raise ModelError(
            f"'{path.name}' has up to {max(config.features)} channels a stage, and this release has"
            f" {max_features}: it is the checkpoint of another release. Install it under another"
            " name."
        )
    try:
        plan = CentreCrop(NetworkSpec((WEIGHTS,), config), **settings)
    except ValueError as error:
        raise ModelError(
            f"'{path.name}' does not hold a network for the paper's pipeline ({error})."
        ) from error
    facts = {
        key: content[key] for key in ("epoch", "global_step") if isinstance(content.get(key), int)
    }
    if isinstance(content.get("pytorch-lightning_version"), str):
        facts["lightning_version"] = content["pytorch-lightning_version"]
    return Converted(plan, ORIENTATION, {WEIGHTS: state}, {"checkpoint": path.name, **facts})
