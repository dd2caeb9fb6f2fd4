"""What a mask of a real image must not depend on: padding, cropping, and where a long image is
cut.  ``make test`` has one example of each, ``make stress`` many.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from segmentation.tubes import dice
from SoftCordSegLib.network import load_bundle, shipped_bundles
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.volume import Volume, read_nifti, reorient


def an_image(data: Path, name: str) -> Volume:
    """A sample image, axes to the Left, Anterior, Superior."""
    return reorient(read_nifti(data / "images" / f"{name}.nii.gz"), "LAS")


def mask_of(image: Volume) -> np.ndarray:
    """By the shipped model."""
    return segment(image, load_bundle(shipped_bundles()[0])).volume.data


def part_of(image: Volume, start, stop) -> Volume:
    """A box of an image."""
    start, stop = np.maximum(start, 0), np.minimum(stop, image.shape)
    inside = tuple(slice(a, b) for a, b in zip(start, stop))
    return Volume(np.ascontiguousarray(image.data[inside]), image.grid.crop(start, stop).affine)


def padding_changes_volume_by(image: Volume, pads, value: float) -> float:
    """Part of the volume by which padding changes the mask.

    Args:
        image: any.
        pads: (3, 2) voxels at the ends of the axes.
        value: of the padding.
    """
    pads = np.asarray(pads)
    affine = image.affine.copy()
    affine[:3, 3] -= affine[:3, :3] @ pads[:, 0]
    data = np.pad(image.data, pads, constant_values=image.data.dtype.type(value))
    padded = mask_of(Volume(data, affine))
    inside = tuple(slice(low, low + n) for (low, _), n in zip(pads, image.shape))
    beside = np.count_nonzero(padded) - np.count_nonzero(padded[inside])
    assert beside == 0, "mask where there is no image"
    return _change(padded.sum(dtype=float), mask_of(image).sum(dtype=float))


def cropping_changes_volume_by(image: Volume, margin_mm: float = 20.0) -> float:
    """Part of the volume by which cropping to the cord's box and a margin changes the mask."""
    whole = mask_of(image)
    voxels = np.argwhere(whole >= 0.5)
    margin = np.ceil(margin_mm / image.spacing).astype(int)
    cropped = part_of(image, voxels.min(axis=0) - margin, voxels.max(axis=0) + 1 + margin)
    return _change(mask_of(cropped).sum(dtype=float), whole.sum(dtype=float))


def halves_agree(image: Volume, overlap_mm: float = 60.0) -> float:
    """Dice, on the middle of their overlap, of the masks of the upper and of the lower half."""
    count, margin = image.shape[2], round(overlap_mm / 2 / image.spacing[2])
    low, high = count // 2 - margin, count // 2 + margin
    size = image.shape[:2]
    lower = mask_of(part_of(image, [0, 0, 0], [*size, high]))
    upper = mask_of(part_of(image, [0, 0, low], [*size, count]))
    # A tile at the edge of an image sees less than one in its middle.
    edge = round(10 / image.spacing[2])
    return dice(
        lower[:, :, low + edge : high - edge] >= 0.5, upper[:, :, edge : 2 * margin - edge] >= 0.5
    )


def _change(now: float, before: float) -> float:
    return abs(now / before - 1)
