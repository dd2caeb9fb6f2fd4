"""Segmentations hold every voxel where it was, say what they are in DICOM's words, and keep to the
standard.
"""

from __future__ import annotations

import highdicom
import numpy as np
import pydicom
import pytest

from dicom.made_dicom import BIRTH, PATIENT, write_series
from dicom.soft_series import MADE_BY, SOFT, soft_series
from dicom.test_dicom_geometry import AFFINES
from dicom.validator import errors_of
from SoftCordSegLib.colours import MASKS, rgb
from SoftCordSegLib.dicom import (
    MadeBy,
    is_mosaic,
    on_slices,
    read_dicom_mask,
    read_header,
    slices_of_grid,
)
from SoftCordSegLib.dicom.segmentation_objects import (
    binary_segmentation,
    fractional_segmentation,
)
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.scene.threshold_view import _TERMINOLOGY, SEGMENT_NAME
from SoftCordSegLib.volume import Volume, same_orientation

CASES = [
    ("axial", {}),
    ("oblique sagittal", {"enhanced": True}),
    ("column cosine negated", {"reverse": True}),
    ("coronal", {}),
]


@pytest.mark.parametrize(("orientation", "how"), CASES)
def test_binary_is_exact_and_fractional_to_half_a_step(tmp_path, orientation, how):
    mask, slices = soft_series(tmp_path / "in", orientation, **how)
    expected = on_slices(mask, slices)

    for made, right, tolerance in (
        (binary_segmentation(mask, 0.3, slices, MADE_BY), expected >= 0.3, 0),
        (fractional_segmentation(mask, slices, MADE_BY), expected, 0.5 / 255 + 1e-6),
    ):
        path = tmp_path / "object.dcm"
        made.save_as(path)
        read = highdicom.seg.segread(path)
        assert errors_of(path) == []
        frames = read.pixel_array / (read.get("MaximumFractionalValue") or 1)
        assert read.NumberOfFrames == len(expected)
        # In the order of the positions, read from the object itself.
        places = [
            np.array(frame.PlanePositionSequence[0].ImagePositionPatient, float)
            for frame in read.PerFrameFunctionalGroupsSequence
        ]
        at = [int(np.argmin(np.linalg.norm(slices.positions - place, axis=1))) for place in places]
        assert sorted(at) == list(range(len(expected)))
        assert np.abs(slices.positions[at] - places).max() < 1e-4
        assert np.abs(frames - right[at]).max() <= tolerance
        # Each frame names the image that it was made from.
        for frame, number in zip(read.PerFrameFunctionalGroupsSequence, at):
            source = frame.DerivationImageSequence[0].SourceImageSequence[0]
            if slices.frames is None:
                assert source.ReferencedSOPInstanceUID == slices.images[number].SOPInstanceUID
            else:
                assert source.ReferencedFrameNumber == slices.frames[number]


def test_the_segment_is_the_one_of_the_panel(tmp_path):
    mask, slices = soft_series(tmp_path, "axial")

    made = fractional_segmentation(mask, slices, MADE_BY)

    segment = made.SegmentSequence[0]
    category, kind = (
        segment.SegmentedPropertyCategoryCodeSequence[0],
        segment.SegmentedPropertyTypeCodeSequence[0],
    )
    for code in (category, kind):
        words = (code.CodingSchemeDesignator, code.CodeValue, code.CodeMeaning)
        assert "^".join(words) in _TERMINOLOGY
    assert segment.SegmentLabel == SEGMENT_NAME
    expected = highdicom.color.CIELabColor.from_rgb(*(round(255 * c) for c in rgb(MASKS[0])))
    assert tuple(segment.RecommendedDisplayCIELabValue) == tuple(expected.value)
    assert (made.SegmentationType, made.SegmentationFractionalType) == ("FRACTIONAL", "OCCUPANCY")
    assert made.MaximumFractionalValue == 255
    algorithm = segment.SegmentationAlgorithmIdentificationSequence[0]
    assert "compact 0.5.0" in algorithm.AlgorithmParameters
    assert "abababab" in algorithm.AlgorithmParameters


@pytest.mark.parametrize(
    ("made_by", "words"),
    [
        (MADE_BY, "AUTOMATIC"),
        (MadeBy("1", "m", "s", corrected=True), "SEMIAUTOMATIC"),
        (MadeBy("1"), "MANUAL"),
    ],
)
def test_who_made_it(tmp_path, made_by, words):
    mask, slices = soft_series(tmp_path / "in", "axial")
    made = binary_segmentation(mask, 0.5, slices, made_by)
    made.save_as(tmp_path / "object.dcm")

    assert made.SegmentSequence[0].SegmentAlgorithmType == words
    assert errors_of(tmp_path / "object.dcm") == []


def test_it_is_the_same_patient_and_study(tmp_path):
    mask, slices = soft_series(tmp_path, "axial")
    made = binary_segmentation(mask, 0.5, slices, MADE_BY)
    source = slices.images[0]

    assert (made.PatientID, made.PatientBirthDate) == (PATIENT, BIRTH)
    for keyword in ("PatientName", "StudyInstanceUID", "FrameOfReferenceUID", "AccessionNumber"):
        assert made[keyword].value == source[keyword].value
    assert made.SeriesInstanceUID != source.SeriesInstanceUID


def test_of_a_mosaic_the_grid_is_that_of_the_mask(tmp_path):
    flat = Volume(np.zeros((27, 16, 1)), np.eye(4))
    files = write_series(
        flat, tmp_path / "in", ImageType=["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    )
    mask = Volume(SOFT, AFFINES["oblique"])
    assert is_mosaic(files)
    slices = slices_of_grid(mask.grid, [read_header(files[0])])

    fractional_segmentation(mask, slices, MADE_BY).save_as(tmp_path / "object.dcm")

    back = same_orientation(read_dicom_mask(tmp_path / "object.dcm"), mask)
    assert back.grid.same_as(mask.grid, 1e-3)
    assert np.abs(back.data - SOFT).max() <= 0.5 / 255 + 1e-6
    assert errors_of(tmp_path / "object.dcm") == []


@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        ("ISO_IR 100", "Müller^Jürgen"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ],
)
def test_names_keep_their_letters(tmp_path, character_set, name):
    mask, slices = soft_series(
        tmp_path / "in", "axial", SpecificCharacterSet=character_set, PatientName=name
    )
    binary_segmentation(mask, 0.5, slices, MADE_BY).save_as(tmp_path / "object.dcm")

    assert pydicom.dcmread(tmp_path / "object.dcm").PatientName == name
    assert errors_of(tmp_path / "object.dcm") == []


def test_an_empty_mask_is_refused(tmp_path):
    mask, slices = soft_series(tmp_path, "axial")

    with pytest.raises(InputError, match="empty"):
        binary_segmentation(mask, 1.0, slices, MADE_BY)
