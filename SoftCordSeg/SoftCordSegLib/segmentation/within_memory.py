"""When memory runs out: locate the cord with smaller tiles, then segment on the CPU.

Only the locator's tile is made smaller.  It is by far the largest (of the shipped model seven
times the segmenter's), and the mask hardly depends on it.  The segmenter's tile is part of what it
was trained on: with half of it, it finds half of the cord.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..errors import OutOfMemory, is_out_of_memory
from ..network import ModelBundle, Stage, UNetConfig
from ..network.engines import choose_engine
from ..network.openvino_engine import forget_compiled
from ..processes import free_memory
from ..progress import Progress
from ..volume import Box, Volume
from .located_cord import LocatedCord
from .segment import segment
from .soft_mask import SoftMask

# The locator's tile is halved so many times at most, and is never smaller than this along any axis.
_HALVINGS = 2
_SMALLEST_TILE = 32
# What a tile takes for each voxel and each channel of the network's first stage: measured with
# OpenVINO, 820 MB for 160 x 160 x 160 voxels and 12 channels.
_BYTES_PER_FEATURE = 17


LITTLE_MEMORY = (
    "Memory ran out, so the cord was located in smaller pieces; the mask can differ from one made"
    " with more memory. Close other programs and segment again where that matters."
)


def segment_within_memory(
    image: Volume,
    bundle: ModelBundle,
    *,
    box: Box | None = None,
    progress: Progress | None = None,
    device: str = "auto",
    flips: bool = False,
    located: LocatedCord | None = None,
) -> SoftMask:
    """As :func:`~.segment.segment`; when memory runs out, the cord is located with smaller tiles,
    and then all is done on the CPU.  A note says where the tiles were smaller.

    Args:
        image, bundle, box, progress, device, flips, located: as there.

    Raises:
        OutOfMemory: nothing fits.
        SoftCordSegError, Cancelled: as :func:`~.segment.segment`.
    """
    progress = progress or Progress()
    for one, halvings in _attempts(device, bundle):
        smaller = with_smaller_tiles(bundle, halvings)
        if smaller is None:
            continue
        if located is None and one == "cpu" and _is_hopeless(smaller, image, halvings):
            continue
        try:
            mask = segment(
                image,
                smaller,
                box=box,
                progress=progress,
                device=one,
                flips=flips,
                located=located,
            )
            if halvings == 0:
                return mask
            # What was located so is not what a run with enough memory would start from.
            return replace(mask, notes=(*mask.notes, LITTLE_MEMORY), located=None)
        except (MemoryError, RuntimeError, ImportError) as error:
            if not is_out_of_memory(error):
                raise
        # Outside the handler, so that the failed attempt's arrays are gone before the next one asks
        # for memory.
        _release_memory()
        progress.check_cancelled()
        progress.report(0.0, "Memory ran out: trying again with less")
    raise OutOfMemory(
        "There is not enough memory for this image, even in small pieces on the CPU.",
        hint="Close other programs, or crop the image to the neck, and try again.",
    )


def with_smaller_tiles(bundle: ModelBundle, halvings: int) -> ModelBundle | None:
    """The bundle with the locator's tile halved so often; None where it would be too small to halve
    again.

    The authors' pipelines are their tiles: with others they would give other masks, so theirs are
    left alone.
    """
    if halvings == 0:
        return bundle
    if bundle.plan is not None:
        return None
    locator = bundle.stages[0]
    smaller = _halved(locator, halvings)
    if smaller == _halved(locator, halvings - 1):
        return None
    return replace(bundle, locator=smaller)


def _attempts(device: str, bundle: ModelBundle) -> Iterator[tuple[str, int]]:
    devices = dict.fromkeys((device, "cpu"))
    if device == "auto" and choose_engine(device, bundle.needs_pytorch).device == "cpu":
        devices = {"cpu": None}
    for one in devices:
        for halvings in range(_HALVINGS + 1):
            yield one, halvings


def _is_hopeless(bundle: ModelBundle, image: Volume, halvings: int) -> bool:
    """Whether the locator's tile needs more memory than is free, and can be made smaller.

    Linux promises memory that it does not have, and ends the process that then uses it: there is no
    error to wait for.
    """
    free = None if bundle.plan is not None else free_memory()
    if free is None or with_smaller_tiles(bundle, halvings + 1) is None:
        return False
    locator = bundle.stages[0]
    coarse = image.spacing * image.shape / locator.spacing_mm
    # The axes of the tile are not those of the image: sorted, as if the long ones met.
    sizes = np.minimum(np.sort(coarse), np.sort(locator.tile))
    return bool(np.prod(sizes) * locator.features[0] * _BYTES_PER_FEATURE > free)


def _halved(stage: Stage, halvings: int) -> Stage:
    divisor = UNetConfig(stage.features, stage.strides).divisor

    def halved(size: int, step: int) -> int:
        smaller = size if halvings == 0 else size // 2**halvings // step * step
        least = min(size, -(-_SMALLEST_TILE // step) * step)
        return smaller if smaller >= _SMALLEST_TILE else least

    i, j, k = (halved(size, step) for size, step in zip(stage.tile, divisor))
    return replace(stage, tile=(i, j, k))


def _release_memory() -> None:
    """That of the engines: of networks compiled for a large tile, of a graphics card."""
    forget_compiled()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
