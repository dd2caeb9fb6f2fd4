"""Where a contrast says anything at all."""

from __future__ import annotations

import numpy as np

from ..volume import Volume
from ..volume.slice_moments import slices_with_mask


def coverage_of(mask: Volume) -> Volume:
    """1 in the slices that were segmented, over the whole plane; 0 in those without a mask, about
    which nothing is known.

    So it is in the authors' pipeline (sct_create_mask -size 500 -p centerline,MASK makes nothing
    where there is no mask).

    Args:
        mask: third axis along the cord.
    """
    data = np.zeros(mask.shape, np.float32)
    data[:, :, slices_with_mask(mask)] = 1.0
    return Volume(data, mask.affine)


def average(masks: list[np.ndarray], coverages: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The soft average, weighted by coverage: sum of masks over sum of coverages, 0 where nothing
    covers.

    "The average of the segmentations was weighted according to the field-of-view of each contrast"
    (the paper, section 2.2): in each place it is over the contrasts that reach there, so that a
    missing contrast or a shorter one does not thin it out.

    Args:
        masks: each (i, j, k), 0 to 1, already times its coverage (both were interpolated from 0
            outside).
        coverages: each (i, j, k), 0 to 1.

    Returns:
        (i, j, k) float32 soft mask, 0 to 1, and the number of contrasts in each voxel.
    """
    total = np.sum(coverages, axis=0, dtype=np.float64)
    known = total > 1e-3
    soft = np.divide(
        np.sum(masks, axis=0, dtype=np.float64), total, out=np.zeros_like(total), where=known
    )
    return np.clip(soft, 0, 1).astype(np.float32), np.where(known, total, 0).astype(np.float32)
