"""Closing, loading, deleting, reloading: at any moment, without an error, and nothing left
behind.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

from panel.deleting import check_after_deleting
from panel_actions import paint_voxels, wait_until_measured, while_running
from SoftCordSegLib.scene.scene_files import load_scene, save_scene
from SoftCordSegLib.scene.study import study_of
from SoftCordSegLib.scene.volume_nodes import array_of


def test_closing_the_scene_leaves_nothing_to_press(ui, image_node, app, widget):
    ui.cordSegmentButton.click()
    app.scene.Clear(False)

    assert widget.panel.parameters is not None, "the panel is shown, so it has a new parameter node"
    assert widget.panel.parameters.image is None
    assert not ui.cordSegmentButton.enabled
    assert not ui.cordThresholdSlider.enabled


def test_a_parameter_node_that_was_let_go_is_not_written_to_any_more(ui, image_node, widget, app):
    old = widget.panel.parameters
    app.scene.Clear(False)
    new = widget.panel.parameters
    assert new is not old
    writes = []
    old._set = lambda name, value: writes.append(name)
    ui.cordSurfaceCheck.checked = False

    assert new.surfaceShown is False
    assert writes == []


def test_closing_the_scene_while_another_module_is_shown(ui, image_node, app, widget):
    ui.cordSegmentButton.click()
    widget.exit()
    widget.parent.hide()
    app.scene.Clear(False)

    assert widget.panel.parameters is None
    ui.cordThresholdSlider.value = 0.2  # whatever is told to the panel now must not matter
    ui.cordSegmentButton.click()
    widget.parent.show()
    widget.enter()
    assert widget.panel.parameters is not None


@pytest.mark.parametrize("what", ["image", "soft", "view", "box", "parameters"])
def test_any_node_may_go_at_any_time(ui, image_node, app, widget, what):
    ui.cordSegmentButton.click()
    study = study_of(image_node)
    node = {
        "image": image_node,
        "soft": study.soft,
        "view": study.view.node,
        "box": study.box,
        "parameters": widget.panel.parameters.parameterNode,
    }[what]
    app.scene.RemoveNode(node)
    ui.cordThresholdSlider.value = 0.3
    ui.cordSoftRadio.click()
    widget.panel.menu.box_shown.trigger()
    ui.cordSurfaceCheck.click()
    widget.exit()
    widget.enter()

    if what != "image":
        ui.cordSegmentButton.click()
        assert ui.cordRunStatus.text.startswith("✓")
        assert study_of(image_node).view is not None


@pytest.mark.parametrize("what", ["view display", "view", "edit_map", "discs", "summary_table"])
def test_what_is_deleted_in_the_module_data_is_made_again_or_done_without(
    ui, neck, app, widget, mark, phantom, slicer_host, what
):
    check_after_deleting(ui, neck, app, widget, mark, phantom, slicer_host, what)


def test_nothing_hidden_stays_when_the_mask_is_deleted(ui, neck, app, widget, slicer_host):
    ui.cordCorrectSection.collapsed = False
    voxels = np.zeros(neck.GetImageData().GetDimensions(), bool)
    voxels[2:5, 2:5, 2:5] = True
    paint_voxels(ui, voxels)
    ui.cordEditsCheck.click()
    wait_until_measured(widget)
    app.scene.RemoveNode(study_of(neck).soft)
    slicer_host.process_events()

    hidden = [
        node.GetName()
        for node in app.scene.GetNodes()
        if node.GetAttribute("SoftCordSeg.Hidden") is not None
    ]
    assert hidden == []


@pytest.mark.parametrize("how", ["delete", "close"])
def test_what_goes_while_the_network_works_is_a_sentence(
    ui, image_node, app, engine, slicer_host, how
):
    done = []

    def take_away():
        if engine.requests and not done:
            done.append(True)
            app.scene.RemoveNode(image_node) if how == "delete" else app.scene.Clear(False)

    while_running(slicer_host, take_away)
    engine.at_tile = lambda tile: threading.Event().wait(0.05)
    ui.cordSegmentButton.click()

    assert ui.cordRunStatus.text in (
        "The volume was deleted while it was being segmented. Nothing was added.",
        "Stopped. Nothing was changed.",
    )
    assert app.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert not ui.cordSegmentButton.enabled


def test_a_saved_scene_opens_with_the_panel_restored(
    ui, image_node, app, tmp_path, widget, slicer_host
):
    ui.cordSegmentButton.click()
    ui.cordThresholdSlider.value = 0.3
    ui.cordSurfaceCheck.click()
    ui.cordFilledRadio.click()
    save_scene(app.scene, tmp_path / "a.mrb")
    app.scene.Clear(False)
    assert ui.cordContoursRadio.checked

    load_scene(app.scene, tmp_path / "a.mrb")

    parameters = widget.panel.parameters
    assert parameters.image is not None, (
        "node parameters read None after an import until Modified()"
    )
    assert parameters.image.GetName() == "neck"
    assert ui.cordImageSelector.currentNode() is parameters.image
    assert ui.cordThresholdSlider.value == 0.3
    assert ui.cordFilledRadio.checked
    assert not ui.cordSurfaceCheck.checked
    assert ui.cordSegmentButton.text == "Segment again"


@pytest.mark.parametrize("clear", [True, False])
def test_a_loaded_scene_chooses_the_volume_that_was_chosen_not_the_first(
    ui, a_volume, app, widget, tmp_path, clear
):

    a_volume("first")
    second = a_volume("second")
    ui.cordImageSelector.setCurrentNode(second)
    ui.cordSegmentButton.click()
    ui.cordCorrectSection.collapsed = False
    voxels = np.zeros(array_of(second).shape, bool)
    voxels[14:17, 9:11, 4:7] = True
    paint_voxels(ui, voxels)
    save_scene(app.scene, tmp_path / "a.mrb")
    ui.cordImageSelector.setCurrentNode(app.scene.GetFirstNodeByName("first"))
    load_scene(app.scene, tmp_path / "a.mrb", clear=clear)

    assert widget.panel.parameters.image.GetName().startswith("second")
    assert ui.cordImageSelector.currentNode() is widget.panel.parameters.image
    assert "raised" in ui.cordCorrectStatus.text


def test_a_reload_leaves_no_observer_no_thread_and_no_panel_behind(
    slicer_host, module, image_node, engine, app
):
    widget = slicer_host.open_panel(module)
    widget.logic.engine = engine
    widget.ui.cordSegmentButton.click()
    panel = weakref.ref(widget.panel)
    assert any(thread.name == "SoftCordSeg" for thread in threading.enumerate())

    slicer_host.close_panel(widget)

    assert widget.Observations == []
    assert not any(
        thread.name == "SoftCordSeg" and thread.is_alive() for thread in threading.enumerate()
    )
    widget.panel = None
    slicer_host.close()
    del widget
    gc.collect()
    assert panel() is None

    again = slicer_host.open_panel(slicer_host.load_module())
    assert again.panel.parameters.image is image_node
    assert again.ui.cordThresholdSlider.enabled
    slicer_host.close_panel(again)


def test_a_reload_while_the_network_works(slicer_host, module, image_node, engine, app):
    widget = slicer_host.open_panel(module)
    widget.logic.engine = engine
    engine.at_tile = lambda tile: threading.Event().wait(0.05)
    closed = []

    def close():
        if engine.requests and not closed:
            closed.append(True)
            slicer_host.close_panel(widget)

    while_running(slicer_host, close)
    widget.ui.cordSegmentButton.click()

    assert closed
    assert study_of(image_node).soft is None


def test_every_control_explains_itself(ui):
    kinds = (
        "QPushButton",
        "QToolButton",
        "QCheckBox",
        "QComboBox",
        "ctkSliderWidget",
        "qMRMLNodeComboBox",
        "QLineEdit",
    )
    silent = [
        name
        for name, control in vars(ui).items()
        if name.startswith("cord") and type(control).__name__ in kinds and not control.toolTip
    ]
    assert silent == []


def test_opening_the_panel_imports_nothing_beyond_numpy_scipy_and_nibabel(repository):
    """By the names of the packages: those that come with Slicer or with Python, and what the three
    import themselves, do not count.
    """
    program = """
