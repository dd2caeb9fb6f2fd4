"""The views while the panel is used: layouts, the cord in the middle, and who is on screen."""

from __future__ import annotations

import types

import numpy as np
import pytest

from panel_actions import click_title
from SoftCordSegLib.scene.cord_layouts import LAYOUTS
from SoftCordSegLib.scene.view_placement import pixel_of_view, plane_of, show_width


@pytest.fixture
def layout_node(app):
    return app.scene.GetFirstNodeByClass("vtkMRMLLayoutNode")


def middle_of(node) -> np.ndarray:
    return np.array(node.GetDimensions()[:2]) / 2


def test_after_segment_the_cord_is_in_the_middle_and_stays_there(neck, widget, slicer_host):
    axial = widget.panel.views.axial_node
    line = widget.panel.views.line_of(widget.panel.situation.study)
    slicer_host.process_events()  # Qt lays the views out
    assert axial.GetFieldOfView()[0] == pytest.approx(50.0)
    for node in (axial, widget.panel.views.sagittal_node, widget.panel.views.coronal_node):
        assert pixel_of_view(node, line.middle) == pytest.approx(middle_of(node), abs=0.01)

    told = []
    widget.panel.views.watch(lambda: told.append(widget.panel.views.axial_height_mm))
    axial.SetSliceOffset(30.0)
    slicer_host.process_events()
    assert told == [pytest.approx(30.0)]
    assert pixel_of_view(axial, line.at_height(30.0)) == pytest.approx(middle_of(axial), abs=0.01)


def test_nothing_is_done_to_the_views_once_the_module_is_left(neck, widget, slicer_host):
    axial = widget.panel.views.axial_node
    slicer_host.leave_panel(widget)
    before = plane_of(axial)[0]
    axial.SetSliceOffset(40.0)
    slicer_host.process_events()
    assert np.abs(plane_of(axial)[0] - before)[:2].max() < 1e-9


def test_our_layouts_are_shown_and_left(widget, layout_node):
    widget.panel.views.show_layout("cord")
    assert layout_node.GetViewArrangement() == LAYOUTS["cord"]
    widget.panel.views.leave_layout()
    assert layout_node.GetViewArrangement() == layout_node.SlicerLayoutFourUpView


def segment(ui, image) -> None:
    ui.cordImageSelector.setCurrentNode(image)
    ui.cordSegmentButton.click()


def pictures(slicer_host) -> dict:
    """All views as they are drawn."""
    return {view: slicer_host.picture(view) for view in ("Red", "Yellow", "Green", "1")}


def coloured(picture: np.ndarray) -> np.ndarray:
    """Pixels that are not grey: images are."""
    return np.ptp(picture.astype(int), axis=-1) > 20


def everything_of(image, widget) -> None:
    """Show all that can be drawn of an image."""
    from SoftCordSegLib.morphometry import DiscLabel
    from SoftCordSegLib.scene.study import set_disc_labels

    set_disc_labels(image, [DiscLabel(3, (10.0, -20.0, 20.0)), DiscLabel(4, (10.0, -20.0, 14.0))])
    widget.ui.cordSurfaceCheck.click()
    widget.panel.parameters.boxShown = True
    widget.panel.refresh()


def test_nothing_of_one_patient_is_drawn_once_another_is_chosen(a_volume, ui, widget, slicer_host):
    from SoftCordSegLib.scene.study import study_of

    one, two = a_volume("sub-01"), a_volume("sub-02")
    segment(ui, one)
    slicer_host.process_events()
    everything_of(one, widget)
    before = pictures(slicer_host)
    assert all(coloured(before[view]).sum() > 20 for view in ("Red", "Yellow", "Green"))

    ui.cordImageSelector.setCurrentNode(two)
    slicer_host.process_events()
    after = pictures(slicer_host)
    for view in ("Red", "Yellow", "Green"):
        assert not coloured(after[view]).any(), view
    ui.cordImageSelector.setCurrentNode(one)
    slicer_host.process_events()
    again = pictures(slicer_host)
    for view, picture in before.items():
        assert np.array_equal(again[view], picture), view

    ui.cordImageSelector.setCurrentNode(two)
    for node in study_of(one).results:
        widget.panel.scene.RemoveNode(node)
    without = slicer_host.picture("1")
    assert np.array_equal(without, after["1"])
    assert not np.array_equal(without, before["1"])


