"""A soft mask as DICOM segmentations: BINARY at the threshold, which every viewer shows, and
FRACTIONAL of type OCCUPANCY, the share of each voxel that is cord, in 255 steps (PS3.3 C.8.20).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..colours import MASKS, rgb
from ..errors import InputError
from ..volume import Volume
from .dicom_geometry import SourceSlices, on_slices
from .object_parts import (
    MAKER,
    SEGMENT_LABEL,
    MadeBy,
    algorithm,
    as_frames,
    cord_codes,
    cord_tracking,
    equipment,
    required_header,
    series_number,
)

BINARY_SERIES, FRACTIONAL_SERIES = 1, 2
STEPS = 255


def binary_segmentation(
    mask: Volume, threshold: float, slices: SourceSlices, made_by: MadeBy
) -> Any:
    """The mask at a threshold, voxel by voxel.

    Args:
        mask: soft, 0 to 1, on the voxels of the slices.
        threshold: above 0, at most 1; voxels at or above it are cord.
        slices: of the series that the mask was made from.
        made_by: how.

    Returns:
        A pydicom dataset.  Within :func:`.dicom_packages.needing_dicom`, as all functions here.

    Raises:
        InputError: the mask is empty at the threshold, or not on the slices.
    """
    frames = (on_slices(mask, slices) >= threshold).astype(np.uint8)
    return _segmentation(
        frames, slices, made_by, BINARY_SERIES, f"Mask at threshold {threshold:g}", "BINARY"
    )


def fractional_segmentation(mask: Volume, slices: SourceSlices, made_by: MadeBy) -> Any:
    """The soft mask itself.

    Args, returns and raises as :func:`binary_segmentation`.
    """
    frames = np.clip(on_slices(mask, slices), 0, 1).astype(np.float32)
    return _segmentation(
        frames, slices, made_by, FRACTIONAL_SERIES, "Soft mask, share of the voxel", "FRACTIONAL"
    )


def _segmentation(
    frames: np.ndarray, slices: SourceSlices, made_by: MadeBy, number: int, words: str, kind: str
) -> Any:
    import highdicom

    if not frames.any():
        raise InputError(
            "The mask is empty: there is nothing to write as a segmentation.",
            hint="Segment again, or choose a lower threshold.",
        )
    images = [required_header(image) for image in slices.images]
    identifier, uid = cord_tracking(images[0], SEGMENT_LABEL)
    category, cord = cord_codes()
    segment = highdicom.seg.SegmentDescription(
        segment_number=1,
        segment_label=SEGMENT_LABEL,
        segmented_property_category=category,
        segmented_property_type=cord,
        algorithm_type=made_by.algorithm_type,
        algorithm_identification=algorithm(made_by),
        tracking_uid=uid,
        tracking_id=identifier,
        display_color=_colour(),
    )
    return highdicom.seg.Segmentation(
        source_images=images,
        pixel_array=as_frames(frames, slices),
        segmentation_type=kind,
        fractional_type="OCCUPANCY",
        max_fractional_value=STEPS,
        segment_descriptions=[segment],
        series_instance_uid=str(highdicom.UID()),
        series_number=series_number(images[0], number),
        sop_instance_uid=str(highdicom.UID()),
        instance_number=1,
        content_label="SPINAL_CORD",
        content_description=words,
        # Empty slices too: the numbers of the slices stay those of the image.
        omit_empty_frames=False,
        series_description=f"{MAKER}: {words.lower()}",
        **equipment(made_by),
    )


def _colour() -> Any:
    """The colour of the first mask of a scene, in CIELab."""
    import highdicom

    red, green, blue = (round(255 * channel) for channel in rgb(MASKS[0]))
    return highdicom.color.CIELabColor.from_rgb(red, green, blue)
