"""What the worker runs: the network, with smaller tiles and then the CPU where memory runs out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelError, SoftCordSegError
from ..progress import Progress

if TYPE_CHECKING:
    # Only for the types: a fresh Slicer lacks packages that these need, and must be able to open
    # the panel.
    from ..network import ModelBundle, Stage
    from ..segmentation import SoftMask
    from ..volume import Box, Volume

# Tiles are halved so many times at most, and are never smaller than this along any axis.
_HALVINGS = 2
_SMALLEST_TILE = 32
# What the libraries say when memory runs out; they have no common class for it.
_OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "alloc_failed",
)


class OutOfMemory(SoftCordSegError):
    """Not even the smallest tile fits."""


@dataclass(frozen=True, eq=False)
class Request:
    """What to segment, and how.

    Attributes:
        image: a copy of the volume; the scene may change meanwhile.
        model: folder of the model bundle; the first shipped one where None.
        device: "auto", "cpu" or "cuda".
        box: where to look; found by the network where None.
    """

    image: Volume
    model: Path | None = None
    device: str = "auto"
    box: Box | None = None


def run(request: Request, progress: Progress) -> SoftMask:
    """Segment, on the worker's thread.

    Raises:
        ModelError: no model, or a damaged one.
        OutOfMemory: the computer has too little memory for this image.
        SoftCordSegError, Cancelled: as :func:`SoftCordSegLib.segmentation.segment`.
    """
    # The first import of torch takes seconds and holds the window up: say so before it starts.
    progress.report(0.0, "Loading PyTorch and the model (longer the first time)")
    from ..network import load_bundle

    return segment_within_memory(request, load_bundle(model_folder(request.model)), progress)


def model_folder(chosen: Path | None) -> Path:
    """The folder of the model to use.

    Raises:
        ModelError: none was chosen, and none is shipped.
    """
    from ..network import shipped_bundles

    if chosen is not None:
        return Path(chosen)
    bundles = shipped_bundles()
    if not bundles:
        raise ModelError(
            "No model comes with this installation. Install the extension again, or choose a model"
            " from a folder."
        )
    return bundles[0]


def segment_within_memory(request: Request, bundle: ModelBundle, progress: Progress) -> SoftMask:
    """Segment; when memory runs out, with smaller tiles, and then on the CPU.

    Tiles do not change the answer but for rounding at their seams: every step that looks at
    intensities sees the whole volume.

    Raises:
        OutOfMemory: nothing fits.
        SoftCordSegError, Cancelled: as :func:`SoftCordSegLib.segmentation.segment`.
    """
    from ..segmentation import segment

    for device, halvings in _attempts(request.device):
        smaller = with_smaller_tiles(bundle, halvings)
        if smaller is None:
            continue
        try:
            return segment(
                request.image, smaller, box=request.box, progress=progress, device=device
            )
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        # Outside the handler, so that the failed attempt's arrays are gone before the next one asks
        # for memory.
        _release_gpu_memory()
        progress.check_cancelled()
        progress.report(0.0, "Memory ran out: trying again with less")
    raise OutOfMemory(
        "There is not enough memory for this image, even in small pieces on the CPU. "
        "Close other programs, or crop the image to the neck, and try again."
    )


def with_smaller_tiles(bundle: ModelBundle, halvings: int) -> ModelBundle | None:
    """The bundle with tiles halved so often; None where they would be too small to halve again.

    The authors' pipelines are their tiles: with others they would give other masks, so theirs are
    left alone.
    """
    if halvings == 0:
        return bundle
    if bundle.plan is not None:
        return None
    stages = (bundle.locator, bundle.segmenter)
    smaller = [_halved(stage, halvings) for stage in stages]
    if smaller == [_halved(stage, halvings - 1) for stage in stages]:
        return None
    return replace(bundle, locator=smaller[0], segmenter=smaller[1])


def is_out_of_memory(error: BaseException) -> bool:
    """True for the many ways in which memory runs out."""
    if isinstance(error, MemoryError):
        return True
    return any(words in f"{type(error).__name__} {error}".lower() for words in _OUT_OF_MEMORY)


def _attempts(device: str) -> Iterator[tuple[str, int]]:
    for one in dict.fromkeys((device, "cpu")):
        for halvings in range(_HALVINGS + 1):
            yield one, halvings


def _halved(stage: Stage, halvings: int) -> Stage:
    from ..network.unet import UNetConfig

    divisor = UNetConfig(stage.features, stage.strides).divisor
    tile = []
    for size, step in zip(stage.tile, divisor):
        smaller = size if halvings == 0 else size // 2**halvings // step * step
        tile.append(
            smaller if smaller >= _SMALLEST_TILE else min(size, -(-_SMALLEST_TILE // step) * step)
        )
    return replace(stage, tile=tuple(tile))


def _release_gpu_memory() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
