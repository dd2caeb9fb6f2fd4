"""Section "Levels": discs by click, from the image, from files."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from panel_actions import table_rows, while_running
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.scene.disc_points import discs_of, placed_discs_of
from SoftCordSegLib.scene.study import study_of


def test_discs_are_named_in_their_order_as_they_are_clicked(ui, neck, phantom, app):
    import vtk

    assert "first click is C2/C3" in ui.cordLevelsStatus.text
    ui.cordPlaceButton.click()
    node = study_of(neck).discs
    selection, interaction = (
        app.application_logic.GetSelectionNode(),
        app.application_logic.GetInteractionNode(),
    )
    assert selection.GetActivePlaceNodeID() == node.GetID()
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    assert ui.cordPlaceButton.checked

    for disc in phantom.discs[2:5]:
        node.AddControlPointWorld(vtk.vtkVector3d(*disc.position_mm))

    assert [disc.value for disc in discs_of(node)] == [3, 4, 5]
    assert [row[0] for row in table_rows(ui)] == ["C2/C3", "C3/C4", "C4/C5"]
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

    assert "'C3' is a vertebra, not a disc" in ui.cordLevelsStatus.text


def test_discs_are_found_in_the_image(ui, neck, phantom, mark):
    mark([disc for disc in phantom.discs if disc.value == 3])
    ui.cordProposeButton.click()

    found = {disc.value: np.array(disc.position_mm) for disc in discs_of(study_of(neck).discs)}
    known = {disc.value: np.array(disc.position_mm) for disc in phantom.discs}
    assert "Found:" in ui.cordLevelsStatus.text
    assert len(found) > 3
    assert (
        np.median([abs((found[value] - known[value])[2]) for value in found if value in known]) < 3
    )


def test_found_discs_are_fitted_anew_around_those_that_were_moved(ui, neck, phantom, mark):
    """The marked disc and the moved one stay; the others are fitted to both."""
    import vtk

    mark([disc for disc in phantom.discs if disc.value == 3])
    assert ui.cordProposeButton.text == "Find discs"
    ui.cordProposeButton.click()
    node = study_of(neck).discs
    first = {disc.value: np.array(disc.position_mm) for disc in discs_of(node)}
    assert ui.cordProposeButton.text == "Re-fit"
    assert "moved" in ui.cordProposeButton.toolTip

    moved = first[5] + (0.0, 0.0, -4.0)
    node.SetNthControlPointPositionWorld(list(first).index(5), vtk.vtkVector3d(*moved))
    ui.cordProposeButton.click()

    again = {disc.value: np.array(disc.position_mm) for disc in discs_of(node)}
    np.testing.assert_allclose(again[5], moved)
    np.testing.assert_allclose(again[3], first[3])
    assert set(again) >= {3, 4, 5, 6}
    others = [value for value in again if value not in (3, 5) and value in first]
    assert any(np.linalg.norm(again[value] - first[value]) > 0.2 for value in others), (
        "the others follow"
    )
    assert "C4/C5" not in ui.cordLevelsStatus.text.split("Check")[0]

    ui.cordProposeButton.click()
    once_more = {disc.value: np.array(disc.position_mm) for disc in discs_of(node)}
    np.testing.assert_allclose(
        once_more[5], moved, err_msg="what was moved stays through every later fit"
    )


def test_a_found_disc_that_was_renamed_takes_the_name_from_the_found_one(ui, neck, phantom, mark):
    mark([disc for disc in phantom.discs if disc.value == 3])
    ui.cordProposeButton.click()
    node = study_of(neck).discs
    at = {disc.value: n for n, disc in enumerate(discs_of(node))}
    place = np.zeros(3)
    node.GetNthControlPointPositionWorld(at[5], place)
    node.SetNthControlPointLabel(at[5], "C3/C4")
    node.RemoveNthControlPoint(at[3])
    assert "C3/C4" in [row[0] for row in table_rows(ui)]

    ui.cordProposeButton.click()
    discs = {disc.value: disc.position_mm for disc in discs_of(node)}
    np.testing.assert_allclose(discs[4], place)
    assert discs[3][2] > discs[4][2] > discs[5][2]


def test_renaming_the_marked_disc_puts_all_others_right(ui, neck, phantom, mark):
    """A click on C3/C4 that was named C2/C3 shifts every found disc by one; the new name and a
    second fit mend it.
    """
    from SoftCordSegLib.morphometry import DiscLabel

    truth = {disc.value: np.array(disc.position_mm) for disc in phantom.discs}
    mark([DiscLabel(3, tuple(truth[4]))])
    ui.cordProposeButton.click()
    node = study_of(neck).discs
    values = [disc.value for disc in discs_of(node)]
    assert abs(discs_of(node)[values.index(5)].position_mm[2] - truth[5][2]) > 8

    node.SetNthControlPointLabel(values.index(3), "C3/C4")
    ui.cordProposeButton.click()

    mended = {disc.value: np.array(disc.position_mm) for disc in discs_of(node)}
    np.testing.assert_allclose(mended[4], truth[4])
    assert {3, 5, 6} <= set(mended)
    assert (
        np.median(
            [
                abs((mended[value] - truth[value])[2])
                for value in mended
                if value in truth and value != 4
            ]
        )
        < 3
    )


def test_what_was_found_is_still_known_after_saving_and_loading(
    ui, neck, phantom, mark, slicer_host, tmp_path
):
    mark([disc for disc in phantom.discs if disc.value == 3])
    ui.cordProposeButton.click()
    node, path = study_of(neck).discs, tmp_path / "discs.mrk.json"
    node.AddDefaultStorageNode()
    node.GetStorageNode().SetFileName(str(path))
    assert node.GetStorageNode().WriteData(node)
    ui.cordRemoveDiscsButton.click()
    slicer_host.answers = [str(path)]
    ui.cordLoadDiscsButton.click()

    assert ui.cordProposeButton.text == "Re-fit"
    assert [disc.value for disc in placed_discs_of(study_of(neck).discs)] == [3]


def test_removing_the_discs_offers_to_find_them_again(ui, neck, phantom, mark):
    mark(phantom.discs[2:3])
    tip = ui.cordProposeButton.toolTip
    ui.cordProposeButton.click()
    ui.cordRemoveDiscsButton.click()

    assert ui.cordProposeButton.text == "Find discs"
    assert ui.cordProposeButton.toolTip == tip


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
    np.testing.assert_allclose(
        [disc.position_mm for disc in loaded],
        [disc.position_mm for disc in phantom.discs],
        atol=1.0,
    )


def test_a_file_without_discs_is_a_sentence(ui, neck, slicer_host, tmp_path):
    (tmp_path / "no.mrk.json").write_text("{}")
    slicer_host.answers = [str(tmp_path / "no.mrk.json")]
    ui.cordLoadDiscsButton.click()

    assert "no.mrk.json" in ui.cordLevelsStatus.text


def test_while_discs_are_looked_for_the_rest_is_locked(
    ui, neck, phantom, mark, slicer_host, monkeypatch
):
    seen = []

    def slow(image, mask, known, progress):
        threading.Event().wait(0.2)
        raise InputError("The slices are 5.0 mm thick, too thick to see discs in.")

    monkeypatch.setattr("SoftCordSegLib.morphometry.propose_discs", slow)
    mark(phantom.discs[:3])
    while_running(
        slicer_host,
        lambda: seen.append((ui.cordSegmentButton.enabled, ui.cordCancelButton.visible)),
    )
    ui.cordProposeButton.click()

    assert seen[0] == (False, True)
    assert "too thick" in ui.cordLevelsStatus.text
    assert ui.cordSegmentButton.enabled
    assert not ui.cordCancelButton.visible
