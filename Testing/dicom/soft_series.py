"""A soft mask on a small series, and how it was made."""

from __future__ import annotations

import numpy as np

from dicom.made_dicom import write_series
from dicom.test_dicom_geometry import AFFINES
from SoftCordSegLib.dicom import MadeBy, SourceSlices, source_slices
from SoftCordSegLib.volume import Volume

MADE_BY = MadeBy("0.6.0", "compact 0.5.0", "segmenter.safetensors " + "ab" * 32)
SOFT = np.random.default_rng(5).random((9, 8, 5)).astype(np.float32)


def soft_series(folder, orientation: str, **how) -> tuple[Volume, SourceSlices]:
    """The mask and the slices of the images that it belongs to."""
    mask = Volume(SOFT, AFFINES[orientation])
    return mask, source_slices(write_series(mask.with_data(1000 * SOFT), folder, **how))
