"""The parametric map has all digits of the mask, and keeps to the standard."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from dicom.soft_series import MADE_BY, soft_series
from dicom.validator import errors_of
from SoftCordSegLib.dicom import needing_dicom, on_slices, parametric_map


@pytest.mark.parametrize(
    ("orientation", "how"), [("axial", {"reverse": True}), ("oblique sagittal", {"enhanced": True})]
)
def test_every_digit_at_its_place(tmp_path, orientation, how):
    mask, slices = soft_series(tmp_path / "in", orientation, **how)
    with needing_dicom():
        parametric_map(mask, slices, MADE_BY).save_as(tmp_path / "map.dcm")

    read = pydicom.dcmread(tmp_path / "map.dcm")
    assert errors_of(tmp_path / "map.dcm") == []
    places = [
        np.array(frame.PlanePositionSequence[0].ImagePositionPatient, float)
        for frame in read.PerFrameFunctionalGroupsSequence
    ]
    at = [int(np.argmin(np.linalg.norm(slices.positions - place, axis=1))) for place in places]
    assert np.array_equal(read.pixel_array, on_slices(mask, slices)[at])
    shared = read.SharedFunctionalGroupsSequence[0]
    cosines = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    assert np.allclose(cosines, slices.cosines, atol=1e-6)
    mapping = shared.RealWorldValueMappingSequence[0]
    assert (mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == (1, 0)
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "1"
