"""Bundles on the disk: written aside, and put into their place by renaming, so that each is whole
or not there.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import OutputError
from ...network import ModelBundle, load_bundle, save_bundle

if TYPE_CHECKING:
    import torch

BUNDLE, REJECTED, PREVIOUS = "bundle", "rejected", "previous"
# Hidden names: of a bundle that is being written, and of one that is making room.
_ASIDE, _DISPLACED = ".bundle-", ".displaced"


def write_aside(
    out: Path, parent: ModelBundle, metadata: dict[str, Any], segmenter: dict[str, torch.Tensor]
) -> ModelBundle:
    """Write the parent's bundle with another segmenter into a hidden folder of ``out``; what an
    earlier run left there goes.

    The configuration, the other weights and the licence's text are the parent's, but for an
    ``edge``: what is trained here are the shares of a voxel themselves, and areas that were taken
    from fainter outputs would undo a part of it.

    Raises:
        OutputError: it cannot be written.
    """
    import safetensors.torch

    clear_aside(out)
    folder = out / f"{_ASIDE}{os.getpid()}"
    name = parent.segmenter.weights
    states = {
        other: safetensors.torch.load_file(parent.folder / other) for other in parent.weight_files
    }
    states[name] = {key: segmenter[key].to(value.dtype) for key, value in states[name].items()}
    inference = json.loads(
        (parent.folder / "configs" / "inference.json").read_text(encoding="utf-8")
    )
    inference["segmenter"].pop("edge", None)
    save_bundle(folder, metadata, inference, states)
    for licence in parent.folder.glob("LICENSE*"):
        shutil.copyfile(licence, folder / licence.name)
    return load_bundle(folder)


def clear_aside(out: Path) -> None:
    """Remove what :func:`write_aside` has left, and end a :func:`put` that was killed half way."""
    for old in out.glob(f"{_ASIDE}*"):
        shutil.rmtree(old, ignore_errors=True)
    displaced = out / _DISPLACED
    if displaced.exists():
        if (out / BUNDLE).exists():
            _remove(out / PREVIOUS)
            os.rename(displaced, out / PREVIOUS)
        else:
            os.rename(displaced, out / BUNDLE)


def put(aside: ModelBundle, out: Path, name: str) -> Path:
    """Give a bundle its place, ``out/name``; a bundle that it displaces from :data:`BUNDLE` becomes
    :data:`PREVIOUS`.

    Args:
        aside: of :func:`write_aside`.
        out: folder of the run.
        name: :data:`BUNDLE` or :data:`REJECTED`.

    Raises:
        OutputError: it cannot be renamed; what was there is there.
    """
    place = out / name
    try:
        if name == REJECTED:
            _remove(place)
        elif place.exists():
            os.rename(place, out / _DISPLACED)
        os.rename(aside.folder, place)
        clear_aside(out)
    except OSError as error:
        clear_aside(out)
        raise OutputError(
            f"The bundle could not be replaced ({error.strerror}).",
            path=place,
            hint="Close what uses it, and give the command again.",
        ) from error
    return place


def _remove(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)
