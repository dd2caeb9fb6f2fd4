"""The authors' ways from an image to a mask, step by step as their code goes them."""

from __future__ import annotations

import numpy as np

from ...errors import InputError
from ...network import CentreCrop, ModelBundle
from ...progress import Progress
from ...volume import Box, Volume
from ..answer import answer
from ..soft_mask import SoftMask


def segment_by_plan(
    image: Volume,
    bundle: ModelBundle,
    box: Box | None,
    progress: Progress,
    device: str,
    flips: bool,
) -> SoftMask:
    """As :func:`~..segment.segment`, for a bundle with a plan.

    What lies in a given box is cut out first and is all that the pipeline ever sees, as users of
    these releases crop an image beforehand.  Without one it sees the whole image, or, if it was
    trained on crops around the cord, what lies around the cord that the shipped locator finds.
    """
    from .around_cord import box_around_cord
    from .centre_crop import centre_crop_mask
    from .nnunet import nnunet_mask

    notes: tuple[str, ...] = ()
    plan = bundle.plan
    if isinstance(plan, CentreCrop):
        run = centre_crop_mask
    else:
        run = nnunet_mask
        if flips and not plan.mirror_axes:
            notes = (
                "This model was trained without mirror images, so flips have no effect on it.",
            )
        if box is None and plan.margins is not None:
            box, found = box_around_cord(image, plan.margins, device, progress.part(0.0, 0.1))
            notes += found
            if box is None:
                return answer(image.with_data(np.zeros(image.shape, np.float32)), None, notes)
    start, stop = (np.zeros(3, int), np.array(image.shape)) if box is None else _within(box, image)
    inside = tuple(slice(a, b) for a, b in zip(start, stop))
    part = Volume(image.data[inside], image.grid.crop(start, stop).affine)
    if part.data.min() == part.data.max():
        raise InputError(
            "The image is constant inside the box. Move the box onto the cord and run again."
        )
    soft = run(part, bundle, device, flips, progress.part(0.1, 1.0))
    soft[soft < plan.floor] = 0
    result = np.zeros(image.shape, np.float32)
    result[inside] = np.clip(soft, 0, 1)
    return answer(image.with_data(result), Box.of_grid(part.grid), notes)


def _within(box: Box, image: Volume) -> tuple[np.ndarray, np.ndarray]:
    start, stop = box.voxels_of(image.grid)
    start, stop = np.maximum(start, 0), np.minimum(stop, image.shape)
    if (stop <= start).any():
        raise InputError("The box lies outside the image. Move it onto the cord and run again.")
    return start, stop
