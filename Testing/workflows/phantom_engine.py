"""An engine that knows the phantom's truth, in place of the network."""

from __future__ import annotations

from SoftCordSegLib.phantom import Cord
from SoftCordSegLib.phantom.cord import cord_fraction
from SoftCordSegLib.segmentation import SoftMask
from SoftCordSegLib.volume import Box


def the_truth(
    image, bundle, *, box=None, progress=None, device="auto", flips=False, located=None, calibre=1.0
):
    """Stands in for the network: the phantom's own cord."""
    soft = cord_fraction(Cord(calibre=calibre), image.grid)
    return SoftMask(image.with_data(soft), Box.of_grid(image.grid), "Spinal cord found.")


def ten_percent_too_large(image, bundle, **options):
    return the_truth(image, bundle, **options, calibre=1.1)
