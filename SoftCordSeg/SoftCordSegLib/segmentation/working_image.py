"""An image prepared for the two networks of a bundle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..network import AROUND_CORD, ModelBundle
from ..volume import Box, Volume, reorient
from ..volume.intensities import Intensities, Scaling, around_cord, near_cord, without_padding
from .locate import coarse_image


@dataclass(frozen=True, eq=False)
class WorkingImage:
    """An image, its coarse version, and its intensity scaling.

    Attributes:
        image: in the bundle's orientation; without padding where the bundle's contract ignores it.
        coarse: the same on the locator's grid.
        intensities: from which its scaling is computed.
    """

    image: Volume
    coarse: Volume
    intensities: Intensities

    def scaling_about(self, located: np.ndarray) -> Scaling:
        """The segmenter's scaling.

        Args:
            located: (i, j, k) bool, the cord on the grid of ``coarse``.
        """
        return self.intensities.for_segmenter(near_cord(located, float(self.coarse.spacing[0])))

    def scaling_in(self, box: Box) -> Scaling:
        """The segmenter's scaling in a box."""
        region = np.zeros(self.coarse.shape, bool)
        start, stop = box.voxels_of(self.coarse.grid)
        region[tuple(slice(max(a, 0), max(b, 0)) for a, b in zip(start, stop))] = True
        return self.intensities.for_segmenter(region)


def working_image(image: Volume, bundle: ModelBundle) -> WorkingImage:
    """Reorient an image as a bundle of ours requires, and measure its intensities by the bundle's
    contract.
    """
    working = reorient(image, bundle.orientation)
    locator = bundle.locator
    assert locator is not None
    if bundle.intensities == AROUND_CORD:
        working = without_padding(working)
        coarse = coarse_image(working, locator.spacing_mm)
        return WorkingImage(working, coarse, around_cord(working, coarse))
    coarse = coarse_image(working, locator.spacing_mm)
    return WorkingImage(working, coarse, Intensities(working, coarse))
