"""Section "Levels": discs by click, from the image, from files."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from host.pythonqt import unwrap
from panel_actions import choose, press, table_rows, type_name, while_running
from scene.pixels import pixel_of
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.morphometry import DiscLabel, found_remark
from SoftCordSegLib.morphometry.disc_files import FOUND, KNOWN, LocatedDisc
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


@pytest.fixture
def levels(ui, image_node, widget):
    """A function that puts discs every 5 mm into a small volume, the section "Levels" open: the
    list's node.
    """

    def levels(values, confidence=None):
        from SoftCordSegLib.scene.study import set_disc_labels

        discs = [DiscLabel(value, (2.0, 3.0, 35.0 - 5.0 * n)) for n, value in enumerate(values)]
        found = {} if confidence is None else {disc.value: confidence for disc in discs}
        remarks = {disc.value: found_remark(disc, found[disc.value]) for disc in discs if found}
        node = set_disc_labels(image_node, discs, remarks).discs
        widget.panel.refresh()
        ui.cordLevelsSection.collapsed = False
        return node

    return levels


@pytest.mark.parametrize(
    ("first", "names"), [("", "C2/C3 C3/C4 C4/C5"), ("L1", "L1/L2 L2/L3 L3/L4")]
)
def test_discs_are_placed_with_the_mouse_and_the_preview_has_the_name_it_will_get(
    ui, image_node, widget, slicer_host, first, names
):
    ui.cordLevelsSection.collapsed = False
    if first:
        choose(ui.cordNextDiscSelector, first)
    names = names.split()
    assert f"first click is {names[0]}" in ui.cordLevelsStatus.text
    widget.panel.views.jump((10.0, -18.0, 20.0))
    view = slicer_host.drawn("Yellow")
    inner = slicer_host.views.sliceWidget("Yellow").sliceView().VTKWidget()
    press(ui.cordPlaceButton)
    node = study_of(image_node).discs
    for n, name in enumerate(names):
        row, column = pixel_of(view, (10.0, -18.0, 30.0 - 6.0 * n))
        slicer_host.move(inner, (round(column), round(row)))
        assert node.GetNthControlPointPositionStatus(n) == node.PositionPreview
        assert node.GetNthControlPointLabel(n) == name
        slicer_host.click(inner, (round(column), round(row)))
        assert node.GetNthControlPointPositionStatus(n) == node.PositionDefined

    assert [row[0] for row in table_rows(ui)] == names
    assert [float(row[1]) for row in table_rows(ui)] == pytest.approx([30, 24, 18], abs=1.0)
    assert [row[2] for row in table_rows(ui)] == ["marked"] * 3
    slicer_host.move(inner, (20, 20))
    choose(ui.cordNextDiscSelector, "T12")
    assert node.GetNthControlPointLabel(3) == "T12/L1"
    slicer_host.click(inner, (20, 20))
    assert node.GetNthControlPointLabel(3) == "T12/L1"


def test_below_the_last_disc_nothing_is_placed(ui, levels, app):
    import vtk

    node = levels([23, 24])
    interaction = app.application_logic.GetInteractionNode()
    press(ui.cordPlaceButton)
    node.AddControlPointWorld(vtk.vtkVector3d(2, 3, 4))
    assert node.GetNthControlPointLabel(2) == "L5/S1"
    assert interaction.GetCurrentInteractionMode() != interaction.Place


def test_a_double_click_on_a_name_renames_from_there_on(ui, levels):
    node = levels([3, 4, 6, 7], confidence=0.8)
    assert [row[2] for row in table_rows(ui)] == ["80%"] * 4
    type_name(ui, 1, "c4-c5")

    assert [row[0] for row in table_rows(ui)] == ["C2/C3", "C4/C5", "C6/C7", "C7/T1"]
    assert [row[2] for row in table_rows(ui)] == ["80%", "marked", "80%", "80%"]
    assert [disc.value for disc in placed_discs_of(node)] == [5]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("C2/C3", "C2/C3 is in the list already"),
        ("L5/S1", "below L5/S1"),
        ("C4", "is a vertebra, not a disc"),
    ],
)
def test_a_name_that_cannot_be_is_refused(ui, levels, name, words):
    levels([3, 4, 5])
    type_name(ui, 1, name)

    assert words in ui.cordLevelsStatus.text
    assert [row[0] for row in table_rows(ui)] == ["C2/C3", "C3/C4", "C4/C5"]


def test_a_click_on_a_row_shows_the_disc(ui, levels, app, slicer_host):
    levels([3, 4, 5])
    table = ui.cordDiscsTable
    slicer_host.process_events()
    thing = unwrap(table)
    place = thing.visualItemRect(thing.item(2, 1)).center()
    slicer_host.click(thing.viewport(), (place.x(), place.y()))

    red = app.scene.GetNodeByID("vtkMRMLSliceNodeRed")
    assert red.GetSliceOffset() == pytest.approx(25.0)


def test_a_folded_section_says_from_where_to_where(ui, levels):
    levels([3, 4, 5])
    assert ui.cordLevelsSection.text == "Levels"
    ui.cordLevelsSection.collapsed = True
    assert ui.cordLevelsSection.text == "Levels   C2/C3 to C4/C5"


def test_a_doubtful_disc_is_pointed_at(ui, levels):
    levels([3, 4], confidence=0.3)
    assert "Look at C2/C3, C3/C4" in ui.cordLevelsStatus.text


class Search:
    """Stands for the search for discs: gives a labelling, after a while."""

    def __init__(self, labelling, monkeypatch):
        self.labelling, self.known, self.wait = labelling, None, 0.0
        monkeypatch.setattr("SoftCordSegLib.workflows.label_discs.label_volume", self)

    def __call__(self, image, mask, known, progress, *, uncertain_names=False):
        self.known = list(known)
        assert uncertain_names
        threading.Event().wait(self.wait)
        marked = {disc.value: LocatedDisc(disc, KNOWN) for disc in known}
        discs = [marked.get(disc.label.value, disc) for disc in self.labelling.discs]
        return replace(self.labelling, discs=tuple(discs))


@pytest.fixture
def search(ui, image_node, monkeypatch):
    """A segmented volume and a function: values of discs to find, every 5 mm -> ``Search``."""
    from SoftCordSegLib.workflows.label_discs import Labelling, LocatedNaming

    ui.cordSegmentButton.click()
    ui.cordLevelsSection.collapsed = False

    def search(*ways, certain=True):
        namings = []
        for values in ways:
            places = [(2.0, 3.0, 35.0 - 6.0 * n) for n in range(len(values))]
            discs = [
                LocatedDisc(DiscLabel(value, place), FOUND, 0.9)
                for value, place in zip(values, places)
            ]
            namings.append(LocatedNaming(tuple(discs), 0.6 if not namings else 0.3))
        labelling = Labelling(namings[0].discs, None, certain=certain, namings=tuple(namings))
        return Search(labelling, monkeypatch)

    return search


@pytest.mark.parametrize("answer", ["yes", "another", "a name nobody thought of"])
def test_uncertain_names_are_asked_for_with_the_disc_in_view(ui, search, app, image_node, answer):
    search([3, 4, 5, 6], [4, 5, 6, 7], certain=False)
    assert not ui.cordNamesQuestion.visible
    press(ui.cordProposeButton)
    node = study_of(image_node).discs
    assert ui.cordNamesQuestion.text == ("4 discs, but their names are not certain: is this C2/C3?")
    assert app.scene.GetNodeByID("vtkMRMLSliceNodeRed").GetSliceOffset() == pytest.approx(35.0)
    assert placed_discs_of(node) == []
    if answer == "yes":
        press(ui.cordNamesYesButton)
    else:
        choose(ui.cordNamesSelector, "C3/C4" if answer == "another" else "L1")

    first = {"yes": 3, "another": 4}.get(answer, 21)
    assert [disc.value for disc in discs_of(node)] == [first, first + 1, first + 2, first + 3]
    assert [disc.value for disc in placed_discs_of(node)] == [first]
    assert not ui.cordNamesQuestion.visible
    assert not ui.cordNamesYesButton.visible


def test_the_question_of_the_names_comes_back_with_the_scene(ui, search, app, tmp_path):
    from SoftCordSegLib.scene.scene_files import load_scene, save_scene

    search([3, 4, 5, 6], [4, 5, 6, 7], certain=False)
    press(ui.cordProposeButton)
    save_scene(app.scene, tmp_path / "a.mrb")
    app.scene.Clear(False)
    assert not ui.cordNamesQuestion.visible
    load_scene(app.scene, tmp_path / "a.mrb")

    ui.cordLevelsSection.collapsed = True
    assert ui.cordLevelsSection.text == "Levels   C2/C3 to C5/C6, names uncertain"
    ui.cordLevelsSection.collapsed = False
    choose(ui.cordNamesSelector, "C3/C4")
    assert [row[0] for row in table_rows(ui)] == ["C3/C4", "C4/C5", "C5/C6", "C6/C7"]


def test_what_is_changed_while_discs_are_looked_for_wins(ui, search, levels, slicer_host):
    """One disc is moved, one renamed, one placed; what was found there is left out."""
    import vtk

    searching = search([3, 4, 5, 6, 7])
    node, done = levels([3]), []
    press(ui.cordProposeButton)
    assert [disc.value for disc in discs_of(node)] == [3, 4, 5, 6, 7]
    press(ui.cordProposeButton)  # nothing was changed, and all found ones stay
    assert [disc.value for disc in discs_of(node)] == [3, 4, 5, 6, 7]

    def change():
        if not done and searching.known is not None:
            done.append(True)
            node.SetNthControlPointPositionWorld(1, vtk.vtkVector3d(2.0, 3.0, 31.0))
            node.SetNthControlPointLabel(4, "T1/T2")
            node.AddControlPointWorld(vtk.vtkVector3d(2.0, 3.0, 0.0), "T3/T4")

    searching.known, searching.wait = None, 0.1
    while_running(slicer_host, change)
    press(ui.cordProposeButton)

    assert done
    discs = {disc.value: disc.position_mm[2] for disc in discs_of(node)}
    assert discs == {3: 35.0, 4: 31.0, 5: 23.0, 6: 17.0, 9: 11.0, 11: 0.0}
    assert "changed meanwhile stay" in ui.cordLevelsStatus.text


def test_discs_removed_while_they_are_looked_for_stay_away(
    ui, search, levels, slicer_host, app, image_node
):
    searching = search([3, 4, 5])
    node, done = levels([3]), []
    searching.wait = 0.1

    def remove():
        if not done and searching.known is not None:
            done.append(app.scene.RemoveNode(node))

    while_running(slicer_host, remove)
    press(ui.cordProposeButton)
    assert done
    assert study_of(image_node).discs is None
    assert "removed meanwhile" in ui.cordLevelsStatus.text


def test_found_discs_go_to_the_volume_they_were_found_in(
    ui, search, slicer_host, widget, image_node, a_volume
):
    """They were put into the one that was chosen meanwhile: another patient's."""
    searching, other, done = search([3, 4, 5]), a_volume("other neck"), []
    searching.known, searching.wait = None, 0.1

    def choose_other():
        if not done and searching.known is not None:
            done.append(True)
            widget.panel.parameters.image = other  # as by the button [Show] of the views

    while_running(slicer_host, choose_other)
    press(ui.cordProposeButton)
    assert widget.panel.situation.image is other
    assert study_of(other).discs is None
    assert [disc.value for disc in discs_of(study_of(image_node).discs)] == [3, 4, 5]
    assert ui.cordLevelsStatus.text == "3 discs were put into neck."


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
    (tmp_path / "no.mrk.json").write_text("{}", encoding="utf-8")
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