def test_each_patient_has_its_own_mask_on_screen(a_volume, ui, slicer_host):
    one, two = a_volume("sub-01"), a_volume("sub-02")
    segment(ui, one)
    segment(ui, two)
    shown = {image: _visible(image) for image in (one, two)}
    assert (shown[one], shown[two]) == (False, True)
    ui.cordImageSelector.setCurrentNode(one)
    assert (_visible(one), _visible(two)) == (True, False)


def test_what_the_user_has_hidden_stays_hidden(a_volume, ui):
    from SoftCordSegLib.scene.study import study_of

    one, two = a_volume("sub-01"), a_volume("sub-02")
    segment(ui, one)
    study_of(one).view.node.GetDisplayNode().SetVisibility(False)
    ui.cordImageSelector.setCurrentNode(two)
    ui.cordImageSelector.setCurrentNode(one)
    assert not _visible(one)


def _visible(image) -> bool:
    from SoftCordSegLib.scene.study import study_of

    return bool(study_of(image).view.node.GetDisplayNode().GetVisibility())


def show_by_slicer(image) -> None:
    """As Slicer does when a volume is loaded, or chosen in a slice view."""
    import slicer

    logic = slicer.app.applicationLogic()
    logic.GetSelectionNode().SetActiveVolumeID(image.GetID())
    logic.PropagateVolumeSelection()


def test_a_volume_loaded_into_the_views_is_offered_and_hides_the_mask(
    a_volume, ui, widget, slicer_host
):
    one, two = a_volume("sub-01"), a_volume("sub-02", scale=400)
    segment(ui, one)
    show_by_slicer(two)

    assert not _visible(one)
    assert not any(coloured(slicer_host.picture(view)).any() for view in ("Red", "Yellow"))
    assert "sub-02" in ui.cordRunStatus.text
    assert widget.panel.situation.image is one

    ui.cordRunShow.click()
    assert widget.panel.situation.image is two
    assert "sub-02" not in ui.cordRunStatus.text


def test_the_offer_ends_when_the_views_show_the_chosen_volume_again(a_volume, ui):
    one, two = a_volume("sub-01"), a_volume("sub-02")
    segment(ui, one)
    show_by_slicer(two)
    show_by_slicer(one)
    assert _visible(one)
    assert "sub-02" not in ui.cordRunStatus.text


def test_one_view_with_another_volume_draws_no_mask_at_all(a_volume, ui, app):
    from SoftCordSegLib.scene.view_placement import composite_node_of

    one, two = a_volume("sub-01"), a_volume("sub-02")
    segment(ui, one)
    composite_node_of(app.scene, "Red").SetBackgroundVolumeID(two.GetID())
    assert not _visible(one)
    ui.cordRunShow.click()
    assert _visible(one)
    assert composite_node_of(app.scene, "Red").GetBackgroundVolumeID() == one.GetID()


def test_the_first_segment_brings_our_layout_and_leaving_the_module_the_former_one(
    a_volume, ui, widget, slicer_host, layout_node
):
    layout_node.SetViewArrangement(layout_node.SlicerLayoutConventionalView)
    segment(ui, a_volume())
    assert widget.panel.views.layout == "cord"
    slicer_host.leave_panel(widget)
    assert layout_node.GetViewArrangement() == layout_node.SlicerLayoutConventionalView
    slicer_host.show_panel(widget)
    assert widget.panel.views.layout == "cord"

    slicer_host.leave_panel(widget)
    layout_node.SetViewArrangement(layout_node.SlicerLayoutOneUp3DView)
    slicer_host.show_panel(widget)
    assert layout_node.GetViewArrangement() == layout_node.SlicerLayoutOneUp3DView


def test_a_layout_that_the_user_has_chosen_is_not_taken(a_volume, ui, layout_node):
    layout_node.SetViewArrangement(layout_node.SlicerLayoutOneUpYellowSliceView)
    segment(ui, a_volume())
    assert layout_node.GetViewArrangement() == layout_node.SlicerLayoutOneUpYellowSliceView


