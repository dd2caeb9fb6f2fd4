"""Of a scanner's header, objects hold what the standard requires of patient and study, and nothing
else.
"""

from __future__ import annotations

import re

import pytest

from dicom.made_dicom import CANARY, NAMES, every_text
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


def objects(folder, **how):
    mask, slices = soft_series(folder / "in", "axial", **how)
    with needing_dicom():
        binary = binary_segmentation(mask, 0.5, slices, MADE_BY)
        return [
            binary,
            fractional_segmentation(mask, slices, MADE_BY),
            parametric_map(mask, slices, MADE_BY),
            measurement_report([AreaEntry(70.0, 3)], binary, slices, MADE_BY),
        ]


@pytest.mark.parametrize("how", [{}, {"enhanced": True}], ids=str)
def test_nothing_but_what_is_required(tmp_path, how):
    for one in objects(tmp_path, **how):
        one.save_as(tmp_path / "object.dcm")
        raw = (tmp_path / "object.dcm").read_bytes()
        found = {name for name, value in NAMES.items() if value.encode() in raw}
        assert found == REQUIRED
        assert raw.count(CANARY.encode()) == len(REQUIRED)


def test_of_every_field_of_an_image_only_what_is_required(tmp_path):
    texts = every_text()
    copied = {*REQUIRED, "PositionReferenceIndicator"}  # type 2 of the frame of reference

    for one in objects(tmp_path, **texts):
        one.save_as(tmp_path / "object.dcm")
        raw = (tmp_path / "object.dcm").read_bytes()
        # With the blank or the NUL that makes lengths even, or the next element behind it.
        found = {name for name in texts if _holds(raw, texts[name])}
        assert found <= copied
        assert {"PatientName", "PatientID"} <= found


def test_series_are_numbered_by_their_source(tmp_path):
    assert [one.SeriesNumber for one in objects(tmp_path)] == [301, 302, 303, 304]


def _holds(raw: bytes, text: str) -> bool:
    """Whether the whole text is there, not the beginning of a longer number."""
    return re.search(text.encode() + rb"(?!\d)", raw) is not None
