"""Section "Levels": discs by click, from the image, from files."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from panel_actions import while_running
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.scene.discs import discs_of
from SoftCordSegLib.scene.study import study_of


def test_discs_are_named_in_their_order_as_they_are_clicked(ui, neck, phantom, app):
    import vtk

    assert "first click is C2/C3" in ui.cordDiscsNote.text
    ui.cordPlaceButton.click()
    node = study_of(neck).discs
    selection, interaction = app.application_logic.GetSelectionNode(), app.application_logic.GetInteractionNode()
    assert selection.GetActivePlaceNodeID() == node.GetID()
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    assert ui.cordPlaceButton.checked

    for disc in phantom.discs[2:5]:
        node.AddControlPointWorld(vtk.vtkVector3d(*disc.position_mm))

    assert [disc.value for disc in discs_of(node)] == [3, 4, 5]
    assert ui.cordDiscsNote.text == "C2/C3, C3/C4, C4/C5"
    node.SetNthControlPointLabel(0, "C5/C6")
    node.RemoveNthControlPoint(2)
    node.AddControlPointWorld(vtk.vtkVector3d(0, 0, 0))
    assert node.GetNthControlPointLabel(2) == "C6/C7", "the next one is the one below the lowest"

    interaction.SwitchToViewTransformMode()
    assert not ui.cordPlaceButton.checked


def test_a_second_click_or_another_module_ends_placing(ui, neck, app, widget):
    interaction = app.application_logic.GetInteractionNode()
    ui.cordPlaceButton.click()
    ui.cordPlaceButton.click()
    assert interaction.GetCurrentInteractionMode() != interaction.Place
    ui.cordPlaceButton.click()
    widget.exit()
    assert interaction.GetCurrentInteractionMode() != interaction.Place


def test_a_name_that_is_no_disc_is_said(ui, neck, phantom, mark):
    mark(phantom.discs)
    study_of(neck).discs.SetNthControlPointLabel(0, "C3")

    assert "'C3' is a vertebra, not a disc" in ui.cordDiscsNote.text


def test_discs_are_found_in_the_image(ui, neck, phantom, mark):
    mark([disc for disc in phantom.discs if disc.value == 3])
    ui.cordProposeButton.click()

    found = {disc.value: np.array(disc.position_mm) for disc in discs_of(study_of(neck).discs)}
    known = {disc.value: np.array(disc.position_mm) for disc in phantom.discs}
    assert "Found:" in ui.cordMessageLabel.text
    assert len(found) > 3
    assert np.median([abs((found[value] - known[value])[2]) for value in found if value in known]) < 3


@pytest.mark.parametrize("ending", ["mrk.json", "nii.gz"])
def test_discs_are_saved_and_loaded(ui, neck, phantom, slicer_host, tmp_path, ending, mark):
    mark(phantom.discs)
    if ending == "nii.gz":
        slicer_host.answers = [str(tmp_path)]
        ui.cordSaveButton.click()
        path = tmp_path / "sub-phantom_T2w_label-discs_dlabel.nii.gz"
    else:
        path = tmp_path / "discs.mrk.json"
        node = study_of(neck).discs
        node.AddDefaultStorageNode()
        node.GetStorageNode().SetFileName(str(path))
        assert node.GetStorageNode().WriteData(node)
    ui.cordRemoveDiscsButton.click()
    assert study_of(neck).discs is None
    assert not ui.cordRemoveDiscsButton.enabled

    slicer_host.answers = [str(path)]
    ui.cordLoadDiscsButton.click()
    loaded = discs_of(study_of(neck).discs)
    assert [disc.value for disc in loaded] == [disc.value for disc in phantom.discs]
    np.testing.assert_allclose([disc.position_mm for disc in loaded], [disc.position_mm for disc in phantom.discs], atol=1.0)


def test_a_file_without_discs_is_a_sentence(ui, neck, slicer_host, tmp_path):
    (tmp_path / "no.mrk.json").write_text("{}")
    slicer_host.answers = [str(tmp_path / "no.mrk.json")]
    ui.cordLoadDiscsButton.click()

    assert "no.mrk.json" in ui.cordMessageLabel.text


def test_while_discs_are_looked_for_the_rest_is_locked(ui, neck, phantom, mark, slicer_host, monkeypatch):
    seen = []

    def slow(image, mask, known):
        threading.Event().wait(0.2)
        raise InputError("The slices are 5.0 mm thick, too thick to see discs in.")

    monkeypatch.setattr("SoftCordSegLib.morphometry.propose_discs", slow)
    mark(phantom.discs[:3])
    while_running(slicer_host, lambda: seen.append((ui.cordSegmentButton.enabled, ui.cordCancelButton.visible)))
    ui.cordProposeButton.click()

    assert seen[0] == (False, True)
    assert "too thick" in ui.cordMessageLabel.text
    assert ui.cordSegmentButton.enabled
    assert not ui.cordCancelButton.visible