import sys
import PySide6.QtWidgets, numpy, scipy.ndimage, nibabel, pytest, vtk
sys.path[:0] = ["SoftCordSeg", "Testing"]
from _pytest.monkeypatch import MonkeyPatch
from SoftCordSegLib.scene import offscreen
from host.application import HostSlicer
app = offscreen.start()
host = HostSlicer(app, MonkeyPatch())
before = {name.partition(".")[0] for name in sys.modules}
scipy_before = set(sys.modules)
widget = host.open_panel(host.load_module())
known = {*before, *sys.stdlib_module_names, "SoftCordSeg", "SoftCordSegLib", "host"}
heavy = {name.partition(".")[0] for name in sys.modules} - known
heavy |= {"scipy.signal", "scipy.stats", "scipy.optimize"} & (set(sys.modules) - scipy_before)
print("heavy:", sorted(heavy))
host.close_panel(widget)
"""
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )
    assert "heavy: []" in answer.stdout, answer.stdout + answer.stderr


def test_a_fresh_slicer_without_the_packages_opens_the_panel_and_names_them(repository):
    program = """
import sys
sys.path[:0] = ["SoftCordSeg", "Testing"]
for name in ("torch", "nibabel", "openvino", "safetensors"):
    sys.modules[name] = None  # as if it were not installed
