"""What the commands work with; the tests hand in their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ..progress import Progress

if TYPE_CHECKING:
    from ..network import ModelBundle
    from ..segmentation import SoftMask
    from ..volume import Box, Volume


class Segment(Protocol):
    """:func:`SoftCordSegLib.segmentation.segment`, or something with its signature; ``flips`` is
    only given where it is True.
    """

    def __call__(
        self,
        image: Volume,
        bundle: ModelBundle,
        *,
        box: Box | None,
        progress: Progress | None,
        device: str,
    ) -> SoftMask: ...


def _segment(
    image: Volume,
    bundle: ModelBundle,
    *,
    box: Box | None,
    progress: Progress | None,
    device: str,
    flips: bool = False,
) -> SoftMask:
    from ..processes import LARGEST_THRESHOLD, keep_freed_memory
    from ..segmentation import segment

    # The layers of the authors' networks are larger than that.
    keep_freed_memory(LARGEST_THRESHOLD if bundle.plan is None else None)
    return segment(image, bundle, box=box, progress=progress, device=device, flips=flips)


def _open_bundle(model: str | None) -> ModelBundle:
    """The bundle in the folder ``model``, or the shipped or installed one of that name; the first
    shipped one where None.

    Raises:
        ModelError: there is no such bundle, or it is damaged.
    """
    from ..network import load_bundle
    from ..network.store import find_bundle

    return load_bundle(find_bundle(model))


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
