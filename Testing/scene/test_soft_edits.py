"""What the user paints and erases in the segment corrects the soft mask, and nothing is lost on the
way.
"""

from __future__ import annotations

import numpy as np
import pytest

from scene.desk import Desk
from scene.examples import GRIDS
from SoftCordSegLib.scene.threshold_view import SEGMENT_ID


def test_paint_adds_cord_with_a_soft_rim(app, grid):
    desk = Desk(app, grid)
    paint = desk.corner()

    desk.editor.paint(paint)

    desk.check()
    assert desk.soft[paint].min() > 0.5
    assert len(np.unique(desk.soft[paint])) > 1  # never one bare value
    assert np.array_equal(desk.soft[~paint], desk.p0[~paint])
    assert np.array_equal(desk.edit_map > 0, paint)


def test_the_eraser_removes_cord_with_a_soft_rim(app, grid):
    desk = Desk(app, grid)
    erased = desk.inner(0.3) & (desk.p0 >= 0.5)
    assert erased.any()

    desk.editor.erase(desk.inner(0.3))

    desk.check()
    assert desk.soft[erased].max() < 0.5
    said = desk.edit_map < 0
    assert np.array_equal(said & (desk.p0 >= 0.5), erased)
    assert np.array_equal(desk.soft[~said], desk.p0[~said])
    assert (
        not desk.p0[said & ~erased].any()
        or desk.soft[said & ~erased].sum() < desk.p0[said & ~erased].sum()
    )  # the rim goes along


def test_nothing_is_left_where_the_cord_of_a_whole_slice_was_erased(app):
    desk = Desk(app, GRIDS["anisotropic"])
    ring = desk.p0[:, :, 4] * (desk.p0[:, :, 4] < 0.5)
    assert ring.sum() > 10

    desk.editor.erase(desk.voxels(slice(None), slice(None), 4) & (desk.p0 >= 0.5))

    desk.check()
    assert desk.soft[:, :, 4].sum() < 0.02 * ring.sum()
    for n in (2, 3, 5, 6):
        assert np.array_equal(desk.soft[:, :, n], desk.p0[:, :, n])
    desk.view.update(0.1)
    assert not desk.segment[:, :, 4].any()

    desk.view.update(0.5)
    desk.editor.paint(
        desk.voxels(slice(None), slice(None), 4) & (desk.p0 >= 0.5)
    )  # back again by hand
    assert desk.soft.tobytes() == desk.p0.tobytes()


def test_undo_and_redo_go_to_and_fro_bit_for_bit(desk):
    states = [desk.soft.copy()]
    for stroke in (desk.corner(), desk.voxels(slice(18, 22), slice(2, 6), slice(20, 25))):
        desk.editor.paint(stroke)
        states.append(desk.soft.copy())
    desk.editor.erase(desk.inner())
    states.append(desk.soft.copy())

    for expected in states[-2::-1]:
        desk.editor.undo()
        assert desk.soft.tobytes() == expected.tobytes()
    assert desk.soft.tobytes() == desk.p0.tobytes()
    assert not desk.edits.has_edits
    for expected in states[1:]:
        desk.editor.redo()
        assert desk.soft.tobytes() == expected.tobytes()
        desk.check()


def test_edits_stay_at_every_threshold(app, grid):
    desk = Desk(app, grid)
    added, removed = desk.corner(), desk.inner(0.3) & (desk.p0 >= 0.5)
    desk.editor.paint(added)
    desk.editor.erase(removed)

    for threshold in (0.3, 0.9, 0.05, 1.0, 0.5):
        desk.view.update(threshold)

        desk.check()
        assert desk.segment[added].all()
        assert not desk.segment[removed].any()
    assert np.array_equal(desk.edit_map > 0, added)
    assert (desk.edit_map[removed] == -1).all()


def test_strokes_at_several_thresholds_are_all_kept(desk):
    first, second = desk.corner(), desk.voxels(slice(18, 22), slice(2, 6), slice(20, 25))
    desk.editor.paint(first)
    desk.view.update(0.2)
    desk.editor.paint(second)
    desk.view.update(0.8)
    desk.editor.erase(desk.inner(0.2))
    desk.view.update(0.5)

    desk.check()
    assert desk.segment[first].all()
    assert desk.segment[second].all()
    assert not desk.segment[desk.inner(0.2)].any()


@pytest.mark.parametrize("surface", [False, True])
def test_an_undo_after_a_threshold_move_takes_the_stroke_back_and_leaves_the_threshold(
    desk, surface
):
    desk.editor.paint(desk.corner())
    painted = desk.soft.copy()
    desk.view.update(0.2, surface=surface)
    assert (desk.p0 >= np.float32(0.2)).sum() > (desk.p0 >= 0.5).sum()

    desk.editor.undo()

    assert desk.view.threshold == 0.2
    assert desk.soft.tobytes() == desk.p0.tobytes()
    desk.check()

    desk.editor.redo()
    desk.check()
    assert desk.segment[desk.corner()].all()
    desk.view.update(0.5)
    assert desk.soft.tobytes() == painted.tobytes()


