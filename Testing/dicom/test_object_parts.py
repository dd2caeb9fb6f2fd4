"""Of a scanner's header, objects hold what the standard requires of patient and study, and nothing
else.
"""

from __future__ import annotations

import pytest

from dicom.made_dicom import CANARY, NAMES
from dicom.soft_series import MADE_BY, soft_series
from SoftCordSegLib.dicom import (
    AreaEntry,
    binary_segmentation,
    fractional_segmentation,
    measurement_report,
    needing_dicom,
    parametric_map,
)

# Type 1 and 2 of patient and study (PS3.3 C.7.1.1, C.7.2.1), and the issuer of the patient's
# number, without which it is not unique.
REQUIRED = {
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "ReferringPhysicianName",
    "AccessionNumber",
    "StudyID",
}


@pytest.mark.parametrize("how", [{}, {"enhanced": True}], ids=str)
def test_nothing_but_what_is_required(tmp_path, how):
    mask, slices = soft_series(tmp_path / "in", "axial", **how)
    with needing_dicom():
        binary = binary_segmentation(mask, 0.5, slices, MADE_BY)
        made = [
            binary,
            fractional_segmentation(mask, slices, MADE_BY),
            parametric_map(mask, slices, MADE_BY),
            measurement_report([AreaEntry(70.0, 3)], binary, slices, MADE_BY),
        ]

    for one in made:
        one.save_as(tmp_path / "object.dcm")
        raw = (tmp_path / "object.dcm").read_bytes()
        found = {name for name, value in NAMES.items() if value.encode() in raw}
        assert found == REQUIRED
        assert raw.count(CANARY.encode()) == len(REQUIRED)
