"""Where a network that was trained on crops around the cord has to look."""

from __future__ import annotations

import numpy as np

from ...errors import ModelError
from ...network import load_bundle, shipped_bundles
from ...network.plans import Margins
from ...progress import Progress
from ...volume import Box, Volume
from ..locate import locate
from ..networks import Networks
from ..outline import is_narrow
from ..working import working_image

# Which margin belongs to the low and which to the high end of an axis that points to this letter.
_FACES = {
    "R": ("left", "right"),
    "L": ("right", "left"),
    "A": ("posterior", "anterior"),
    "P": ("anterior", "posterior"),
    "S": ("inferior", "superior"),
    "I": ("superior", "inferior"),
}


def box_around_cord(
    image: Volume, margins: Margins, device: str, progress: Progress
) -> tuple[Box | None, tuple[str, ...]]:
    """The cord's box, as the shipped locator finds it, and its margins, within the image.

    The authors' own detector (sc-crop) is another network, on axial slices; ours takes its place
    here.

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
            "This model needs the locator that comes with SoftCordSeg, which is missing. Install"
            " SoftCordSeg again."
        )
    bundle = load_bundle(shipped[0])
    working = working_image(image, bundle)
    if is_narrow(working.image, bundle.segmenter):
        return Box.of_grid(image.grid), ()
    progress.report(0.0, "Looking for the cord")
    predict, divisor = Networks(bundle, device).locator()
    candidates = locate(
        working.coarse,
        working.intensities.for_locator(),
        predict,
        divisor,
        bundle.locator,
        progress,
    )
    notes = (f"Where to look was found by the locator of {bundle.name}.",)
    return (
        (with_margins(working.coarse.with_data(candidates[0].mask), margins), notes)
        if candidates
        else (None, notes)
    )


def with_margins(located: Volume, margins: Margins) -> Box:
    """The box of what is True and its margins, within the grid."""
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
