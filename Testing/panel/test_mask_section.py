"""Section "Soft mask": the threshold, and how the mask is shown; looked at in real slice views."""

from __future__ import annotations

import numpy as np
import pytest

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


def test_what_is_shown_is_seen(done, image_node, app):
    study = study_of(image_node)
    set_window_level(image_node)
    with SliceView(app, "Axial", (200, 200)) as view:
        view.show(image_node)
        view.jump_to((11.0, -18.0, 20.0))
        assert view.logic.GetSliceCompositeNode().GetForegroundVolumeID() is None

        done.cordOverlayCheck.click()
        done.cordOverlayCheck.click()
        assert view.logic.GetSliceCompositeNode().GetForegroundVolumeID() == study.soft.GetID()
        with_overlay = view.render()
        done.cordOpacitySlider.value = 0.9
        stronger = view.render()
        done.cordOverlayCheck.click()
        without = view.render()
        done.cordFillCheck.click()
        filled = view.render()

    assert colourful(with_overlay) > colourful(without)
    assert np.abs(stronger.astype(int) - with_overlay).sum() > 0
    assert colourful(filled) > 2 * colourful(without), (
        "the outline has few coloured pixels, the filled segment many"
    )


def colourful(picture: np.ndarray) -> int:
    """Pixels that are not grey."""
    return int((np.ptp(picture.astype(int), axis=-1) > 20).sum())


def test_the_colours_are_those_of_the_chosen_map(done, image_node):
    from SoftCordSegLib.scene.soft_mask_node import COLOUR_MAPS

    names = [done.cordColourSelector.itemText(n) for n in range(done.cordColourSelector.count)]
    assert names == list(COLOUR_MAPS)
    assert done.cordColourSelector.currentText == "Blue to green"

    done.cordColourSelector.currentIndex = names.index("Heat")
    done.cordColourSelector._object.activated.emit(names.index("Heat"))

    assert study_of(image_node).soft.GetDisplayNode().GetColorNodeID() == COLOUR_MAPS["Heat"]
    assert done.cordColourSelector.currentText == "Heat"


def test_three_d_shows_the_surface_and_takes_it_away(done, image_node, app):
    with ThreeDView(app, (150, 150)) as view:
        view.look_from("A")
        empty = view.render()
        done.cordSurfaceCheck.click()
        view.look_from("A")
        shown = view.render()
        done.cordSurfaceCheck.click()
        gone = view.render()

    assert study_of(image_node).view.shows_surface is False
    assert colourful(shown) > 200
    assert colourful(empty) == colourful(gone) == 0


def test_a_deleted_segmentation_disables_the_slider_at_once(done, image_node, app):
    app.scene.RemoveNode(study_of(image_node).view.node)

    assert not done.cordThresholdSlider.enabled
    assert "Segment the volume first" in done.cordThresholdSlider.toolTip


def test_without_edits_there_is_nothing_of_mine_to_show(done):
    assert not done.cordEditsCheck.enabled
    assert "Nothing was corrected" in done.cordEditsCheck.toolTip


def test_keys_move_the_threshold_and_are_silent_without_the_module(done, image_node, widget):
    from PySide6.QtGui import QKeySequence, QShortcut

    def keys():
        window = widget.parent._object
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
    assert len(keys()) == 4