def test_undo_and_redo_still_work_across_several_thresholds(desk):
    strokes = [
        desk.corner(),
        desk.voxels(slice(18, 22), slice(2, 6), slice(20, 25)),
        desk.voxels(slice(2, 6), 15, slice(20, 25)),
    ]
    for threshold, stroke in zip((0.5, 0.3, 0.7), strokes):
        desk.view.update(threshold)
        desk.editor.paint(stroke)
    desk.view.update(0.4)

    for left in (2, 1, 0):
        desk.editor.undo()
        desk.check()
        assert np.array_equal(
            desk.edit_map > 0, np.logical_or.reduce([desk.voxels(slice(0, 0)), *strokes[:left]])
        )
    for done in (1, 2, 3):
        desk.editor.redo()
        desk.check()
        assert np.array_equal(desk.edit_map > 0, np.logical_or.reduce(strokes[:done]))


def test_clearing_the_segment_is_an_edit_not_a_high_threshold(desk):
    desk.view.update(1.0)
    desk.view.update(0.5)
    desk.editor.erase(np.ones(desk.soft.shape, bool))

    desk.check()
    assert not desk.segment.any()
    desk.view.update(0.3)
    assert not desk.segment[desk.p0 >= 0.5].any()


def test_the_change_tells_which_slices(desk):
    desk.editor.paint(desk.voxels(slice(2, 5), slice(1, 3), slice(7, 9)))

    (change,) = desk.changes
    assert change.box == (slice(2, 5), slice(1, 3), slice(7, 9))
    assert (change.start, change.stop) == ((2, 1, 7), (5, 3, 9))
    assert change.slices(2) == range(7, 9)


def test_nothing_is_made_or_written_where_nothing_was_edited(desk):
    count, time = desk.app.scene.GetNumberOfNodes(), desk.study.soft.GetImageData().GetMTime()

    desk.view.node.GetSegmentation().GetSegment(SEGMENT_ID).SetName("My cord")
    desk.view.node.GetSegmentation().GetSegment(SEGMENT_ID).SetColor(0, 1, 0)
    desk.view.node.GetSegmentation().AddEmptySegment("Lesion", "Lesion")
    desk.editor.paint(desk.p0 >= 0.8)  # where the cord is already
    desk.view.update(0.3)
    desk.view.node.GetSegmentation().RemoveSegment(SEGMENT_ID)

    assert desk.changes == []
    assert desk.app.scene.GetNumberOfNodes() == count
    assert desk.study.soft.GetImageData().GetMTime() == time
    assert not desk.edits.has_edits
    assert desk.edits.counts == (0, 0)


def test_paint_of_another_segment_over_the_cord_leaves_the_cord(desk):
    desk.view.node.GetSegmentation().AddEmptySegment("Lesion", "Lesion")
    desk.editor.logic.SetCurrentSegmentID("Lesion")
    desk.editor.parameters.SetOverwriteMode(desk.editor.parameters.OverwriteAllSegments)

    desk.editor.paint(desk.inner(0.2), "Lesion")
    desk.edits.give_back()

    desk.check()
    assert not desk.edit_map.any()


def test_the_surface_stays_the_iso_surface_of_the_soft_mask(desk):
    desk.view.update(surface=True)
    for act in (
        lambda: desk.editor.paint(desk.corner()),
        lambda: desk.editor.erase(desk.inner(0.3)),
        desk.editor.undo,
        desk.editor.redo,
    ):
        act()

        shown = desk.view.surface
        desk.view.update()
        assert shown.GetNumberOfPoints() == desk.view.surface.GetNumberOfPoints()
        assert np.array_equal(shown.GetBounds(), desk.view.surface.GetBounds())


def test_show_3d_of_the_segment_editor_shows_the_iso_surface(desk):
    desk.editor.paint(desk.corner())

    desk.view.node.GetSegmentation().CreateRepresentation("Closed surface")

    shown = desk.view.surface
    desk.view.update()
    assert shown.GetNumberOfPoints() == desk.view.surface.GetNumberOfPoints() > 0
    assert np.array_equal(shown.GetBounds(), desk.view.surface.GetBounds())
    desk.view.node.GetSegmentation().RemoveRepresentation("Closed surface")
    assert not desk.view.shows_surface
    desk.editor.undo()
    desk.check()


def test_a_state_saved_by_a_script_can_be_undone_too(desk):
    """As other modules do it: save the state, write the segment, and let the events tell."""
    desk.editor.logic.SaveStateForUndo()
    desk.view.node.GetSegmentation().ClearSegment(SEGMENT_ID)

    assert not desk.segment.any()
    desk.check()
    desk.editor.undo()
    assert desk.soft.tobytes() == desk.p0.tobytes()