def test_who_has_left_our_layout_does_not_get_it_again(a_volume, ui, widget, app, layout_node):
    segment(ui, a_volume("one"))
    widget.panel.views.leave_layout()
    segment(ui, a_volume("two"))
    assert widget.panel.views.layout is None
    app.scene.Clear(False)
    segment(ui, a_volume("three"))
    assert widget.panel.views.layout is None


def test_correct_brings_its_layout_and_cord_comes_back(neck, ui, widget, slicer_host, layout_node):
    views = widget.panel.views
    offset = views.axial_node.GetSliceOffset()
    for other in ("Correct", "Levels"):  # folded by a click on it, and by opening another one
        click_title(ui, "Correct")
        assert views.layout == "correct"
        assert views.axial_node.GetSliceOffset() == offset
        slicer_host.leave_panel(widget)
        widget.enter()
        assert views.layout == "correct"
        click_title(ui, other)
        assert views.layout == "cord"


def test_correct_leaves_a_layout_that_the_user_has_chosen(neck, ui, widget, layout_node):
    views, four_up = widget.panel.views, layout_node.SlicerLayoutFourUpView
    layout_node.SetViewArrangement(four_up)
    for _ in range(2):
        click_title(ui, "Correct")
        assert layout_node.GetViewArrangement() == four_up
    views.show_layout("correct")
    for _ in range(2):
        click_title(ui, "Correct")
        assert views.layout == "correct"
    views.show_layout("cord")
    click_title(ui, "Correct")
    layout_node.SetViewArrangement(four_up)  # Slicer's menu
    layout_node.SetViewArrangement(LAYOUTS["correct"])
    click_title(ui, "Correct")
    assert views.layout == "correct"


def test_our_layouts_are_in_slicers_menu_once(a_volume, ui, widget, slicer_host, module):
    import slicer

    another = slicer_host.open_panel(module)
    bar = slicer.util.mainWindow().findChild("QToolBar", "ViewToolBar")
    menu = bar.widgetForAction(bar.actions()[0]).menu()
    entries = {action.text: action for action in menu.actions()}
    assert [action.data() for action in menu.actions()].count(LAYOUTS["cord"]) == 1
    entries["Spinal cord"].trigger()
    assert widget.panel.views.layout == "cord"
    slicer_host.close_panel(another)
    slicer_host.opened = widget


def test_the_profile_stands_beside_the_sagittal_view(widget, slicer_host):
    from host.pythonqt import unwrap
    from SoftCordSegLib.panel.own_layouts import profile_holder

    widget.panel.views.show_layout("cord")
    slicer_host.process_events()
    holder = unwrap(profile_holder())
    assert holder.isVisible()
    assert holder.height() == unwrap(slicer_host.views.sliceWidget("Yellow")).height()


def test_a_view_that_the_user_has_turned_is_turned_only_in_our_layout(
    a_volume, ui, widget, layout_node
):
    axial = widget.panel.views.axial_node
    axial.SetOrientation("Coronal")
    segment(ui, a_volume())
    assert axial.GetOrientation() == "Axial"
    widget.panel.views.leave_layout()
    assert axial.GetOrientation() == "Coronal"


def test_the_axial_view_at_right_angles_to_the_cord(neck, widget, slicer_host):
    views = widget.panel.views
    line = views.line_of(widget.panel.situation.study)
    widget.panel.menu.square.trigger()
    assert widget.panel.parameters.squareToCord
    origin, normal = plane_of(views.axial_node)
    assert normal @ line.crossing(origin, normal)[1] == pytest.approx(1.0)
    slicer_host.leave_panel(widget)
    assert views.axial_node.GetOrientation() == "Axial"
    slicer_host.show_panel(widget)
    assert views.axial_node.GetOrientation() == "Reformat"
    widget.panel.parameters.squareToCord = False
    assert views.axial_node.GetOrientation() == "Axial"


def test_a_scene_is_closed_while_the_axial_view_lies_askew(neck, widget, app, slicer_host):
    widget.panel.parameters.squareToCord = True
    axial = widget.panel.views.axial_node
    assert axial.GetOrientation() == "Reformat"
    app.scene.Clear(False)
    assert axial.GetOrientation() == "Axial"


