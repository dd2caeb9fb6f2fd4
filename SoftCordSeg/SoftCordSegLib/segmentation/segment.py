"""The way from an image to its soft mask."""

from __future__ import annotations

from ..network import ModelBundle
from ..progress import Progress
from ..volume import Box, Volume
from .checks import check_image
from .networks import Networks
from .outline import brought_back, is_narrow, outline_in, search
from .soft_mask import SoftMask
from .working import working_image


def segment(
    image: Volume,
    bundle: ModelBundle,
    *,
    box: Box | None = None,
    progress: Progress | None = None,
    device: str = "auto",
    flips: bool = False,
) -> SoftMask:
    """Outline the spinal cord.

    Args:
        image: any orientation, spacing and obliquity.
        bundle: the networks, and the way they go: ours, or one of the authors' (``network.plans``).
        box: where to look; the whole of it is segmented and nothing else.  Found by the locator
            where None.
        progress: told and asked at every tile.
        device: "cpu", "cuda", … or "auto": CUDA where there is one.
        flips: take the mean of the raw outputs for the image and its left-right mirror image: twice
            the time of outlining (nnU-Net: all mirror images that it was trained with, up to eight
            times).

    Returns:
        The soft mask on the grid of ``image``; empty, with a sentence that says so, where no cord
        is found.

    Raises:
        InputError: the image cannot hold a cord (one slice, constant, not finite), or the box lies
            outside it.
        ModelError: the bundle's weights do not load.
        Cancelled: the user stopped the run.
    """
    progress = progress or Progress()
    check_image(image)
    if bundle.plan is not None:
        from .pipelines import segment_by_plan

        return segment_by_plan(image, bundle, box, progress, device, flips)
    progress.report(0.0, "Loading the network")
    progress.check_cancelled()
    working = working_image(image, bundle)
    if box is None and is_narrow(working.image, bundle.segmenter):
        # A scan cropped to the cord leaves nothing to look for, and too little around it for the
        # locator to know it by.
        box = Box.of_grid(working.image.grid)
    networks = Networks(bundle, device, flips)
    if box is None:
        outline = search(working, networks, progress)
    else:
        outline = outline_in(
            working.image, box, None, working.scaling_in(box), networks, progress.part(0.2, 0.95)
        )
    progress.report(0.95, "Bringing the mask to the image's grid")
    return brought_back(image, outline, working.image.grid)
