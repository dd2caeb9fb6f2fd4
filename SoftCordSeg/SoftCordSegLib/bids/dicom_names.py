"""The names of DICOM objects that are written for an image."""

from __future__ import annotations

from enum import Enum

from .entities import PathLike, split_extension


class DicomKind(Enum):
    """What an object holds, and the end of its name."""

    BINARY = "label-SC_seg"
    FRACTIONAL = "label-SC_softseg"
    MAP = "label-SC_map"
    REPORT = "label-SC_csa"


def dicom_name(image: PathLike, kind: DicomKind) -> str:
    """The name of an object: of ``scan.nii.gz`` the segmentation is ``scan_label-SC_seg.dcm``.

    Args:
        image: the image's file or its name; folders and extension are left off.
        kind: of the object.
    """
    return f"{split_extension(image)[0]}_{kind.value}.dcm"