def test_the_axial_view_does_not_follow_where_it_is_not_to(neck, widget, slicer_host):
    widget.panel.menu.follow.trigger()
    assert not widget.panel.parameters.followCord
    axial = widget.panel.views.axial_node
    before = plane_of(axial)[0]
    axial.SetSliceOffset(40.0)
    slicer_host.process_events()
    assert plane_of(axial)[0][:2] == pytest.approx(before[:2])


def test_the_3d_view_looks_at_the_cord(neck, widget, slicer_host):
    before = slicer_host.picture("1")
    widget.ui.cordSurfaceCheck.click()
    cord = (slicer_host.picture("1") != before).any(axis=-1)
    rows, columns = np.nonzero(cord)
    height, width = cord.shape
    assert np.ptp(rows) > 0.6 * height
    assert abs((rows.min() + rows.max()) / 2 - height / 2) < 0.1 * height
    assert 0 < rows.min() < rows.max() < height - 1


def test_a_saved_scene_brings_layout_and_choices_back(neck, widget, app, tmp_path):
    from SoftCordSegLib.scene.scene_files import load_scene, save_scene

    axial = widget.panel.views.axial_node
    widget.panel.parameters.squareToCord = True
    before = plane_of(axial)
    save_scene(app.scene, tmp_path / "study.mrb")
    widget.panel.views.leave_layout()
    app.scene.Clear(False)
    load_scene(app.scene, tmp_path / "study.mrb")
    assert widget.panel.views.layout == "cord"
    assert widget.panel.parameters.squareToCord
    assert plane_of(widget.panel.views.axial_node)[0] == pytest.approx(before[0], abs=1e-3)


@pytest.fixture
def contrasts(a_volume, ui):
    """Two segmented contrasts of one participant, and a volume of another."""
    images = [a_volume(name) for name in ("sub-01_T2w", "sub-01_T2star", "sub-02_T2w")]
    for image in images:
        segment(ui, image)
    ui.cordImageSelector.setCurrentNode(images[0])
    return images


def background(app, view: str):
    from SoftCordSegLib.scene.view_placement import composite_node_of

    return app.scene.GetNodeByID(composite_node_of(app.scene, view).GetBackgroundVolumeID())


def test_contrasts_of_one_participant_side_by_side(contrasts, widget, app, slicer_host):
    one, two, other = contrasts
    views = widget.panel.views
    views.show_layout("compare")
    slicer_host.process_events()

    assert [study.image for study in views.compared] == [one, two]
    assert [background(app, view) for view in ("Yellow", "CordYellow2")] == [one, two]
    assert [_visible(image) for image in contrasts] == [True, True, False]
    for view in ("Yellow", "CordYellow2", "Red", "CordRed2"):
        widget_of_view = slicer_host.views.sliceWidget(view)
        assert widget_of_view.isVisible()
        assert widget_of_view.width() >= 318  # 320 and a splitter

    slicer_host.leave_panel(widget)
    assert [_visible(image) for image in contrasts] == [True, False, False]
    slicer_host.show_panel(widget)
    assert [_visible(image) for image in contrasts] == [True, True, False]
    views.leave_layout()
    assert [_visible(image) for image in contrasts] == [True, False, False]
    assert views.compared == []


def test_a_participant_with_one_volume_is_not_compared(contrasts, ui, widget):
    widget.panel.views.show_layout("compare")
    ui.cordImageSelector.setCurrentNode(contrasts[2])
    assert widget.panel.views.layout == "cord"
    assert [_visible(image) for image in contrasts] == [False, False, True]


def test_compared_views_are_at_one_place_whichever_is_moved(contrasts, widget, app, slicer_host):
    widget.panel.views.show_layout("compare")
    slicer_host.process_events()
    red, red_2 = (slicer_host.views.sliceWidget(n).mrmlSliceNode() for n in ("Red", "CordRed2"))
    for node, offset in ((red, 20.0), (red_2, 14.0)):
        node.SetSliceOffset(offset)
        slicer_host.process_events()
        assert plane_of(red)[0] == pytest.approx(plane_of(red_2)[0])
        assert plane_of(red)[0][2] == pytest.approx(offset)
    show_width(red_2, 30.0)
    slicer_host.process_events()
    assert red.GetFieldOfView()[0] / red.GetDimensions()[0] == pytest.approx(
        30.0 / red_2.GetDimensions()[0]
    )


