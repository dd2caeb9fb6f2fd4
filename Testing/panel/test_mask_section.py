"""Section "Mask": the threshold, and how the mask is drawn; looked at in real slice views."""

from __future__ import annotations

import numpy as np
import pytest

from panel_actions import paint_voxels, wait_until, wait_until_measured
from SoftCordSegLib.scene.render import SliceView, ThreeDView, set_window_level
from SoftCordSegLib.scene.study import study_of
from SoftCordSegLib.scene.threshold_view import SEGMENT_ID
from SoftCordSegLib.scene.volume_nodes import array_of


def voxels_of(image_node) -> int:
    import slicer.util

    return int(
        (
            slicer.util.arrayFromSegmentInternalBinaryLabelmap(
                study_of(image_node).view.node, SEGMENT_ID
            )
            > 0
        ).sum()
    )


@pytest.fixture
def done(ui, image_node):
    """The panel after Segment."""
    ui.cordSegmentButton.click()
    return ui


@pytest.mark.parametrize("threshold", [0.3, 0.7])
def test_moving_the_slider_moves_the_segment(done, image_node, threshold):
    soft = array_of(study_of(image_node).soft)
    done.cordThresholdSlider.value = threshold

    assert study_of(image_node).view.threshold == threshold
    assert voxels_of(image_node) == (soft >= threshold).sum()


def test_the_slider_shows_the_threshold_of_the_chosen_image(done, image_node, a_volume):
    other = a_volume("other neck")
    done.cordImageSelector.setCurrentNode(other)
    done.cordSegmentButton.click()
    study_of(image_node).view.update(0.75)
    study_of(other).view.update(0.333)

    done.cordImageSelector.setCurrentNode(image_node)
    assert done.cordThresholdSlider.value == 0.75
    done.cordImageSelector.setCurrentNode(other)
    assert done.cordThresholdSlider.value == 0.33

    assert study_of(other).view.threshold == 0.333, "the slider's rounding reached the scene"
    assert study_of(image_node).view.threshold == 0.75


def test_the_three_styles_are_seen_and_what_was_in_front_comes_back(done, image_node, app):
    image_node.GetDisplayNode().SetWindowLevelMinMax(0, 1500)  # the column is grey
    with SliceView(app, "Axial", (200, 200)) as view:
        view.show(image_node)
        view.jump_to((11.0, -18.0, 20.0))
        composite = view.logic.GetSliceCompositeNode()
        composite.SetForegroundOpacity(0.3)
        pictures = {}
        for name in ("Soft", "Filled", "Contours"):
            getattr(done, f"cord{name}Radio").click()
            pictures[name] = colourful(view.render())
            assert (composite.GetForegroundVolumeID() is None) == (name == "Contours")

        assert 100 < pictures["Contours"] < 0.5 * pictures["Filled"] < 0.5 * pictures["Soft"], (
            "contours are lines; the rim is half cord, below the threshold"
        )
        assert composite.GetForegroundOpacity() == 0.3
        assert composite.GetCompositing() == composite.Alpha


def test_a_style_is_left_with_the_module_and_comes_back_with_it(done, image_node, app, widget):
    with SliceView(app, "Axial", (50, 50)) as view:
        view.show(image_node)
        composite = view.logic.GetSliceCompositeNode()
        done.cordSoftRadio.click()
        front = composite.GetForegroundVolumeID()
        assert (front, composite.GetCompositing()) == (
            study_of(image_node).soft.GetID(),
            composite.Add,
        )

        widget.exit()
        assert composite.GetForegroundVolumeID() is None
        assert composite.GetCompositing() == composite.Alpha
        widget.enter()
        assert composite.GetForegroundVolumeID() == front


def test_the_slider_moves_what_is_filled(done, image_node, app):
    set_window_level(image_node)
    with SliceView(app, "Axial", (200, 200)) as view:
        view.show(image_node)
        view.jump_to((11.0, -18.0, 20.0))
        done.cordFilledRadio.click()
        areas = []
        for threshold in (0.6, 0.3):
            done.cordThresholdSlider.value = threshold
            areas.append(colourful(view.render()))

    assert areas[1] > 1.1 * areas[0]


def test_the_eye_and_the_colour_of_the_segment_in_other_modules_are_followed(done, image_node, app):
    view = study_of(image_node).view
    with SliceView(app, "Axial", (200, 200)) as window:
        window.show(image_node)
        window.jump_to((11.0, -18.0, 20.0))
        done.cordSoftRadio.click()
        view.node.GetDisplayNode().SetVisibility(False)
        assert colourful(window.render()) == 0
        view.node.GetDisplayNode().SetVisibility(True)
        assert colourful(window.render()) > 100

        done.cordContoursRadio.click()
        view.segment.SetColor(0.0, 0.0, 1.0)
        blue = window.render().astype(int)
    assert ((blue[..., 2] - blue[..., 0]) > 200).any()


