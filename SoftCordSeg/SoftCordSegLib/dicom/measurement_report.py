"""Areas of the cord as a structured report: TID 1500, a group of measurements for each level
(TID 1411) and, on request, each slice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from .dicom_geometry import SourceSlices
from .object_parts import (
    MAKER,
    SEGMENT_LABEL,
    MadeBy,
    cord_codes,
    cord_tracking,
    equipment,
    required_header,
    series_number,
)

REPORT_SERIES = 4


@dataclass(frozen=True)
class AreaEntry:
    """An area of the cord.

    Attributes:
        area_mm2: cross-sectional area; the mean over the slices of a level.
        level: vertebral level (1 = C1 …); None where not known.
        sd_mm2: standard deviation over the slices of a level; NaN where there is one slice.
        slices: of the level; 0 for the entry of one slice.
        slice: number of the slice, from the lowest; None for the entry of a level.
    """

    area_mm2: float
    level: int | None
    sd_mm2: float = math.nan
    slices: int = 0
    slice: int | None = None

    @property
    def name(self) -> str:
        """As "Spinal cord C3" or "Spinal cord slice 12"."""
        from ..morphometry import level_name

        where = level_name(self.level) if self.level is not None else ""
        return f"{SEGMENT_LABEL} {where if self.slice is None else f'slice {self.slice}'}".rstrip()


def measurement_report(
    entries: Sequence[AreaEntry], segmentation: Any, slices: SourceSlices, made_by: MadeBy
) -> Any:
    """The report.

    Tracking UIDs of levels are the same at the patient's next visit.

    Args:
        entries: of levels, and of slices where wanted.
        segmentation: the dataset whose segment 1 was measured.
        slices: of the series.
        made_by: how the mask was made.

    Returns:
        A pydicom dataset.  Within :func:`.dicom_packages.needing_dicom`.

    Raises:
        InputError: no entry.
    """
    import highdicom
    from highdicom import sr
    from pydicom.sr.codedict import codes
    from pydicom.sr.coding import Code

    if not entries:
        raise InputError(
            "There is no area to report.", hint="Mark the discs, so that the levels are known."
        )
    images = [required_header(image) for image in slices.images]
    device = sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=str(highdicom.UID()), name=MAKER, manufacturer_name=MAKER, model_name=MAKER
        ),
    )
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=device),
        procedure_reported=Code("25056-3", "LN", "MRI unspecified body region"),
        title=codes.DCM.ImagingMeasurementReport,
        imaging_measurements=[_group(entry, segmentation, images[0], made_by) for entry in entries],
        # highdicom describes single-frame images only.
        referenced_images=images if slices.frames is None and not slices.is_own_grid else None,
    )
    return sr.ComprehensiveSR(
        evidence=[*images, segmentation],
        content=report,
        series_instance_uid=str(highdicom.UID()),
        series_number=series_number(images[0], REPORT_SERIES),
        sop_instance_uid=str(highdicom.UID()),
        instance_number=1,
        manufacturer=MAKER,
        is_complete=True,
        series_description=f"{MAKER}: area of the spinal cord",
        **{name: value for name, value in equipment(made_by).items() if name != "manufacturer"},
    )


def _group(entry: AreaEntry, segmentation: Any, image: Any, made_by: MadeBy) -> Any:
    from highdicom import sr
    from pydicom.sr.codedict import codes

    _, cord = cord_codes()
    identifier, uid = _tracking(entry, image)
    vertebra = None if entry.level is None else vertebra_code(entry.level)
    site = sr.FindingSite(anatomic_location=cord, topographical_modifier=vertebra)
    mean = entry.slice is None
    measurements = [
        sr.Measurement(
            name=codes.SCT.Area,
            value=round(entry.area_mm2, 4),
            unit=codes.UCUM.SquareMillimeter,
            derivation=codes.SCT.Mean if mean else None,
        )
    ]
    if math.isfinite(entry.sd_mm2):
        measurements.append(
            sr.Measurement(
                name=codes.SCT.Area,
                value=round(entry.sd_mm2, 4),
                unit=codes.UCUM.SquareMillimeter,
                derivation=codes.SCT.StandardDeviation,
            )
        )
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=uid, identifier=identifier),
        referenced_segment=sr.ReferencedSegment(
            sop_class_uid=segmentation.SOPClassUID,
            sop_instance_uid=segmentation.SOPInstanceUID,
            segment_number=1,
            source_series=sr.SourceSeriesForSegmentation(str(image.SeriesInstanceUID)),
        ),
        finding_category=cord_codes()[0],
        finding_type=cord,
        finding_sites=[site],
        algorithm_id=_algorithm(made_by),
        measurements=measurements,
    )


def vertebra_code(level: int) -> Any:
    """The SNOMED CT code of a vertebra; None below L5, where there is none."""
    from pydicom.sr.codedict import codes

    from ..morphometry import level_name

    return getattr(codes.SCT, f"{level_name(level)}Vertebra", None)


def _tracking(entry: AreaEntry, image: Any) -> tuple[str, str]:
    """Of a level, the same at every visit; slices are those of one series."""
    identifier, uid = cord_tracking(image, entry.name)
    if entry.slice is not None:
        uid = cord_tracking(image, f"{image.SeriesInstanceUID} {entry.name}")[1]
    return identifier, uid


def _algorithm(made_by: MadeBy) -> Any:
    from highdicom import sr
    from pydicom.sr.codedict import codes

    if not made_by.model:
        return None
    return sr.AlgorithmIdentification(
        name=MAKER,
        version=made_by.version,
        parameters=[f"model: {made_by.model}", f"sha256: {made_by.sha256}"],
        family=codes.DCM.ArtificialIntelligence,
        manufacturer=MAKER,
    )