def test_a_volume_loaded_meanwhile_does_not_take_the_place_of_a_compared_one(
    contrasts, widget, app, a_volume
):
    widget.panel.views.show_layout("compare")
    show_by_slicer(a_volume("sub-03_T2w"))
    assert background(app, "CordYellow2") is contrasts[1]


def test_with_nothing_to_compare_a_sentence_says_so(a_volume, ui, widget, layout_node):
    from SoftCordSegLib.errors import InputError

    segment(ui, a_volume("sub-01_T2w"))
    with pytest.raises(InputError, match="No other volume of this participant"):
        widget.panel.views.show_layout("compare")
    layout_node.SetViewArrangement(LAYOUTS["compare"])
    assert "No other volume of this participant" in ui.cordRunStatus.text


def test_three_contrasts_where_there_is_room(contrasts, a_volume, ui, widget, slicer_host, app):
    segment(ui, a_volume("sub-01_T1w"))
    ui.cordImageSelector.setCurrentNode(contrasts[0])
    slicer_host.main_window.resize(1800, 900)
    slicer_host.process_events()
    widget.panel.views.show_layout("compare")
    slicer_host.process_events()
    assert len(widget.panel.views.compared) == 3
    assert background(app, "CordRed3").GetName() == "sub-01_T1w"
    assert slicer_host.views.sliceWidget("CordYellow3").width() >= 318


def test_another_participant_is_gone_to_and_another_contrast_is_not(neck, widget, app, a_volume):
    axial = widget.panel.views.axial_node
    before = plane_of(axial)[0]
    contrast = a_volume("sub-phantom_T1w")
    widget.ui.cordImageSelector.setCurrentNode(contrast)
    assert plane_of(axial)[0] == pytest.approx(before)
    widget.ui.cordImageSelector.setCurrentNode(a_volume("sub-02_T2w"))
    bounds = np.zeros(6)
    contrast.GetRASBounds(bounds)
    assert plane_of(axial)[0] == pytest.approx(bounds.reshape(3, 2).mean(axis=1), abs=3.0)


def test_a_layout_of_ours_is_known_before_the_panel_is_opened(slicer_host, module, layout_node):
    module.SoftCordSeg(types.SimpleNamespace())
    for started in slicer_host.started:
        started()
    layout_node.SetViewArrangement(LAYOUTS["cord"])
    assert not slicer_host.slot_errors
    assert slicer_host.views.sliceWidget("Yellow").isVisible()


def test_views_of_the_user_are_not_filled(a_volume, ui, widget, app, layout_node):
    from SoftCordSegLib.scene.view_placement import composite_node_of

    layout_node.SetViewArrangement(layout_node.SlicerLayoutThreeOverThreeView)
    one, two = a_volume("sub-01"), a_volume("sub-02")
    composite_node_of(app.scene, "Red+").SetBackgroundVolumeID(two.GetID())
    segment(ui, one)
    assert composite_node_of(app.scene, "Red+").GetBackgroundVolumeID() == two.GetID()
    assert _visible(one)


def test_a_saved_scene_keeps_what_its_views_show(a_volume, ui, widget, app, tmp_path):
    from SoftCordSegLib.scene.scene_files import load_scene, save_scene
    from SoftCordSegLib.scene.view_placement import composite_node_of

    one, two = a_volume("sub-01"), a_volume("sub-02")
    segment(ui, one)
    show_by_slicer(two)
    save_scene(app.scene, tmp_path / "study.mrb")
    app.scene.Clear(False)
    load_scene(app.scene, tmp_path / "study.mrb")
    shown = app.scene.GetNodeByID(composite_node_of(app.scene, "Red").GetBackgroundVolumeID())
    assert shown.GetName() == "sub-02"
    assert ui.cordImageSelector.currentNode().GetName() == "sub-01"
    assert not _visible(ui.cordImageSelector.currentNode())
