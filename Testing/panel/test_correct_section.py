"""Section "Correct": strokes by the real segment editor, and what they make of the soft mask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from host.pythonqt import unwrap
from panel_actions import brush, paint_voxels, press, press_key, stroke, turn_wheel
from SoftCordSegLib.scene.render import SliceView
from SoftCordSegLib.scene.study import study_of
from SoftCordSegLib.scene.volume_nodes import array_of, grid_of


@pytest.fixture
def study(ui, image_node):
    """The panel after Segment, with the section "Correct" open."""
    ui.cordSegmentButton.click()
    ui.cordCorrectSection.collapsed = False
    return study_of(image_node)


@pytest.fixture
def paint(ui, study):
    """A function that paints (or erases) a box of voxels as an effect of the editor does."""

    def paint(box, erase=False):
        voxels = np.zeros((24, 20, 12), bool)
        voxels[box] = True
        paint_voxels(ui, voxels, erase)

    return paint


TOOLS = ("Paint", "Erase", "Draw", "Scissors")
ADDED, REMOVED = np.s_[14:17, 9:11, 4:7], np.s_[10:12, 8:12, 7:10]


def segment_of(study) -> np.ndarray:
    """The voxels of the segment, (i, j, k) on the mask's grid."""
    from SoftCordSegLib.scene.segment_voxels import segment_voxels

    return segment_voxels(study.view).on((slice(0, 24), slice(0, 20), slice(0, 12)))


def test_the_editor_shows_the_segment_while_the_section_is_open(ui, image_node, study):
    assert ui.cordEditor.segmentationNode() is study.view.node
    assert ui.cordEditor.sourceVolumeNode() is image_node
    ui.cordCorrectSection.collapsed = True
    assert ui.cordEditor.segmentationNode() is None
    assert not unwrap(ui.cordEditor)._flags["shortcuts"]


def test_a_stroke_is_taken_over_and_the_mask_stays_soft(ui, study, paint):
    before = array_of(study.soft).copy()
    paint(ADDED)
    paint(REMOVED, erase=True)

    soft = array_of(study.soft)
    np.testing.assert_array_equal(soft >= 0.5, segment_of(study))
    assert (soft[ADDED] >= 0.5).all()
    assert (soft[REMOVED] < 0.5).all()
    assert len(np.unique(soft)) > 4, "added and removed voxels have no soft rim"
    np.testing.assert_array_equal(soft[:8], before[:8])
    assert ui.cordCorrectStatus.text.startswith("By hand: ")
    assert ui.cordCorrectStatus.text.endswith(", 24 lowered.")
    assert ui.cordRevertAllButton.enabled


def test_undo_and_redo(ui, study, paint, slicer_host):
    def can():
        slicer_host.process_events()
        return ui.cordUndoButton.enabled, ui.cordRedoButton.enabled

    before = array_of(study.soft).copy()
    assert can() == (False, False)
    assert "nothing to undo" in ui.cordUndoButton.toolTip
    paint(ADDED)
    after = array_of(study.soft).copy()
    assert can() == (True, False)
    press(ui.cordUndoButton)
    np.testing.assert_array_equal(array_of(study.soft), before)
    assert not ui.cordRevertAllButton.enabled
    assert can() == (False, True)
    press(ui.cordRedoButton)
    np.testing.assert_array_equal(array_of(study.soft), after)
    assert can() == (True, False)
    press_key(ui, "z")
    np.testing.assert_array_equal(array_of(study.soft), before)
    assert can() == (False, True)


def test_a_tool_is_chosen_by_a_click_and_by_a_key_and_put_away(ui, study):
    editor = unwrap(ui.cordEditor)
    assert "Choose a tool" in ui.cordToolHint.text
    press(ui.cordPaintButton)
    assert editor.activeEffect().name == "Paint"
    assert ui.cordDiameterSlider.visible
    assert not ui.cordToolHint.visible
    for key, name in zip("234", TOOLS[1:]):
        press_key(ui, key)
        tools = {one: getattr(ui, f"cord{one}Button").checked for one in TOOLS}
        assert tools == {one: one == name for one in TOOLS}
    assert not ui.cordDiameterSlider.visible
    assert "Draw a line" in ui.cordToolHint.text
    press(ui.cordScissorsButton)
    assert editor.activeEffect() is None
    assert not ui.cordScissorsButton.checked


