"""What the commands work with; the tests hand in their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import ModelError
from ..progress import Progress

if TYPE_CHECKING:
    from ..network import ModelBundle
    from ..segmentation import Box, SoftMask
    from ..volume import Volume


class Segment(Protocol):
    """:func:`SoftCordSegLib.segmentation.segment`, or something with its signature."""

    def __call__(
        self, image: Volume, bundle: ModelBundle, *, box: Box | None, progress: Progress | None, device: str
    ) -> SoftMask: ...


def _segment(image: Volume, bundle: ModelBundle, *, box: Box | None, progress: Progress | None, device: str) -> SoftMask:
    from ..network.memory import keep_freed_memory
    from ..segmentation import segment

    keep_freed_memory()
    return segment(image, bundle, box=box, progress=progress, device=device)


def _open_bundle(model: str | None) -> ModelBundle:
    """The bundle in the folder ``model``, or the shipped one of that name; the first shipped one where None.

    Raises:
        ModelError: there is no such bundle, or it is damaged.
    """
    from pathlib import Path

    from ..network import load_bundle, shipped_bundles

    shipped = shipped_bundles()
    if model is None:
        if not shipped:
            raise ModelError("No model comes with this installation. Give one with --model, or install SoftCordSeg again.")
        return load_bundle(shipped[0])
    named = [folder for folder in shipped if folder.name == model]
    if named and not Path(model).exists():
        return load_bundle(named[0])
    if not Path(model).is_dir():
        names = ", ".join(folder.name for folder in shipped) or "none"
        raise ModelError(f"There is no model bundle '{model}'. Give the folder of one, or the name of a shipped one ({names}).")
    return load_bundle(Path(model))


@dataclass(frozen=True)
class Tools:
    """The slow things.

    Attributes:
        segment: outlines the cord.
        open_bundle: finds and verifies a model, by folder or name; the shipped one where None.
    """

    segment: Segment = _segment
    open_bundle: Callable[[str | None], Any] = _open_bundle


def limit_threads(count: int | None) -> None:
    """Let the network use no more than ``count`` threads; None leaves torch's choice."""
    if count is not None:
        import torch

        torch.set_num_threads(count)
