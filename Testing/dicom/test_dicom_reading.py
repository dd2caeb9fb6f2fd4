"""Segmentations and parametric maps become soft masks again: ours, and other programs'."""

from __future__ import annotations

import highdicom
import numpy as np
import pytest
from pydicom.sr.codedict import codes

from dicom.made_dicom import write_series
from dicom.soft_series import MADE_BY, SOFT, soft_series
from SoftCordSegLib.dicom import (
    binary_segmentation,
    fractional_segmentation,
    needing_dicom,
    on_slices,
    parametric_map,
    read_dicom_mask,
)
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.volume import Volume, same_orientation


@pytest.mark.parametrize("orientation", ["oblique", "sagittal", "column cosine negated"])
def test_there_and_back(tmp_path, orientation):
    mask, slices = soft_series(tmp_path / "in", orientation, enhanced=orientation == "oblique")
    path = tmp_path / "object.dcm"
    with needing_dicom():
        made = [
            (binary_segmentation(mask, 0.5, slices, MADE_BY), SOFT >= 0.5, 0),
            (fractional_segmentation(mask, slices, MADE_BY), SOFT, 0.5 / 255 + 1e-6),
            (parametric_map(mask, slices, MADE_BY), SOFT, 0),
        ]
    for one, expected, tolerance in made:
        one.save_as(path)
        back = same_orientation(read_dicom_mask(path), mask)
        assert back.data.dtype == np.float32
        assert back.grid.same_as(mask.grid, 1e-3)
        assert np.abs(back.data - expected).max() <= tolerance


def other_program(mask, slices, labels, kind="BINARY"):
    """A segmentation without empty frames, with several segments."""
    frames = on_slices(mask, slices)
    pixels = np.zeros((*frames.shape, len(labels)), np.uint8)
    pixels[1:3, ..., -1] = frames[1:3] > 0.5
    if len(labels) > 1:
        pixels[..., 0] = frames < 0.1
    if kind == "LABELMAP":
        pixels = (pixels * np.arange(1, len(labels) + 1)).max(axis=-1).astype(np.uint8)
    segments = [
        highdicom.seg.SegmentDescription(
            number, label, codes.SCT.AnatomicalStructure, code, "MANUAL"
        )
        for number, (label, code) in enumerate(labels, start=1)
    ]
    return highdicom.seg.Segmentation(
        list(slices.images),
        pixels,
        kind,
        segments,
        highdicom.UID(),
        1,
        highdicom.UID(),
        1,
        "Other",
        "Other",
        "1",
        "1",
    )


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_the_cord_among_several_segments(tmp_path, kind):
    mask, slices = soft_series(tmp_path / "in", "axial")
    labels = [("Disc", codes.SCT.C2Vertebra), ("Cord", codes.SCT.SpinalCord)]
    other_program(mask, slices, labels, kind).save_as(tmp_path / "other.dcm")

    back = read_dicom_mask(tmp_path / "other.dcm")

    frames = on_slices(mask, slices)
    assert back.data.sum() == (frames[1:3] > 0.5).sum()
    i, j, k = np.argwhere(back.data > 0)[0]
    there = np.rint(slices.grid.to_voxel(back.grid.to_world([i, j, k]))).astype(int)
    assert frames[there[2], there[1], there[0]] > 0.5


def test_what_is_no_mask_of_a_cord_is_a_sentence(tmp_path):
    mask, slices = soft_series(tmp_path / "in", "axial")
    labels = [("Disc", codes.SCT.C2Vertebra), ("Bone", codes.SCT.C3Vertebra)]
    other_program(mask, slices, labels).save_as(tmp_path / "other.dcm")
    image = write_series(Volume(SOFT, np.eye(4)), tmp_path / "image")[0]
    cut = tmp_path / "cut.dcm"
    with needing_dicom():
        parametric_map(mask, slices, MADE_BY).save_as(cut)
    cut.write_bytes(cut.read_bytes()[:-500])
    (tmp_path / "text.dcm").write_text("no DICOM", encoding="utf-8")

    for path, words in (
        (tmp_path / "other.dcm", "None of the 2 segments is a spinal cord"),
        (image, "not a DICOM segmentation"),
        (tmp_path / "text.dcm", "not a DICOM segmentation"),
        (cut, "cannot be read"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            read_dicom_mask(path)
        assert caught.value.path == path
