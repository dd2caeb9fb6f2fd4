"""The top of the panel and the menu behind ⋯, clicked through."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PySide6.QtTest import QTest

from panel_actions import wait_until_measured, while_running
from SoftCordSegLib.errors import InputError, SoftCordSegError
from SoftCordSegLib.scene.box_node import boxes_of
from SoftCordSegLib.scene.soft_mask_node import soft_masks_of
from SoftCordSegLib.scene.study import study_of
from SoftCordSegLib.scene.volume_nodes import array_of, grid_of


def test_without_a_volume_the_button_says_what_to_do(ui):
    assert not ui.cordSegmentButton.enabled
    assert "Choose an MR volume" in ui.cordSegmentButton.toolTip
    assert not ui.cordThresholdSlider.enabled
    assert "Segment the volume first" in ui.cordThresholdSlider.toolTip
    assert not ui.cordProgressBar.visible


def test_a_loaded_volume_is_chosen_and_can_be_segmented(ui, image_node, widget):
    assert ui.cordImageSelector.currentNode() is image_node
    assert widget.panel.parameters.image is image_node
    assert ui.cordSegmentButton.enabled
    assert "Segment" in ui.cordSegmentButton.toolTip


def test_one_click_gives_a_soft_mask_on_the_images_own_grid(ui, image_node):
    ui.cordSegmentButton.click()

    study = study_of(image_node)
    assert ui.cordRunStatus.text.startswith("✓")
    assert grid_of(study.soft).same_as(grid_of(image_node))
    np.testing.assert_array_equal(
        array_of(study.soft) == np.float32(0.9), array_of(image_node) == 500
    )
    assert ui.cordThresholdSlider.enabled
    assert ui.cordThresholdSlider.value == 0.5
    assert ui.cordSegmentButton.text == "Segment again"


def test_while_it_runs_there_is_progress_and_the_rest_is_locked(
    ui, image_node, engine, slicer_host
):
    seen = []
    go_on = threading.Event()
    engine.at_tile = lambda tile: go_on.wait(5) if tile == 2 else None

    def look():
        if ui.cordProgressBar.visible and ui.cordProgressBar.value == 50:
            names = (
                "cordSegmentButton",
                "cordImageSelector",
                "cordThresholdSlider",
                "cordCancelButton",
            )
            seen.append({name: getattr(ui, name).enabled for name in names})
            seen.append(ui.cordRunStatus.text)
            go_on.set()

    while_running(slicer_host, look)
    ui.cordSegmentButton.click()

    assert seen[0] == {
        "cordSegmentButton": False,
        "cordImageSelector": False,
        "cordThresholdSlider": False,
        "cordCancelButton": True,
    }
    assert seen[1] == "Segmenting the cord: tile 3 of 4"
    assert not ui.cordProgressBar.visible
    assert not ui.cordCancelButton.visible
    assert ui.cordSegmentButton.enabled


def test_cancel_in_the_middle_changes_nothing_and_segment_works_again(
    ui, image_node, engine, slicer_host, app
):
    tiles = []
    at_cancel = []
    go_on = threading.Event()

    def slow(tile):
        tiles.append(tile)
        if tile == 1:
            go_on.wait(5)

    engine.at_tile = slow
    before = app.scene.GetNumberOfNodes()

    def press_cancel():
        if tiles == [0, 1] and ui.cordCancelButton.visible and not at_cancel:
            ui.cordCancelButton.click()
            at_cancel.append(ui.cordCancelButton.toolTip)
            go_on.set()

    while_running(slicer_host, press_cancel)
    ui.cordSegmentButton.click()

    assert tiles == [0, 1], "it went on after the tile in which Cancel was pressed"
    assert "Stopping" in at_cancel[0]
    assert "Stopped" in ui.cordRunStatus.text
    assert app.scene.GetNumberOfNodes() == before

    engine.at_tile = lambda tile: None
    ui.cordSegmentButton.click()
    assert ui.cordRunStatus.text.startswith("✓")
    assert len(soft_masks_of(image_node)) == 1


def test_pressing_segment_twice_runs_once(ui, image_node, engine, slicer_host):
    while_running(slicer_host, ui.cordSegmentButton.click)
    ui.cordSegmentButton.click()

    assert len(engine.requests) == 1


def test_an_error_is_a_sentence_in_the_panel_and_no_window(ui, image_node, widget, slicer_host):
    def broken(request, progress):
        raise InputError(
            "The image is constant: every voxel is 7. Check that the right file was exported."
        )

    widget.logic.engine = broken
    ui.cordSegmentButton.click()

    assert "right file was exported" in ui.cordRunStatus.text
    assert "color" in ui.cordRunStatus.styleSheet
    assert slicer_host.shown_errors == []
    assert ui.cordSegmentButton.enabled


def test_an_error_that_nobody_expected_is_shown_with_what_it_says(
    ui, image_node, widget, slicer_host
):
    def broken(request, progress):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    widget.logic.engine = broken
    ui.cordSegmentButton.click()

    assert slicer_host.shown_errors == [
        "The spinal cord could not be segmented.\n\nmat1 and mat2 shapes cannot be multiplied"
    ]
    assert ui.cordSegmentButton.enabled


def test_where_no_cord_is_found_nothing_is_added(ui, a_volume, app):
    a_volume("dark", scale=100)
    before = app.scene.GetNumberOfNodes()
    ui.cordSegmentButton.click()

    assert ui.cordRunStatus.text == "⚠ No spinal cord was found."
    assert app.scene.GetNumberOfNodes() == before
    assert not ui.cordThresholdSlider.enabled


def test_a_second_run_renews_the_mask_in_place_and_leaves_other_volumes_alone(ui, a_volume):
    first, second = a_volume("first"), a_volume("second")
    ui.cordSegmentButton.click()
    ui.cordImageSelector.setCurrentNode(second)
    ui.cordSegmentButton.click()
    array_of(study_of(first).soft)[0, 0, 0] = 0.25
    kept = study_of(second).soft

    ui.cordSegmentButton.click()

    assert array_of(study_of(first).soft)[0, 0, 0] == np.float32(0.25)
    assert soft_masks_of(second) == [kept]


def test_all_volumes_are_segmented_and_one_bad_one_does_not_stop_the_rest(
    ui, a_volume, engine, widget
):
    a_volume("good")
    a_volume("dark", scale=100)
    third = a_volume("also good")
    ui.cordSegmentButton.click()
    requests = len(engine.requests)

    widget.panel.menu.segment_all.trigger()

    assert len(engine.requests) == requests + 2, "the finished one was run again"
    assert study_of(third).soft is not None
    assert ui.cordRunStatus.text.splitlines()[0] == "1 of 2 volumes have a mask now."
    assert "dark: No spinal cord was found." in ui.cordRunStatus.text


def test_cancel_stops_all_that_are_still_to_come(ui, a_volume, engine, slicer_host, widget):
    for name in ("one", "two", "three"):
        a_volume(name)

    def cancel_the_second(tile):
        if len(engine.requests) == 2:
            widget.panel.worker.cancel()

    engine.at_tile = cancel_the_second
    widget.panel.menu.segment_all.trigger()

    assert len(engine.requests) == 2
    assert "1 of 3" in ui.cordRunStatus.text
    assert "Stopped" in ui.cordRunStatus.text


def test_the_box_that_was_looked_at_can_be_shown_moved_and_used(ui, image_node, engine, menu):
    assert not menu.box_shown.enabled
    ui.cordSegmentButton.click()
    (box,) = boxes_of(image_node)
    assert not box.GetDisplayNode().GetVisibility()

    menu.box_shown.trigger()
    assert box.GetDisplayNode().GetVisibility()
    assert not box.GetDisplayNode().GetHandlesInteractive()

    menu.in_box.trigger()
    assert box.GetDisplayNode().GetHandlesInteractive()
    box.SetCenter(1.0, 2.0, 3.0)
    ui.cordSegmentButton.click()
    np.testing.assert_allclose(engine.requests[-1].options.box.center_mm, (1, 2, 3))

    menu.in_box.trigger()
    ui.cordSegmentButton.click()
    assert engine.requests[-1].options.box is None


def test_a_box_can_be_drawn_where_nothing_was_found(ui, a_volume, engine, menu):
    image = a_volume("dark", scale=100)
    ui.cordSegmentButton.click()
    menu.in_box.trigger()

    (box,) = boxes_of(image)
    assert box.GetDisplayNode().GetVisibility()
    ui.cordSegmentButton.click()
    assert engine.requests[-1].options.box is not None


@pytest.mark.parametrize(("index", "device"), [(0, "auto"), (1, "cpu"), (2, "cuda")])
def test_the_device_is_asked_for_and_remembered_on_this_computer(
    ui, image_node, engine, slicer_host, menu, index, device
):
    menu.devices.actions()[index].trigger()
    ui.cordSegmentButton.click()

    assert engine.requests[-1].options.device == device
    assert slicer_host.settings["SoftCordSeg/Device"] == device


def test_a_soft_mask_is_no_image(ui, image_node, widget):
    ui.cordSegmentButton.click()
    with pytest.raises(SoftCordSegError, match="soft mask already"):
        widget.logic.segment(study_of(image_node).soft)


def test_a_mask_whose_image_was_deleted_is_still_no_image(ui, image_node, app, widget):
    ui.cordSegmentButton.click()
    soft = study_of(image_node).soft
    app.scene.RemoveNode(image_node)
    ui.cordImageSelector.setCurrentNode(soft)

    assert ui.cordImageSelector.currentNode() is None
    assert not ui.cordSegmentButton.enabled
    with pytest.raises(SoftCordSegError, match="soft mask already"):
        widget.logic.segment(soft)
    assert widget.logic.first_image(app.scene) is None


@pytest.fixture
def frames(ui, image_node, app):
    """The proxy of a sequence of three frames, chosen, and its browser, at the second frame."""
    browser = app.scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode")
    sequence = app.scene.AddNewNodeByClass("vtkMRMLSequenceNode", "dwi")
    for number in range(3):
        sequence.SetDataNodeAtValue(image_node, str(number))
    browser.AddSynchronizedSequenceNode(sequence.GetID())
    browser.SetSelectedItemNumber(1)
    app.logics["Sequences"].UpdateProxyNodesFromSequences(browser)
    proxy = browser.GetProxyNode(sequence)
    ui.cordImageSelector.setCurrentNode(proxy)
    return proxy, browser


def test_the_shown_frame_of_a_sequence_is_named_and_segmented(ui, frames):
    proxy, _browser = frames
    assert ui.cordRunStatus.text == "Frame 2 of 3 of 'dwi'. Press Segment."
    ui.cordSegmentButton.click()
    assert study_of(proxy).soft is not None


def test_the_mask_of_one_frame_is_not_taken_for_that_of_another(ui, frames, app, slicer_host):
    proxy, browser = frames
    ui.cordSegmentButton.click()
    first = study_of(proxy)
    browser.SetSelectedItemNumber(2)
    app.logics["Sequences"].UpdateProxyNodesFromSequences(browser)
    slicer_host.process_events()

    assert ui.cordRunStatus.text == "Frame 3 of 3 of 'dwi'. Press Segment."
    assert study_of(proxy).soft is None
    assert not ui.cordThresholdSlider.enabled
    ui.cordSegmentButton.click()
    assert study_of(proxy).soft is not first.soft
    browser.SetSelectedItemNumber(1)
    app.logics["Sequences"].UpdateProxyNodesFromSequences(browser)
    slicer_host.process_events()
    assert study_of(proxy).soft is first.soft
    assert ui.cordRunStatus.text.startswith("Frame 2 of 3 of 'dwi'. ✓")


def test_the_keys_that_tooltips_promise_work_over_the_views_and_go_with_the_module(
    ui, image_node, engine, slicer_host, widget
):
    from PySide6 import QtCore, QtTest, QtWidgets

    window = slicer_host.main_window
    view = QtWidgets.QLineEdit(window)  # anything that is not in the panel
    view.show()
    view.setFocus()

    def press_keys():
        slicer_host.process_events()
        QtTest.QTest.keyClick(view, QtCore.Qt.Key_Return, QtCore.Qt.ControlModifier)

    press_keys()
    assert len(engine.requests) == 1
    slicer_host.leave_panel(widget)
    press_keys()
    assert len(engine.requests) == 1
    slicer_host.show_panel(widget)
    press_keys()
    assert len(engine.requests) == 2


# --- models and packages
# -------------------------------------------------------------------------------------------------


def a_bundle(folder, name="mine"):
    from SoftCordSegLib.network import save_bundle
    from SoftCordSegLib.network.unet import UNet, UNetConfig

    state = UNet(UNetConfig((4, 8), ((1, 1, 1), (2, 2, 2)))).state_dict()
    stage = {
        "weights": "models/a.safetensors",
        "features": (4, 8),
        "strides": ((1, 1, 1), (2, 2, 2)),
        "overlap": 0.5,
    }
    stage = {**stage, "activation": "sigmoid", "spacing_mm": 2.0, "tile": (32, 32, 32)}
    inference = {"orientation": "LAS", "locator": stage, "segmenter": stage}
    save_bundle(
        folder / name,
        {"name": name, "version": "1", "license": "MIT"},
        inference,
        {"models/a.safetensors": state},
    )
    return folder / name


def test_a_model_from_a_folder_is_used_and_remembered(
    ui, image_node, engine, slicer_host, menu, tmp_path
):
    folder = a_bundle(tmp_path)
    slicer_host.answers = [str(folder)]
    menu.models.actions()[-1].trigger()

    assert [action.text for action in menu.models.actions() if action.checked] == ["mine 1"]
    ui.cordSegmentButton.click()
    assert engine.requests[-1].model == folder
    assert slicer_host.settings["SoftCordSeg/Model"] == str(folder)


def test_a_folder_that_is_no_model_says_so_and_is_not_taken(ui, slicer_host, menu, tmp_path):
    slicer_host.answers = [str(tmp_path)]
    menu.models.actions()[-1].trigger()

    assert "There is no model bundle" in ui.cordRunStatus.text
    assert "SoftCordSeg/Model" not in slicer_host.settings


def test_choosing_no_folder_changes_nothing(ui, slicer_host, menu):
    slicer_host.answers = [""]
    menu.models.actions()[-1].trigger()
    assert slicer_host.settings == {}


def test_the_panel_says_what_to_do_first(ui, a_volume):
    assert ui.cordRunStatus.text == "No MR volume yet: drop a file or a DICOM folder here, or"
    a_volume()
    assert ui.cordRunStatus.text == "Press Segment."
    ui.cordSegmentButton.click()
    assert ui.cordRunStatus.text.startswith("✓")


def test_missing_packages_are_named_and_installed_on_request(
    slicer_host, module, image_node, monkeypatch, engine
):
    missing, installed = ["nibabel"], []
    monkeypatch.setattr("SoftCordSegLib.panel.panel.missing_packages", lambda path: list(missing))
    widget = slicer_host.open_panel(module)
    assert "nibabel" in widget.ui.cordRunStatus.text
    assert widget.ui.cordInstallButton.visible

    def install(path):
        installed.append(path.name)
        missing.clear()

    monkeypatch.setattr("SoftCordSegLib.panel.run_section.install_missing_packages", install)
    widget.ui.cordInstallButton.click()

    assert installed == ["requirements.txt"]
    assert not widget.ui.cordInstallButton.visible
    assert widget.ui.cordRunStatus.text == "Press Segment."
    slicer_host.close_panel(widget)


def test_a_message_goes_with_the_volume_it_is_about(ui, image_node, a_volume, app, slicer_host):
    other = a_volume("other")
    ui.cordSegmentButton.click()
    assert ui.cordRunStatus.text.startswith("✓")
    ui.cordImageSelector.setCurrentNode(other)
    assert ui.cordRunStatus.text == "Press Segment."
    ui.cordImageSelector.setCurrentNode(image_node)
    app.scene.Clear(False)
    assert ui.cordRunStatus.text == "No MR volume yet: drop a file or a DICOM folder here, or"


def test_a_refusal_goes_when_something_else_is_done(ui, image_node, a_volume):
    ui.cordSegmentButton.click()
    ui.cordCompareButton.click()
    assert "No other volume" in ui.cordMeasureStatus.text
    ui.cordThresholdSlider.value = 0.3
    assert "No other volume" not in ui.cordMeasureStatus.text


def test_our_masks_are_not_offered_as_volumes(ui, image_node, a_volume, app, widget):
    a_volume("other")
    ui.cordSegmentButton.click()
    widget.panel.menu.segment_all.trigger()

    assert app.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 4
    assert ui.cordImageSelector.nodeCount() == 2
    ui.cordImageSelector.setCurrentNode(study_of(image_node).soft)
    assert ui.cordImageSelector.currentNode() is image_node


def test_a_volume_that_cannot_be_segmented_says_why_in_words(ui, app, slicer_host):
    empty = app.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    ui.cordImageSelector.setCurrentNode(empty)

    assert ui.cordRunStatus.visible
    assert "has no voxels" in ui.cordRunStatus.text


def test_progress_and_cancel_take_the_place_of_the_button(ui, image_node, slicer_host, engine):
    seen = []
    engine.at_tile = lambda tile: threading.Event().wait(0.05)

    def look():
        seen.append(
            (ui.cordSegmentButton.visible, ui.cordProgressBar.visible, ui.cordCancelButton.visible)
        )

    while_running(slicer_host, look)
    ui.cordSegmentButton.click()
    assert set(seen) == {(False, True, True)}
    assert ui.cordSegmentButton.visible


def test_an_empty_panel_offers_a_sample_and_every_state_says_what_is_next(
    ui, widget, app, slicer_host
):
    assert ui.cordRunStatus.text.startswith("No MR volume yet: drop a file")
    assert ui.cordSampleButton.visible
    ui.cordSampleButton.click()

    image = widget.panel.parameters.image
    assert image.GetName() == "sub-sample_T2w"
    assert not ui.cordSampleButton.visible
    assert ui.cordRunStatus.text == "Press Segment."
    composite = app.scene.GetFirstNodeByClass("vtkMRMLSliceCompositeNode")
    assert composite is None or composite.GetBackgroundVolumeID() == image.GetID()


@pytest.fixture
def cut_neck(phantom, app, widget, ui, slicer_host):
    """The phantom, whose mask ends in the middle of the image."""
    from SoftCordSegLib.scene.volume_nodes import add_volume, values_on
    from SoftCordSegLib.segmentation import SoftMask
    from SoftCordSegLib.volume import Box

    node = add_volume(app.scene, phantom.image, "sub-phantom_T2w")

    def cut(request, progress):
        values = np.ascontiguousarray(values_on(phantom.truth, request.image.grid))
        grid = request.image.grid
        heights = grid.to_world(np.stack(np.indices(grid.shape), axis=-1))[..., 2]
        values[heights < heights.mean()] = 0
        box = Box.of_grid(request.image.grid)
        return SoftMask(request.image.with_data(values), box, "Spinal cord found.")

    widget.logic.engine = cut
    ui.cordImageSelector.setCurrentNode(node)
    ui.cordSegmentButton.click()
    return node


def test_a_mask_that_ends_inside_the_image_is_a_warning_that_says_where_and_jumps_there(
    ui, cut_neck, widget, phantom, slicer_host
):
    from SoftCordSegLib.segmentation import abrupt_ends
    from SoftCordSegLib.volume import Volume

    study = study_of(cut_neck)
    (end,) = abrupt_ends(Volume(array_of(study.soft), grid_of(study.soft).affine))
    assert ui.cordRunStatus.text.startswith("⚠ 7.9 mL")
    assert f"Ends inside the image, {end.where}." in ui.cordRunStatus.text
    assert ui.cordRunStatus.styleSheet, "a warning has a colour"
    assert ui.cordRunShow.visible
    jumped = []
    widget.panel.views.jump = jumped.append
    ui.cordRunShow.click()
    np.testing.assert_allclose(jumped[0], end.position_mm)


def test_with_discs_the_line_names_levels(ui, cut_neck, widget, phantom, slicer_host):
    from SoftCordSegLib.morphometry import level_name
    from SoftCordSegLib.scene.study import set_disc_labels

    set_disc_labels(cut_neck, phantom.discs)
    widget.panel.refresh()
    wait_until_measured(widget)
    table = study_of(cut_neck).slice_table.GetTable()
    levels, heights = table.GetColumnByName("Level"), table.GetColumnByName("S")
    rows = range(table.GetNumberOfRows())
    lowest = levels.GetValue(min(rows, key=heights.GetValue))
    assert lowest in [level_name(n) for n in range(2, 10)]
    QTest.qWait(400)
    slicer_host.process_events()
    said = ui.cordRunStatus.text
    assert f", C1 to {lowest}. Ends inside the image at {lowest}." in said, said


def test_whole_masks_are_no_warning_and_a_correction_is_mentioned(ui, neck, widget):
    assert ui.cordRunStatus.text.startswith("✓")
    assert "inside the image" not in ui.cordRunStatus.text
    assert not ui.cordRunStatus.styleSheet
    assert not ui.cordRunShow.visible


def test_a_disc_with_a_wrong_name_does_not_hide_what_came_of_the_mask(
    ui, neck, mark, phantom, app, widget
):
    """Its error was raised while the volume was shown, and the rest of the panel kept the former
    one's state.
    """
    from SoftCordSegLib.scene.volume_nodes import add_volume

    mark(phantom.discs)
    wait_until_measured(widget)
    ui.cordImageSelector.setCurrentNode(add_volume(app.scene, phantom.image, "sub-other_T2w"))
    ui.cordSegmentButton.click()
    study_of(neck).discs.SetNthControlPointLabel(0, "nonsense")
    ui.cordImageSelector.setCurrentNode(neck)
    assert ui.cordRunStatus.text.startswith("✓")
    assert "nonsense" in ui.cordLevelsStatus.text
