"""Images and labels brought to the networks' grids, as training reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..network import AROUND_CORD, WHOLE_IMAGE
from ..segmentation.working_image import WorkingImage, fine_grid
from ..volume import Grid, Volume, resample
from ..volume.resampling import IMAGE_ORDER
from .packed import PackedCord, edge_bytes, fraction_bytes, image_bytes

# The locator cuts its pieces apart at this soft value; what it would have located is taken from the
# label likewise.
_LOCATED = 0.25
# A voxel with more cord than this counts when the part about the cord is cut out.
_ANY_CORD = 0.1


def packed_arrays(
    working: WorkingImage,
    label: Volume,
    weight: Volume | None,
    *,
    spacing_mm: float,
    margin_mm: tuple[float, float, float],
    cord: Volume | None = None,
) -> dict[str, np.ndarray]:
    """An image as the two networks will see it, with label and weight.

    Args:
        working: the whole image and its scaling by the input contract.
        label: soft mask on any grid.
        weight: 1 where the label is to be trusted, else 0; None for everywhere.
        spacing_mm: of the segmenter's isotropic grid.
        margin_mm: along (Left, Anterior, Superior), how far from the cord the image is kept.
        cord: where the cord is; the label where None.

    Returns:
        The arrays of a :class:`.packed.PackedCase` by name.

    Raises:
        InputError: the cord is empty on the segmenter's grid.
    """
    image, coarse = working.image, working.coarse
    if weight is None:
        weight = label.with_data(np.ones(label.shape, np.float32))
    coarse_label = np.clip(resample(label, coarse.grid, order=1, antialias=True).data, 0, 1)
    located = (
        coarse_label if cord is None else resample(cord, coarse.grid, order=1, antialias=True).data
    )
    scaling = working.scaling_about(located > _LOCATED)
    contract = WHOLE_IMAGE if working.intensities.with_image is None else AROUND_CORD
    fine = fine_grid(image.grid, spacing_mm, contract)
    # The outer half of a slice at the end is of that slice, for the label too: it does not fade
    # towards what was not scanned.
    fine_label = np.clip(resample(label, fine, order=IMAGE_ORDER).data, 0, 1)
    shown = fine_label if cord is None else resample(cord, fine, order=1).data
    grid, part = _about(shown, fine, spacing_mm, margin_mm)
    coarse_weight = resample(weight, coarse.grid, order=1).data > 0.99
    return {
        "image": image_bytes(scaling(resample(image, grid, order=IMAGE_ORDER).data)),
        "label": fraction_bytes(fine_label[part]),
        "weight": (resample(weight, grid, order=1).data > 0.99).astype(np.uint8) * 255,
        "coarse_image": image_bytes(working.intensities.for_locator()(coarse.data)),
        "coarse_label": fraction_bytes(coarse_label),
        "coarse_weight": coarse_weight.astype(np.uint8) * 255,
    }


def packed_anatomy(data: Path) -> dict[str, Any]:
    """The cords, surroundings and height of a :class:`.packed.Packed`, by name, from the template
    and masks in a folder.

    Raises:
        InputError: a file is missing.
    """
    from . import anatomy

    read = anatomy.load_anatomy(data)
    rows = [anatomy.CORD, anatomy.GREY, anatomy.CANAL]
    cords = tuple(
        PackedCord(
            one.name,
            tuple(map(float, one.spacing)),
            float(one.bottom),
            one.whole,
            fraction_bytes(one.maps[rows]),
            edge_bytes(one.maps[anatomy.EDGE]),
        )
        for one in read.cords
    )
    return {"cords": cords, "near": fraction_bytes(read.near), "height": float(read.height)}


def _about(
    cord: np.ndarray, grid: Grid, spacing_mm: float, margin_mm: tuple[float, float, float]
) -> tuple[Grid, tuple[slice, ...]]:
    """The part of a grid within a margin of the cord's bounding box."""
    filled = np.argwhere(cord > _ANY_CORD)
    if not len(filled):
        raise InputError(
            "The mask is empty on the grid of the network.", hint="Leave this image out."
        )
    margin = np.array(margin_mm) / spacing_mm
    start = np.maximum(filled.min(axis=0) - margin, 0).astype(int)
    stop = np.minimum(filled.max(axis=0) + 1 + margin, cord.shape).astype(int)
    return grid.crop(start, stop), tuple(slice(a, b) for a, b in zip(start, stop))
