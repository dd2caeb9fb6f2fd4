"""Floor 3: DICOM series in; segmentation, parametric map and structured report out, and in again.

Needs the packages of the extra 'dicom'; they are imported where they are used.
"""

from .dicom_conversion import ConvertedImages, converted
from .dicom_packages import needing_dicom
from .dicom_series import (
    DicomSeries,
    SeveralSeries,
    is_dicom_file,
    is_dicom_source,
    opened_source,
    passed_over_sentences,
    series_among,
    series_of_source,
)

__all__ = [
    "ConvertedImages",
    "DicomSeries",
    "SeveralSeries",
    "converted",
    "needing_dicom",
    "is_dicom_file",
    "is_dicom_source",
    "opened_source",
    "passed_over_sentences",
    "series_among",
    "series_of_source",
]
