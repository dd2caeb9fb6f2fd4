"""Bundles on the disk: written aside, and put into their place by renaming, so that each is whole or not there."""

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
_ASIDE = ".bundle-"


def write_aside(out: Path, parent: ModelBundle, metadata: dict[str, Any], segmenter: dict[str, torch.Tensor]) -> ModelBundle:
    """Write the parent's bundle with another segmenter into a hidden folder of ``out``; what an earlier run left there goes.

    The configuration, the other weights and the licence's text are the parent's, unchanged.

    Raises:
        OutputError: it cannot be written.
    """
    import safetensors.torch

    for old in out.glob(f"{_ASIDE}*"):
        shutil.rmtree(old, ignore_errors=True)
    folder = out / f"{_ASIDE}{os.getpid()}"
    name = parent.segmenter.weights
    states = {other: safetensors.torch.load_file(parent.folder / other) for other in parent.weight_files}
    states[name] = {key: segmenter[key].to(value.dtype) for key, value in states[name].items()}
    inference = json.loads((parent.folder / "configs" / "inference.json").read_text(encoding="utf-8"))
    save_bundle(folder, metadata, inference, states)
    for licence in parent.folder.glob("LICENSE*"):
        shutil.copyfile(licence, folder / licence.name)
    return load_bundle(folder)


def put(aside: ModelBundle, out: Path, name: str, keep: bool) -> Path:
    """Give a bundle its place, ``out/name``.

    Args:
        aside: of :func:`write_aside`.
        out: folder of the run.
        name: :data:`BUNDLE` or :data:`REJECTED`.
        keep: what was in its place becomes :data:`PREVIOUS`; it is removed otherwise.

    Raises:
        OutputError: it cannot be renamed.
    """
    place, previous = out / name, out / PREVIOUS
    gone = out / f"{_ASIDE}old"
    try:
        if place.exists():
            if keep:
                _remove(previous)
            os.rename(place, previous if keep else gone)
        os.rename(aside.folder, place)
    except OSError as error:
        raise OutputError(
            f"The new bundle is in '{aside.folder}': it could not be renamed to '{place}' ({error.strerror})."
        ) from error
    _remove(gone)
    return place


def _remove(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)
