"""DICOM segmentations and parametric maps -> soft masks: ours, and those of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..volume import Volume
from .dicom_geometry import volume_of_frames
from .dicom_packages import needing_dicom
from .dicom_series import corrupt_file_errors, read_header

_SEGMENTATION, _LABELMAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
_MAP = "1.2.840.10008.5.1.4.1.1.30"
_CORD = ("2748008", "T-A7010")  # of SNOMED CT, and of the SRT of older files


def read_dicom_mask(path: Path) -> Volume:
    """The mask in a file: of a segmentation with several segments the one that is the spinal cord.

    Args:
        path: segmentation (BINARY, FRACTIONAL or LABELMAP) or parametric map.

    Returns:
        Values 0 to 1, float32, of all slices from the first to the last in the file.

    Raises:
        InputError: another object, a corrupt file, no segment that is the cord, frames that make no
            volume.
    """
    with needing_dicom():
        header = read_header(path)
        kind = _kind_of(header)
        if kind not in (_SEGMENTATION, _LABELMAP, _MAP):
            raise InputError(
                "The file is not a DICOM segmentation or parametric map.",
                path=path,
                hint="Segment images first; give a mask here.",
            )
        try:
            volume = _map(path) if kind == _MAP else _segment(path, _cord_of(header, path))
        except InputError:
            raise
        except Exception as error:  # highdicom raises what numpy, pydicom and itself raise
            raise InputError(
                "The frames of the file cannot be read, or make no volume.",
                path=path,
                hint="Export it again.",
            ) from error
    affine, frames = np.asarray(volume.affine, float), np.asarray(volume.array, np.float32)
    if not np.isfinite(frames).all() or not np.isfinite(affine).all():
        raise InputError(
            "The file has values that are NaN or infinite.", path=path, hint="Export it again."
        )
    return volume_of_frames(frames, affine)


def _kind_of(header: Any) -> str:
    try:
        return "" if header is None else str(header.get("SOPClassUID") or "")
    except corrupt_file_errors():
        return ""


def _segment(path: Path, number: int) -> Any:
    import highdicom

    segmentation = highdicom.seg.segread(path)
    volume = segmentation.get_volume(
        segment_numbers=[number], combine_segments=False, rescale_fractional=True
    )
    return volume.squeeze_channel()


def _map(path: Path) -> Any:
    import highdicom

    return highdicom.imread(path).get_volume(
        apply_real_world_transform=True, apply_voi_transform=False
    )


def _cord_of(header: Any, path: Path) -> int:
    """The number of the segment that is the spinal cord, or of the only one."""
    segments = list(header.get("SegmentSequence") or ())
    # The background of a LABELMAP is a segment too.
    segments = [one for one in segments if int(one.SegmentNumber) > 0]
    if len(segments) == 1:
        return int(segments[0].SegmentNumber)
    for segment in segments:
        codes = segment.get("SegmentedPropertyTypeCodeSequence") or ()
        words = str(segment.get("SegmentLabel") or "").lower()
        if any(str(one.get("CodeValue")) in _CORD for one in codes) or "spinal cord" in words:
            return int(segment.SegmentNumber)
    raise InputError(
        f"None of the {len(segments)} segments is a spinal cord.",
        path=path,
        hint="Give a segmentation of the cord.",
    )