def test_the_brush_is_what_the_panel_says(ui, study, slicer_host):
    """In mm, whatever the zoom; Slicer's keys change it too."""
    editor, grid = unwrap(ui.cordEditor), grid_of(study.soft)
    here = grid.to_world(np.array([18, 10, 6]))
    centres = np.indices(grid.shape).reshape(3, -1).T
    centres = np.linalg.norm(grid.to_world(centres) - here, axis=1).reshape(grid.shape)
    flat = np.zeros(centres.shape, bool)
    flat[:, :, 6] = True

    def painted():
        before = segment_of(study)
        brush(ui, here)
        slicer_host.process_events()
        changed = segment_of(study) & ~before
        press(ui.cordUndoButton)
        return changed

    press(ui.cordPaintButton)
    assert ui.cordDiameterSlider.value == 3.0
    np.testing.assert_array_equal(painted(), flat & (centres <= 1.5))
    ui.cordDiameterSlider.value = 5.0
    np.testing.assert_array_equal(painted(), flat & (centres <= 2.5))
    turn_wheel(ui, forward=True)
    assert ui.cordDiameterSlider.value == 6.0
    np.testing.assert_array_equal(painted(), flat & (centres <= 3.0))
    press(ui.cordSphereCheck)
    np.testing.assert_array_equal(painted(), centres <= 3.0)
    assert painted()[:, :, 5].any()
    editor.activeEffect().setCommonParameter("BrushDiameterIsRelative", 1)  # behind "More"
    ui.cordDiameterSlider.value = 4.0
    press(ui.cordEraseButton)
    press(ui.cordPaintButton)
    np.testing.assert_array_equal(painted(), centres <= 2.0)


def test_a_flat_brush_in_a_tilted_view_is_warned_of(ui, study, widget):
    """Slicer warns by an icon, which is not shown here."""
    press(ui.cordPaintButton)
    assert ui.cordCorrectStatus.text == ""
    widget.panel.parameters.squareToCord = True
    assert "a flat brush leaves stripes" in ui.cordCorrectStatus.text
    press(ui.cordSphereCheck)
    assert ui.cordCorrectStatus.text == ""


def test_the_panel_never_gets_wider_whatever_tool_is_chosen(ui, study, widget, slicer_host):
    """The stock options want up to 527 px."""
    editor, panel = unwrap(ui.cordEditor), unwrap(widget.parent)

    def width():
        slicer_host.process_events()
        return panel.layout().totalMinimumSize().width()

    narrow = width()
    for name in ("Paint", "Erase", "Scissors", "Smoothing", ""):
        editor.setActiveEffectByName(name)
        assert width() == narrow
        assert not editor.isVisible()
    press(ui.cordMoreButton)
    for name in ("Erase", "Paint"):
        editor.setActiveEffectByName(name)
        assert width() == narrow
    assert editor.minimumSizeHint().width() > 400
    assert editor._options.isVisible()
    assert not editor._segments.isVisible()
    assert not editor._frame.isVisible()
    assert not editor._rotated.visibleRegion().boundingRect().width()
    press(ui.cordMoreButton)
    assert not editor.isVisible()
    assert narrow <= 360


def test_a_folded_section_says_how_many_slices_were_edited(ui, study, paint):
    def title():
        ui.cordCorrectSection.collapsed = True
        ui.cordCorrectSection.collapsed = False
        ui.cordCorrectSection.collapsed = True
        text = ui.cordCorrectSection.text
        ui.cordCorrectSection.collapsed = False
        return text

    assert title() == "Correct   no edits"
    paint(ADDED)
    assert title() == "Correct   3 slices edited"
    paint(np.s_[14, 9, 1])
    assert title() == "Correct   4 slices edited"


def test_undo_and_redo_across_a_moved_threshold(ui, study, paint):
    editor = unwrap(ui.cordEditor)
    predicted = array_of(study.soft).copy()
    paint(ADDED)
    painted = array_of(study.soft).copy()
    paint(REMOVED, erase=True)
    erased = array_of(study.soft).copy()
    ui.cordThresholdSlider.value = 0.3

    editor._undo.click()
    assert editor._redo.isEnabled(), "the redo is lost"
    np.testing.assert_array_equal(array_of(study.soft)[REMOVED], painted[REMOVED])
    editor._undo.click()
    assert not editor._undo.isEnabled()
    np.testing.assert_array_equal(array_of(study.soft), predicted)
    editor._redo.click()
    editor._redo.click()
    assert not editor._redo.isEnabled()
    np.testing.assert_array_equal(array_of(study.soft) >= 0.3, segment_of(study))
    ui.cordThresholdSlider.value = 0.5
    np.testing.assert_array_equal(array_of(study.soft), erased)


