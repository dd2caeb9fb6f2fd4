"""The authors' pipelines from an image to a mask."""

from __future__ import annotations

import numpy as np

from ..errors import InputError, ModelError
from ..network import CentreCrop, ModelBundle, load_bundle, shipped_bundles
from ..network.engines import Engine, choose_engine
from ..network.plans import Margins
from ..progress import Progress
from ..volume import Box, Volume
from .centre_crop import centre_crop_mask
from .locate import locate
from .nnunet import nnunet_mask
from .predictor import Networks
from .soft_mask import SoftMask, segmentation_result
from .working_image import is_narrow, working_image

# The margins at the low and at the high end of an axis that points to this letter.
_FACES = {
    "R": ("left", "right"),
    "L": ("right", "left"),
    "A": ("posterior", "anterior"),
    "P": ("anterior", "posterior"),
    "S": ("inferior", "superior"),
    "I": ("superior", "inferior"),
}


def segment_by_plan(
    image: Volume,
    bundle: ModelBundle,
    box: Box | None,
    progress: Progress,
    engine: Engine,
    flips: bool,
) -> SoftMask:
    """As :func:`~.segment.segment`, for a bundle with a plan.

    A given box is cut out first and is all that the pipeline sees, as users of these releases crop
    an image beforehand.  Without one it sees the whole image, or, if it was trained on crops around
    the cord, the surroundings of the cord that the shipped locator finds.
    """
    notes: tuple[str, ...] = ()
    in_given_box = box is not None
    plan = bundle.plan
    if isinstance(plan, CentreCrop):
        run = centre_crop_mask
    else:
        assert plan is not None
        run = nnunet_mask
        if flips and not plan.mirror_axes:
            notes = (
                "This model was trained without mirror images, so flips have no effect on it.",
            )
        if box is None and plan.margins is not None:
            box, located = box_around_cord(
                image, plan.margins, engine.device, progress.part(0.0, 0.1)
            )
            notes += located
            if box is None:
                return segmentation_result(
                    image.with_data(np.zeros(image.shape, np.float32)), None, notes
                )
    start, stop = (np.zeros(3, int), np.array(image.shape)) if box is None else _within(box, image)
    inside = tuple(slice(a, b) for a, b in zip(start, stop))
    part = Volume(image.data[inside], image.grid.crop(start, stop).affine)
    if part.data.min() == part.data.max():
        raise InputError(
            "The image is constant inside the box.",
            hint="Move the box onto the cord and segment again.",
        )
    soft = run(part, bundle, engine, flips, progress.part(0.1, 1.0))
    soft[soft < plan.floor] = 0
    if box is not None and in_given_box:
        soft[~box.inside(part.grid)] = 0
    result = np.zeros(image.shape, np.float32)
    result[inside] = np.clip(soft, 0, 1)
    return segmentation_result(
        image.with_data(result),
        Box.of_grid(part.grid),
        notes,
        image=None if in_given_box else image,
    )


def _within(box: Box, image: Volume) -> tuple[np.ndarray, np.ndarray]:
    start, stop = box.voxels_of(image.grid)
    start, stop = np.maximum(start, 0), np.minimum(stop, image.shape)
    if (stop <= start).any():
        raise InputError(
            "The box lies outside the image.", hint="Move it onto the cord and segment again."
        )
    return start, stop


def box_around_cord(
    image: Volume, margins: Margins, device: str, progress: Progress
) -> tuple[Box | None, tuple[str, ...]]:
    """The cord's box, as the shipped locator finds it, and its margins, within the image.

    The authors' own detector (sc-crop) is another network, on axial slices; ours replaces it here.

    Returns:
        (box, notes); the box is None where no cord is found, and the whole image where that is
        hardly wider than a cord's crop.

    Raises:
        ModelError: no locator comes with this installation.
        Cancelled: the user stopped the run.
    """
    shipped = shipped_bundles()
    if not shipped:
        raise ModelError(
            "This model needs the locator that comes with SoftCordSeg, which is missing.",
            hint="Install SoftCordSeg again.",
        )
    bundle = load_bundle(shipped[0])
    locator, segmenter = bundle.stages
    working = working_image(image, bundle)
    if is_narrow(working.image, segmenter):
        return Box.of_grid(image.grid), ()
    progress.report(0.0, "Locating the cord")
    networks = Networks(bundle, choose_engine(device), progress=progress)
    predict, divisor = networks.locator()
    candidates = locate(
        working.coarse,
        working.intensities.for_locator(),
        predict,
        divisor,
        locator,
        progress,
    ).candidates()
    notes = (f"The cord was located with the locator of {bundle.name}.",)
    return (
        (with_margins(working.coarse.with_data(candidates[0].mask), margins), notes)
        if candidates
        else (None, notes)
    )


def with_margins(located: Volume, margins: Margins) -> Box:
    """The box of the True voxels with its margins, within the grid."""
    voxels = np.argwhere(located.data)
    low, high = (
        np.array([getattr(margins, _FACES[letter][end]) for letter in located.letters])
        for end in (0, 1)
    )
    start = np.maximum(voxels.min(axis=0) - np.ceil(low / located.spacing).astype(int), 0)
    stop = np.minimum(
        voxels.max(axis=0) + 1 + np.ceil(high / located.spacing).astype(int), located.shape
    )
    return Box.of_grid(located.grid.crop(start, stop))
