"""Save as DICOM by the button, of a volume from Slicer's DICOM database; and a DICOM mask opened
from the menu.
"""

from __future__ import annotations

import sys

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes

from dicom.made_dicom import CANARY, PATIENT, write_series
from dicom.validator import errors_of
from panel_actions import paint_voxels
from SoftCordSegLib.bids import DicomKind
from SoftCordSegLib.dicom import read_dicom_mask
from SoftCordSegLib.scene.study import study_of
from SoftCordSegLib.scene.volume_nodes import array_of, grid_of, values_on


@pytest.fixture
def from_database(neck, phantom, slicer_host, widget, tmp_path):
    """The volume as Slicer's DICOM database would give it."""
    files = write_series(phantom.image, tmp_path / "database")
    uids = [str(pydicom.dcmread(file, stop_before_pixels=True).SOPInstanceUID) for file in files]
    slicer_host.dicom_files.update(zip(uids, map(str, files)))
    neck.SetAttribute("DICOM.instanceUIDs", " ".join(uids))
    widget.panel.refresh()
    return neck


def saved(folder, kind):
    (path,) = folder.glob(f"series003-*_{kind.value}.dcm")
    return path


def test_the_button_says_why_it_cannot_be_used(ui, neck, widget, monkeypatch):
    assert not ui.cordSaveDicomButton.enabled
    assert "not from Slicer's DICOM database" in ui.cordSaveDicomButton.toolTip
    neck.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    widget.panel.refresh()
    assert ui.cordSaveDicomButton.enabled
    assert "report of areas" in ui.cordSaveDicomButton.toolTip
    monkeypatch.setattr(sys, "version_info", (3, 9, 10))
    widget.panel.refresh()
    assert "Python 3.10" in ui.cordSaveDicomButton.toolTip


def test_objects_are_of_the_patient_and_on_the_slices(
    ui, from_database, phantom, mark, slicer_host, tmp_path
):
    out = tmp_path / "out"
    out.mkdir()
    mark(phantom.discs)
    ui.cordThresholdSlider.value = 0.3
    slicer_host.answers = [str(out)]
    ui.cordSaveDicomButton.click()

    assert "4 DICOM files were saved" in ui.cordSaveStatus.text
    assert not [path for path in out.iterdir() if CANARY in path.name]
    soft, grid = array_of(study_of(from_database).soft), grid_of(from_database)
    for kind, expected, tolerance in (
        (DicomKind.BINARY, soft >= 0.3, 0),
        (DicomKind.FRACTIONAL, soft, 0.5 / 255 + 1e-6),
        (DicomKind.MAP, soft, 0),
    ):
        back = read_dicom_mask(saved(out, kind))
        assert np.abs(values_on(back, grid) - expected).max() <= tolerance
    assert errors_of(saved(out, DicomKind.BINARY)) == []
    binary = pydicom.dcmread(saved(out, DicomKind.BINARY))
    assert binary.PatientID == PATIENT
    segment = binary.SegmentSequence[0]
    assert segment.SegmentAlgorithmType == "AUTOMATIC"
    algorithm = segment.SegmentationAlgorithmIdentificationSequence[0]
    assert "compact" in algorithm.AlgorithmParameters
    report = highdicom.sr.srread(saved(out, DicomKind.REPORT))
    groups = report.content.get_volumetric_roi_measurement_groups()
    by_name = {group.tracking_identifier: group for group in groups}
    area = by_name["Spinal cord C3"].get_measurements(name=codes.SCT.Area)[0].value
    assert 40 < area < 120


def test_corrected_and_without_discs_and_replaced_after_asking(
    ui, from_database, slicer_host, tmp_path
):
    out = tmp_path / "out"
    out.mkdir()
    slicer_host.answers = [str(out)]
    ui.cordSaveDicomButton.click()
    assert "Mark discs for a report" in ui.cordSaveStatus.text
    assert len(list(out.iterdir())) == 3

    ui.cordCorrectSection.collapsed = False
    paint_voxels(ui, array_of(study_of(from_database).soft) > 0.9, erase=True)
    asked = len(slicer_host.asked)
    ui.cordSaveDicomButton.click()  # our own files are replaced without asking
    assert len(slicer_host.asked) == asked
    binary = pydicom.dcmread(saved(out, DicomKind.BINARY))
    assert binary.SegmentSequence[0].SegmentAlgorithmType == "SEMIAUTOMATIC"

    other = tmp_path / "other"
    other.mkdir()
    theirs = other / saved(out, DicomKind.MAP).name
    theirs.write_bytes(b"another's")
    slicer_host.answers = [str(other), False]
    ui.cordSaveFolderButton.click()
    ui.cordSaveDicomButton.click()
    assert theirs.read_bytes() == b"another's"
    slicer_host.answers = [True]
    ui.cordSaveDicomButton.click()
    assert len(list(other.iterdir())) == 3


def test_a_series_that_is_gone_is_a_sentence(ui, from_database, slicer_host, tmp_path):
    for file in slicer_host.dicom_files.values():
        (tmp_path / "database" / file.rpartition("/")[2]).unlink()
    slicer_host.answers = [str(tmp_path)]
    ui.cordSaveDicomButton.click()

    assert "are not there any more" in ui.cordSaveStatus.text
    assert not list(tmp_path.glob("*.dcm"))


def test_a_saved_mask_is_opened_again(ui, menu, from_database, slicer_host, tmp_path):
    before = array_of(study_of(from_database).soft).copy()
    slicer_host.answers = [str(tmp_path)]
    ui.cordSaveDicomButton.click()
    for kind, tolerance in ((DicomKind.FRACTIONAL, 0.002), (DicomKind.MAP, 0)):
        array_of(study_of(from_database).soft)[...] = 0
        slicer_host.answers = [str(saved(tmp_path, kind))]
        menu.open_mask.trigger()

        after = array_of(study_of(from_database).soft)
        assert np.abs(after - before).max() <= tolerance
        assert after.max() > 0.9


def test_a_mask_of_another_image_is_a_sentence(
    ui, menu, from_database, a_volume, slicer_host, tmp_path
):
    slicer_host.answers = [str(tmp_path)]
    ui.cordSaveDicomButton.click()
    ui.cordImageSelector.setCurrentNode(a_volume("another"))

    slicer_host.answers = [str(saved(tmp_path, DicomKind.MAP))]
    menu.open_mask.trigger()

    assert "do not coincide" in ui.cordRunStatus.text
    assert study_of(ui.cordImageSelector.currentNode()).soft is None