def colourful(picture: np.ndarray) -> int:
    """Pixels that are not grey."""
    return int((np.ptp(picture.astype(int), axis=-1) > 20).sum())


def test_three_d_shows_the_surface_at_once_and_takes_it_away(done, image_node, app):
    with ThreeDView(app, (150, 150)) as view:
        view.look_from("A")
        shown = view.render()
        done.cordSurfaceCheck.click()
        gone = view.render()
        done.cordSurfaceCheck.click()
        back = view.render()

    assert colourful(shown) > 200
    assert colourful(gone) == 0
    assert colourful(back) > 200


def test_a_deleted_segmentation_disables_the_slider_at_once(done, image_node, app):
    app.scene.RemoveNode(study_of(image_node).view.node)

    assert not done.cordThresholdSlider.enabled
    assert "Segment the volume first" in done.cordThresholdSlider.toolTip


def test_keys_move_the_threshold_and_are_silent_without_the_module(
    done, image_node, widget, slicer_host
):
    from PySide6.QtGui import QKeySequence, QShortcut

    def keys():
        window = slicer_host.main_window
        return {
            one.key().toString(): one for one in window.findChildren(QShortcut) if one.isEnabled()
        }

    keys()[QKeySequence("Ctrl+Up").toString()].activated.emit()
    assert study_of(image_node).view.threshold == pytest.approx(0.55)
    keys()[QKeySequence("Ctrl+Down").toString()].activated.emit()
    assert study_of(image_node).view.threshold == pytest.approx(0.5)
    widget.exit()
    assert keys() == {}
    widget.enter()
    assert len(keys()) == 3


def test_the_mask_goes_with_its_registered_volume_and_segment_again_works(
    done, image_node, app, widget
):
    """The mask stayed behind, and Segment again said that (60, 55, 52) is not (60, 55, 52)."""
    import vtk

    transform = app.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 25.0)
    transform.SetMatrixTransformToParent(matrix)
    study = study_of(image_node)
    image_node.SetAndObserveTransformNodeID(transform.GetID())

    for node in (study.soft, study.view.node, study.box, *study.contours):
        assert node.GetTransformNodeID() == transform.GetID()
    assert done.cordMaskStatus.text == ""
    done.cordSegmentButton.click()
    assert done.cordRunStatus.text.startswith("✓")
    assert study_of(image_node).soft is study.soft
    image_node.SetAndObserveTransformNodeID(None)
    assert study.soft.GetTransformNodeID() is None

    image_node.SetOrigin(1.0, 2.0, 3.0)
    widget.panel.refresh()
    assert "one is moved by" in done.cordMaskStatus.text
    done.cordSegmentButton.click()
    assert study_of(image_node).soft is not study.soft
    assert done.cordMaskStatus.text == ""


def test_a_style_goes_on_with_the_volume_that_is_chosen(
    done, image_node, app, a_volume, slicer_host
):
    from SoftCordSegLib.scene.view_placement import composite_node_of

    other = a_volume("other neck")
    done.cordImageSelector.setCurrentNode(other)
    slicer_host.click(done.cordSegmentButton)
    slicer_host.click(done.cordSoftRadio)
    composite = composite_node_of(app.scene, "Red")
    assert composite.GetForegroundVolumeID() == study_of(other).soft.GetID()

    done.cordImageSelector.setCurrentNode(image_node)
    slicer_host.process_events()
    assert composite.GetForegroundVolumeID() == study_of(image_node).soft.GetID()
    slicer_host.click(done.cordContoursRadio)
    assert composite.GetForegroundVolumeID() is None


def test_a_corrected_mask_under_a_transform_that_bends_is_said_and_the_panel_goes_on(
    done, image_node, app, widget, a_volume
):
    """Its sentence was raised at every change of the scene, in a window."""
    done.cordCorrectSection.collapsed = False
    voxels = np.zeros(image_node.GetImageData().GetDimensions(), bool)
    voxels[2:5, 2:5, 2:5] = True
    paint_voxels(done, voxels)
    wait_until_measured(widget)
    image_node.SetAndObserveTransformNodeID(
        app.scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode").GetID()
    )
    wait_until_measured(widget)
    for said in (done.cordRunStatus, done.cordMeasureStatus):
        assert "a parent transform that bends it. Harden the transform first." in said.text
    done.cordImageSelector.setCurrentNode(a_volume("other neck"))
    done.cordImageSelector.setCurrentNode(image_node)
    assert "bends" in done.cordRunStatus.text
    done.cordCorrectSection.collapsed = True
    assert done.cordCorrectSection.text.endswith("3 slices edited")
    image_node.SetAndObserveTransformNodeID(None)
    wait_until_measured(widget)
    wait_until(lambda: done.cordRunStatus.text.startswith("✓"))
