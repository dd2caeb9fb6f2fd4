"""Floor 3: DICOM series in; segmentation, parametric map and structured report out, and in again.

Needs the packages of the extra 'dicom'; they are imported where they are used.
"""

from .dicom_conversion import ConvertedImages, converted
from .dicom_geometry import (
    SourceSlices,
    check_gaps,
    is_mosaic,
    on_slices,
    slices_of_grid,
    source_slices,
)
from .dicom_packages import needing_dicom
from .dicom_reading import read_dicom_mask
from .dicom_series import (
    DicomSeries,
    SeveralSeries,
    is_dicom_file,
    is_dicom_source,
    opened_source,
    passed_over_sentences,
    read_header,
    series_among,
    series_of_source,
)
from .measurement_report import AreaEntry, measurement_report
from .object_parts import MAKER, MadeBy
from .parametric_map import parametric_map
from .segmentation_objects import binary_segmentation, fractional_segmentation

__all__ = [
    "MAKER",
    "AreaEntry",
    "ConvertedImages",
    "DicomSeries",
    "MadeBy",
    "SeveralSeries",
    "SourceSlices",
    "binary_segmentation",
    "check_gaps",
    "converted",
    "needing_dicom",
    "fractional_segmentation",
    "is_dicom_file",
    "is_dicom_source",
    "is_mosaic",
    "measurement_report",
    "on_slices",
    "opened_source",
    "parametric_map",
    "passed_over_sentences",
    "read_dicom_mask",
    "read_header",
    "series_among",
    "series_of_source",
    "slices_of_grid",
    "source_slices",
]
