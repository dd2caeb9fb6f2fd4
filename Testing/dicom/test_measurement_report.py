"""The report is TID 1500: areas in mm2 by level and slice, coded in SNOMED CT, of the segment, and
tracked from visit to visit.
"""

from __future__ import annotations

import highdicom
import pytest
from pydicom.sr.codedict import codes

from dicom.made_dicom import PATIENT
from dicom.soft_series import MADE_BY, soft_series
from dicom.validator import errors_of
from SoftCordSegLib.dicom import AreaEntry, binary_segmentation, measurement_report
from SoftCordSegLib.dicom.measurement_report import vertebra_code
from SoftCordSegLib.dicom.object_parts import cord_tracking
from SoftCordSegLib.errors import InputError

ENTRIES = [
    AreaEntry(70.125, 3, 1.5, 6),
    AreaEntry(81.0, 9),
    AreaEntry(69.5, 3, slice=12),
    AreaEntry(68.5, None, slice=13),
]


def report(folder, **how):
    mask, slices = soft_series(folder / "in", "oblique", **how)
    segmentation = binary_segmentation(mask, 0.5, slices, MADE_BY)
    made = measurement_report(ENTRIES, segmentation, slices, MADE_BY)
    made.save_as(folder / "report.dcm")
    return highdicom.sr.srread(folder / "report.dcm"), segmentation


@pytest.mark.parametrize("how", [{}, {"enhanced": True}], ids=str)
def test_areas_by_level_and_slice(tmp_path, how):
    read, segmentation = report(tmp_path, **how)

    assert errors_of(tmp_path / "report.dcm") == []
    groups = read.content.get_volumetric_roi_measurement_groups()
    assert [group.tracking_identifier for group in groups] == [
        "Spinal cord C3",
        "Spinal cord T2",
        "Spinal cord slice 12",
        "Spinal cord slice 13",
    ]
    for group, entry in zip(groups, ENTRIES):
        first, *others = group.get_measurements(name=codes.SCT.Area)
        assert first.value == entry.area_mm2
        assert first.unit == codes.UCUM.SquareMillimeter
        assert first.derivation == (codes.SCT.Mean if entry.slice is None else None)
        assert [other.value for other in others] == ([1.5] if entry.slices else [])
        assert all(other.derivation == codes.SCT.StandardDeviation for other in others)
        assert group.finding_type == codes.SCT.SpinalCord
        site = group.finding_sites[0]
        assert site.value == codes.SCT.SpinalCord
        assert site.topographical_modifier == (
            None if entry.level is None else vertebra_code(entry.level)
        )
        segment = group.referenced_segment
        assert segment.referenced_sop_instance_uid == segmentation.SOPInstanceUID
        assert segment.referenced_segment_numbers == [1]


def test_the_model_is_named_with_its_checksum(tmp_path):
    report(tmp_path)

    raw = (tmp_path / "report.dcm").read_bytes()
    assert b"model: compact 0.5.0" in raw
    assert b"sha256: segmenter.safetensors abab" in raw


def test_vertebrae_in_snomed_ct():
    assert vertebra_code(3) == codes.SCT.C3Vertebra
    assert vertebra_code(8).value == "64864005"
    assert vertebra_code(24) == codes.SCT.L5Vertebra
    assert vertebra_code(25) is None


def tracking_uids(folder, **how):
    read, _ = report(folder, **how)
    groups = read.content.get_volumetric_roi_measurement_groups()
    return [group.tracking_uid for group in groups]


def test_a_level_is_tracked_from_visit_to_visit_and_a_slice_is_not(tmp_path):
    first = tracking_uids(tmp_path / "a")
    second = tracking_uids(tmp_path / "b", study="next visit")
    other = tracking_uids(tmp_path / "c", PatientID="somebody else")

    assert first[:2] == second[:2]
    assert not set(first[2:]) & set(second[2:])
    assert not set(first) & set(other)
    assert len(set(first)) == len(first)


def test_patients_without_a_number_are_never_taken_for_one(tmp_path):
    one, another = (
        soft_series(tmp_path / name, "axial", study=name, PatientID="")[1].images[0]
        for name in "ab"
    )

    assert cord_tracking(one, "C3") == cord_tracking(one, "C3")
    assert cord_tracking(one, "C3") != cord_tracking(another, "C3")
    assert PATIENT not in str(cord_tracking(one, "C3"))


def test_no_area_is_refused(tmp_path):
    mask, slices = soft_series(tmp_path, "axial")

    with pytest.raises(InputError, match="no area"):
        measurement_report([], binary_segmentation(mask, 0.5, slices, MADE_BY), slices, MADE_BY)
