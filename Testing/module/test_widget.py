"""The panel's code, with plain objects for its controls and a real scene behind them."""

from __future__ import annotations

import sys
import types

import pytest

from host.slicer_module import ProgressDialog
from SoftCordSegLib.errors import SoftCordSegError


@pytest.fixture
def widget(module, engine, monkeypatch):
    """The opened panel, with a quick engine and every package there."""
    monkeypatch.setattr(module, "install_missing_packages", lambda requirements: None)
    widget = module.SoftCordSegWidget()
    widget.setup()
    widget.logic._engine = engine
    yield widget
    widget.cleanup()


def test_without_a_volume_the_button_says_what_to_do(widget):
    assert not widget.ui.cordSegmentButton.enabled
    assert "Choose an MR volume" in widget.ui.cordSegmentButton.toolTip
    assert not widget.ui.cordThresholdSlider.enabled


def test_choosing_a_volume_enables_the_button(widget, image_node):
    widget.ui.cordImageSelector.setCurrentNode(image_node)

    assert widget.ui.cordSegmentButton.enabled
    assert "Outline" in widget.ui.cordSegmentButton.toolTip
    assert "Segment the volume first" in widget.ui.cordThresholdSlider.toolTip


def test_segmenting_enables_the_slider_and_tells_the_outcome(widget, image_node):
    widget.ui.cordImageSelector.setCurrentNode(image_node)
    widget.ui.cordSegmentButton.click()

    assert widget.ui.cordMessageLabel.text == "Found."
    assert widget.ui.cordThresholdSlider.enabled
    assert widget.ui.cordThresholdSlider.value == 0.5


def test_moving_the_slider_moves_the_threshold_of_the_segment(widget, image_node):
    widget.ui.cordImageSelector.setCurrentNode(image_node)
    widget.ui.cordSegmentButton.click()

    widget.ui.cordThresholdSlider.value = 0.31

    assert widget.logic.view_of(image_node).threshold == 0.31


def test_the_slider_shows_the_threshold_of_the_chosen_image(widget, image_node, scene, engine):
    from SoftCordSegLib.scene.volumes import add_volume, volume_of

    other = add_volume(scene, volume_of(image_node), "other neck")
    widget.logic.segment(image_node).view.update(0.75)
    widget.logic.segment(other).view.update(0.333)

    widget.ui.cordImageSelector.setCurrentNode(image_node)
    assert widget.ui.cordThresholdSlider.value == 0.75
    widget.ui.cordImageSelector.setCurrentNode(other)
    assert widget.ui.cordThresholdSlider.value == 0.33

    assert widget.logic.view_of(other).threshold == 0.333, "the slider's rounding reached the scene"
    assert widget.logic.view_of(image_node).threshold == 0.75


def test_cancel_stops_and_says_so(widget, image_node, scene, monkeypatch):
    import slicer.util

    dialog = ProgressDialog(cancel_at=50)
    monkeypatch.setattr(slicer.util, "createProgressDialog", lambda **arguments: dialog)
    widget.ui.cordImageSelector.setCurrentNode(image_node)
    before = scene.GetNumberOfNodes()

    widget.ui.cordSegmentButton.click()

    assert "Stopped" in widget.ui.cordMessageLabel.text
    assert dialog.values == [25, 50]
    assert dialog.closed
    assert scene.GetNumberOfNodes() == before


def test_an_error_closes_the_dialog_and_reaches_the_user(widget, image_node, monkeypatch):
    import slicer.util

    dialog = ProgressDialog()
    monkeypatch.setattr(slicer.util, "createProgressDialog", lambda **arguments: dialog)
    widget.ui.cordImageSelector.setCurrentNode(image_node)

    def broken(volume, progress):
        raise SoftCordSegError("the model is damaged")

    widget.logic._engine = broken
    with pytest.raises(SoftCordSegError, match="damaged"):
        widget.ui.cordSegmentButton.click()

    assert dialog.closed
    assert widget.ui.cordSegmentButton.enabled


def test_a_deleted_segmentation_disables_the_slider(widget, image_node, scene):
    widget.ui.cordImageSelector.setCurrentNode(image_node)
    widget.ui.cordSegmentButton.click()
    scene.RemoveNode(widget.logic.view_of(image_node).node)

    widget.ui.cordThresholdSlider.value = 0.2

    assert not widget.ui.cordThresholdSlider.enabled


def test_closing_the_scene_leaves_nothing_to_press(widget, image_node, scene):
    widget.ui.cordImageSelector.setCurrentNode(image_node)
    widget.ui.cordSegmentButton.click()

    widget.ui.cordImageSelector._node = None  # as the real selector does, before the event below
    scene.Clear(False)
    scene.InvokeEvent(scene.EndCloseEvent)

    assert not widget.ui.cordSegmentButton.enabled
    assert not widget.ui.cordThresholdSlider.enabled


def test_the_module_says_what_it_is(module):
    parent = types.SimpleNamespace()
    module.SoftCordSeg(parent)

    assert parent.categories == ["Segmentation"]
    assert "not for diagnosis" in parent.helpText
    assert "103473" in parent.acknowledgementText


# --- packages ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def requirements(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text("# a comment\nnumpy>=1\nno-such-package-for-softcord>=2\n")
    return path


def test_newer_slicers_install_packages_themselves(module, requirements, monkeypatch):
    asked = []
    packaging = types.ModuleType("slicer.packaging")
    packaging.load_requirements = lambda path: path.read_text().split()[-2:]
    packaging.pip_ensure = lambda names, requester: asked.append((names, requester))
    monkeypatch.setitem(sys.modules, "slicer.packaging", packaging)

    module.install_missing_packages(requirements)

    assert asked == [(["numpy>=1", "no-such-package-for-softcord>=2"], "SoftCordSeg")]


@pytest.mark.parametrize("agreed", [True, False])
def test_older_slicers_install_only_what_is_missing_and_only_after_asking(module, requirements, monkeypatch, agreed):
    import slicer.util

    installed = []
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda text: agreed)
    monkeypatch.setattr(slicer.util, "pip_install", installed.append)

    if agreed:
        module.install_missing_packages(requirements)
        assert installed == [["no-such-package-for-softcord>=2"]]
    else:
        with pytest.raises(SoftCordSegError, match="not installed"):
            module.install_missing_packages(requirements)
        assert installed == []


def test_torch_comes_from_the_pytorch_extension(module, requirements, monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SoftCordSegError, match="Extensions Manager"):
        module.install_missing_packages(requirements)

    extension = types.ModuleType("PyTorchUtils")
    extension.PyTorchUtilsLogic = lambda: types.SimpleNamespace(installTorch=lambda **arguments: None)
    monkeypatch.setitem(sys.modules, "PyTorchUtils", extension)
    with pytest.raises(SoftCordSegError, match="PyTorch was not installed"):
        module.install_missing_packages(requirements)
