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
        image: in the bundle's orientation, without padding.
        coarse: the same on the locator's grid.
        intensities: from which its scaling is computed.
        blank_slices: number of axial slices at the ends of the image that hold one value all over.
    """

    image: Volume
    coarse: Volume
    intensities: Intensities
    blank_slices: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the reader of the mask."""
        if not self.blank_slices:
            return ()
        return (
            f"{self.blank_slices} of {self.image.shape[2] + self.blank_slices} slices at the ends"
            " hold no image (one value all over); the mask is empty there.",
        )

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
    # Blank slices are no image: what is padded gives the mask that it gave before.
    slices = working.shape[2]
    working = without_padding(working)
    blank = slices - working.shape[2]
    if bundle.intensities == AROUND_CORD:
        coarse = coarse_image(working, locator.spacing_mm)
        return WorkingImage(working, coarse, around_cord(working, coarse), blank)
    coarse = coarse_image(working, locator.spacing_mm)
    return WorkingImage(working, coarse, Intensities(working, coarse), blank)