def test_a_new_prediction_ends_the_history_of_undo(ui, study, paint, slicer_host, widget, engine):
    paint(ADDED)
    paint(REMOVED, erase=True)
    slicer_host.answers = [True]
    widget.logic.engine = lambda request, progress: larger(engine(request, progress))
    ui.cordSegmentButton.click()
    after, note = array_of(study.soft).copy(), ui.cordCorrectStatus.text
    editor = unwrap(ui.cordEditor)

    assert not editor._undo.isEnabled()
    assert not editor._redo.isEnabled()
    editor._undo.click()
    editor.undo()
    np.testing.assert_array_equal(array_of(study.soft), after)
    assert ui.cordCorrectStatus.text == note
    paint(ADDED, erase=True)
    editor._undo.click()
    np.testing.assert_array_equal(array_of(study.soft), after)


def larger(mask):
    """The mask of another model: the rim is cord too."""
    return replace(mask, volume=mask.volume.with_data((mask.volume.data > 0) * np.float32(0.8)))


def test_edits_survive_the_threshold(ui, study, paint):
    paint(ADDED)
    for threshold in (0.3, 0.7, 0.5):
        ui.cordThresholdSlider.value = threshold
        assert (array_of(study.soft)[ADDED] >= threshold).all()
        np.testing.assert_array_equal(array_of(study.soft) >= threshold, segment_of(study))


def test_everything_can_be_taken_back(ui, study, paint):
    before = array_of(study.soft).copy()
    paint(ADDED)
    ui.cordRevertAllButton.click()

    np.testing.assert_array_equal(array_of(study.soft), before)
    assert not ui.cordRevertAllButton.enabled
    assert "Nothing was corrected" in ui.cordRevertAllButton.toolTip


def test_one_slice_can_be_taken_back(ui, study, paint, app):
    before = array_of(study.soft).copy()
    paint(ADDED)
    after = array_of(study.soft).copy()
    with SliceView(app, "Axial", (100, 100), name="Red") as view:
        view.jump_to(grid_of(study.soft).to_world(np.array([15, 9, 5])))
        ui.cordRevertSliceButton.click()

    soft = array_of(study.soft)
    np.testing.assert_array_equal(
        soft[:, :, 5], np.where(before[:, :, 5] != after[:, :, 5], soft[:, :, 5], before[:, :, 5])
    )
    assert (soft[14:17, 9:11, 5] < 0.5).all()
    assert (soft[14:17, 9:11, 4] >= 0.5).all()


def test_without_a_red_view_the_panel_says_so(ui, study, paint, app, slicer_host):
    paint(ADDED)
    app.scene.RemoveNode(slicer_host.views.sliceWidget("Red").mrmlSliceNode())
    ui.cordRevertSliceButton.click()

    assert "(red) slice view" in ui.cordCorrectStatus.text


def test_painting_can_be_limited_to_where_the_mask_is_soft(ui, study, image_node):
    node = ui.cordEditor.mrmlSegmentEditorNode()
    ui.cordSoftOnlyCheck.click()
    assert node.GetSourceVolumeIntensityMask()
    assert node.GetSourceVolumeIntensityMaskRange()[1] == 1.0
    assert ui.cordEditor.sourceVolumeNode() is study.soft
    ui.cordSoftOnlyCheck.click()
    assert not node.GetSourceVolumeIntensityMask()
    assert ui.cordEditor.sourceVolumeNode() is image_node


def test_my_edits_are_seen(ui, study, paint, app, image_node):
    paint(ADDED)
    with SliceView(app, "Axial", (200, 200), name="Red") as view:
        view.show(image_node)
        view.jump_to(grid_of(study.soft).to_world(np.array([15, 9, 5])))
        without = view.render()
        ui.cordEditsCheck.click()
        shown = view.render()
    red, green, blue = np.moveaxis(shown.astype(int), -1, 0)
    magenta = (red - green > 100) & (blue - green > 100)
    assert magenta.sum() > 20
    assert (shown != without)[magenta].any(axis=-1).all()


