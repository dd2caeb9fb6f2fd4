"""An image prepared for the two networks of a bundle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..network import AROUND_CORD, ModelBundle, Stage, UNetConfig
from ..network.engines import Engine
from ..volume import Box, Grid, Volume, reorient
from ..volume.intensities import (
    Intensities,
    Scaling,
    around_cord,
    near_cord,
    with_padding_filled,
    without_padding,
)
from .locate import coarse_image, locator_sizes

# Scanners leave margins of one value that are a few voxels wide; what is wider was added.
_NARROW_MM = 10.0


@dataclass(frozen=True, eq=False)
class WorkingImage:
    """An image, its coarse version, and its intensity scaling.

    Attributes:
        image: in the bundle's orientation, without wide padding.
        coarse: the same on the locator's grid.
        intensities: from which its scaling is computed.
        seen: the grid of the image without any padding; outside it is no mask.
        blank_slices: number of axial slices at the ends of the image that hold one value all over.
    """

    image: Volume
    coarse: Volume
    intensities: Intensities
    seen: Grid
    blank_slices: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the reader of the mask."""
        if not self.blank_slices:
            return ()
        return (
            f"{self.blank_slices} of {self.seen.shape[2] + self.blank_slices} slices at the ends"
            " hold no image (one value all over); the mask is empty there.",
        )

    def scaling_about(self, located: np.ndarray) -> Scaling:
        """The segmenter's scaling.

        Args:
            located: (i, j, k) bool, the cord on the grid of ``coarse``.
        """
        return self.intensities.for_segmenter(near_cord(located, float(self.coarse.spacing[0])))

    def scaling_at(self, positions: np.ndarray) -> Scaling:
        """The segmenter's scaling about a part of the cord.

        Args:
            positions: (n, 3), mm RAS: of points of its line; those outside the image do not count.
        """
        if self.intensities.with_image is None:
            return self.intensities.for_locator()
        voxels = np.rint(self.coarse.grid.to_voxel(positions)).astype(int)
        voxels = voxels[((voxels >= 0) & (voxels < self.coarse.shape)).all(axis=1)]
        located = np.zeros(self.coarse.shape, bool)
        located[tuple(voxels.T)] = True
        return self.scaling_about(located)

    def scaling_in(self, box: Box) -> Scaling:
        """The segmenter's scaling in a box."""
        region = np.zeros(self.coarse.shape, bool)
        start, stop = box.voxels_of(self.coarse.grid)
        region[tuple(slice(max(a, 0), max(b, 0)) for a, b in zip(start, stop))] = True
        return self.intensities.for_segmenter(region)


def working_image(image: Volume, bundle: ModelBundle, engine: Engine | None = None) -> WorkingImage:
    """Reorient an image as a bundle of ours requires, and measure its intensities by the bundle's
    contract.

    Args:
        image: any orientation.
        bundle: of ours.
        engine: that will run the locator on the coarse image: it makes itself ready meanwhile.
    """
    working = reorient(image, bundle.orientation)
    locator = bundle.locator
    assert locator is not None
    # Blank slices are no image: what is padded gives the mask that it gave before.
    cropped = without_padding(working)
    seen, blank = cropped.grid, working.shape[2] - cropped.shape[2]
    around = bundle.intensities == AROUND_CORD
    used = cropped if around else with_padding_filled(working, cropped, _NARROW_MM)
    if engine is not None:
        _prepare(engine, bundle, used.grid)
    coarse = coarse_image(used, locator.spacing_mm)
    intensities = around_cord(used, coarse) if around else Intensities(used, coarse)
    return WorkingImage(used, coarse, intensities, seen, blank)


def prepare_locator(image: Grid, bundle: ModelBundle, engine: Engine) -> None:
    """Let the engine make the locator ready for an image of which only the header was read, as if
    nothing of it were padding: where much is, :func:`working_image` does it again.

    Args:
        image: grid of the image.
        bundle: the networks; nothing is done for those that do not locate.
        engine: that will run it.
    """
    if bundle.locator is not None:
        empty = Volume(np.broadcast_to(np.float32(0), image.shape), image.affine)
        _prepare(engine, bundle, reorient(empty, bundle.orientation).grid)


def _prepare(engine: Engine, bundle: ModelBundle, working: Grid) -> None:
    locator = bundle.locator
    assert locator is not None
    shape = working.with_spacing(locator.spacing_mm).shape
    divisor = UNetConfig(locator.features, locator.strides).divisor
    bundle.prepare(engine, locator, locator_sizes(shape, divisor, locator)[1])


def fine_grid(image: Grid, spacing_mm: float, contract: str) -> Grid:
    """The isotropic grid over a whole image on which the segmenter's voxels lie.

    In the contract *around_cord* its voxels stay where they are when the image is cropped or
    padded; in *whole_image* they begin at the image's corner.

    Args:
        image: grid of the image.
        spacing_mm: of the segmenter.
        contract: that the bundle names.
    """
    return image.resting(spacing_mm) if contract == AROUND_CORD else image.with_spacing(spacing_mm)


def is_narrow(working: Volume, stage: Stage) -> bool:
    """True where one tile of the segmenter covers the whole width and depth of the image."""
    size = np.array(working.shape[:2]) * working.spacing[:2]
    return bool((size <= np.array(stage.tile[:2]) * stage.spacing_mm).all())