import importlib.metadata
version = importlib.metadata.version
def absent(name):
    if name in ("nibabel", "openvino", "safetensors"):
        raise importlib.metadata.PackageNotFoundError(name)
    return version(name)
importlib.metadata.version = absent
from _pytest.monkeypatch import MonkeyPatch
from SoftCordSegLib.scene import offscreen
from host.application import HostSlicer
app = offscreen.start()
host = HostSlicer(app, MonkeyPatch())
module = host.load_module()
import types
module.SoftCordSeg(types.SimpleNamespace())
widget = host.open_panel(module)
host.answers = [False]
image = app.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "neck")
import slicer, vtk
data = vtk.vtkImageData()
data.SetDimensions(4, 4, 4)
data.AllocateScalars(vtk.VTK_SHORT, 1)
image.SetAndObserveImageData(data)
widget.panel.refresh()
ui = widget.ui
print("note:", ui.cordRunStatus.text, ui.cordInstallButton.visible, ui.cordSegmentButton.enabled)
for name in ("Correct", "Levels", "Measure", "Save"):
    getattr(widget.ui, f"cord{name}Section").collapsed = False
widget.ui.cordSegmentButton.click()
print("said:", widget.ui.cordRunStatus.text)
widget.exit()
widget.enter()
print("errors:", host.slot_errors)
host.close_panel(widget)
"""
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )
    said = answer.stdout + answer.stderr
    missing = "These packages are missing: nibabel, openvino, safetensors."
    assert f"note: {missing} True True" in said, said
    assert "said: The packages were not installed." in said, said
    assert "errors: []" in said, said


def test_two_panels_show_the_same_study_and_one_may_go(
    ui, image_node, widget, module, slicer_host, engine
):
    """As by slicer.util.getNewModuleWidget: both follow one scene and one parameter node."""
    other = slicer_host.open_panel(module)
    other.logic.engine = engine
    ui.cordSegmentButton.click()
    slicer_host.process_events()
    assert other.ui.cordSegmentButton.text == "Segment again"
    assert other.ui.cordRunStatus.text == ui.cordRunStatus.text

    other.ui.cordThresholdSlider.value = 0.3
    slicer_host.close_panel(other)
    widget.panel.refresh()
    assert ui.cordThresholdSlider.value == 0.3
    ui.cordSegmentButton.click()
    assert ui.cordRunStatus.text.startswith("✓")


def test_a_scene_restores_the_choices_of_the_menu(ui, image_node, widget, app, tmp_path, menu):
    ui.cordSegmentButton.click()
    menu.in_box.trigger()
    save_scene(app.scene, tmp_path / "a.mrb")
    app.scene.Clear(False)
    assert not menu.in_box.checked
    load_scene(app.scene, tmp_path / "a.mrb")
    assert menu.in_box.checked
    assert study_of(widget.panel.parameters.image).box.GetDisplayNode().GetHandlesInteractive()