@pytest.mark.parametrize("yes", [True, False])
def test_segmenting_again_asks_before_it_touches_corrections_and_keeps_them(
    ui, study, paint, slicer_host, engine, yes
):
    paint(ADDED)
    slicer_host.answers = [yes]
    runs = len(engine.requests)
    ui.cordSegmentButton.click()

    assert "corrected by hand" in slicer_host.asked[0]
    assert len(engine.requests) == runs + yes
    assert (array_of(study.soft)[ADDED] >= 0.5).all()


def test_the_editor_is_let_go_when_another_module_or_volume_is_chosen(
    ui, study, widget, a_volume, app
):
    widget.exit()
    assert ui.cordEditor.segmentationNode() is None
    widget.enter()
    assert ui.cordEditor.segmentationNode() is study.view.node
    ui.cordImageSelector.setCurrentNode(a_volume("other"))
    assert ui.cordEditor.segmentationNode() is None
    assert not ui.cordEditor.enabled


@pytest.mark.parametrize("what", ["view", "soft", "editor"])
def test_nodes_may_go_while_the_section_is_open(ui, study, app, paint, what):
    paint(ADDED)
    node = {
        "view": study.view.node,
        "soft": study.soft,
        "editor": ui.cordEditor.mrmlSegmentEditorNode(),
    }[what]
    app.scene.RemoveNode(node)
    ui.cordRevertAllButton.click()
    ui.cordEditsCheck.click()
    ui.cordCorrectSection.collapsed = True
    ui.cordCorrectSection.collapsed = False


def test_a_lesion_painted_in_slicers_editor_takes_nothing_from_the_cord(
    ui, study, slicer_host, widget
):
    logic = unwrap(ui.cordEditor).logic
    before, cord = array_of(study.soft).copy(), segment_of(study)
    study.view.node.GetSegmentation().AddEmptySegment("lesion", "lesion")
    editor = logic.GetSegmentEditorNode()
    editor.SetOverwriteMode(editor.OverwriteAllSegments)  # Slicer's default
    lesion = np.zeros((24, 20, 12), bool)
    lesion[11:13, 9:11, 4:7] = True
    stroke(logic, lesion, segment_id="lesion")
    slicer_host.process_events()

    np.testing.assert_array_equal(segment_of(study), cord)
    np.testing.assert_array_equal(array_of(study.soft), before)
    assert not widget.panel.edits.has_edits
    unwrap(ui.cordEditor)._undo.click()
    slicer_host.process_events()
    np.testing.assert_array_equal(array_of(study.soft), before)


def test_nothing_is_bound_while_another_module_is_shown(
    ui, study, widget, app, a_volume, slicer_host
):
    import slicer

    slicer.util.selectModule("SegmentEditor")
    a_volume("another")
    widget.panel.parameters.surfaceShown = False
    app.scene.RemoveNode(study.box)
    slicer_host.process_events()

    # The host reports an editor that is bound meanwhile.
    assert ui.cordEditor.segmentationNode() is None
    assert not unwrap(ui.cordEditor)._flags["shortcuts"]
    slicer.util.selectModule("SoftCordSeg")
    assert ui.cordEditor.segmentationNode() is study.view.node
    assert unwrap(ui.cordEditor)._flags["shortcuts"]


@pytest.mark.parametrize("what", ["scene", "view", "editor"])
def test_an_active_effect_is_let_go_before_its_nodes_leave(ui, study, app, what):
    ui.cordEditor.setActiveEffectByName("Paint")
    if what == "scene":
        app.scene.Clear(False)
    else:
        node = ui.cordEditor.mrmlSegmentEditorNode() if what == "editor" else study.view.node
        app.scene.RemoveNode(node)

    # The host reports an effect that still observes the views as a crash.
    assert not unwrap(ui.cordEditor)._flags["observing"] or what == "editor"


def test_corrections_come_back_with_the_scene_and_can_be_taken_back_then(
    ui, study, paint, app, tmp_path
):
    from SoftCordSegLib.scene.scene_files import load_scene, save_scene

    before = array_of(study.soft).copy()
    paint(ADDED)
    after = array_of(study.soft).copy()
    save_scene(app.scene, tmp_path / "a.mrb")
    app.scene.Clear(False)
    load_scene(app.scene, tmp_path / "a.mrb")

    soft = study_of(ui.cordImageSelector.currentNode()).soft
    np.testing.assert_array_equal(array_of(soft), after)
    assert "raised" in ui.cordCorrectStatus.text
    ui.cordRevertAllButton.click()
    np.testing.assert_array_equal(array_of(soft), before)
