"""What the user paints and erases in the segment corrects the soft mask, and nothing is lost on the way."""

from __future__ import annotations

import numpy as np
import pytest

from scene.examples import GRIDS, cord_in, image_in
from scene.strokes import Editor
from SoftCordSegLib.correction import merge
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.scene.edit_nodes import edit_map_of, has_edits, remove_orphans
from SoftCordSegLib.scene.edits import SoftEdits, events_to_follow, soft_volume
from SoftCordSegLib.scene.links import PREDICTION, linked
from SoftCordSegLib.scene.save import load_scene, save_edit_map, save_scene
from SoftCordSegLib.scene.segment_voxels import segment_voxels
from SoftCordSegLib.scene.study import set_segmentation, study_of
from SoftCordSegLib.scene.threshold_view import SEGMENT_ID, threshold_views_of
from SoftCordSegLib.scene.volumes import add_volume, array_of, values_on
from SoftCordSegLib.volume import read_nifti


class Desk:
    """An image with a segmented cord, a Segment Editor on it, and corrections that follow the editor's events."""

    def __init__(self, app, grid, threshold: float = 0.5):
        self.app = app
        self.image = add_volume(app.scene, image_in(grid), "T2w")
        self.study = set_segmentation(self.image, cord_in(grid), threshold=threshold)
        self.view = self.study.view
        self.p0 = array_of(self.study.soft).copy(order="K")
        self.edits = SoftEdits(self.view)
        self.editor = Editor(app, self.view, self.image)
        self.changes = []
        for event in events_to_follow():
            self.edits.segmentation.AddObserver(event, self._follow)

    @property
    def soft(self) -> np.ndarray:
        return array_of(self.study.soft)

    @property
    def edit_map(self) -> np.ndarray:
        edits = edit_map_of(self.study.soft)
        return np.zeros(self.soft.shape, np.int8) if edits is None else edits.data

    @property
    def segment(self) -> np.ndarray:
        """The segment as Slicer has it, on the whole grid."""
        return segment_voxels(self.view).on(tuple(slice(0, n) for n in self.soft.shape))

    def voxels(self, *where) -> np.ndarray:
        voxels = np.zeros(self.soft.shape, bool)
        voxels[where] = True
        return voxels

    def inner(self, fraction: float = 0.5) -> np.ndarray:
        """A block of voxels in the middle of the cord: fraction of each axis."""
        shape = np.array(self.soft.shape)
        start = np.floor(shape * (1 - fraction) / 2).astype(int)
        return self.voxels(*(slice(a, max(b, a + 1)) for a, b in zip(start, (shape - start))))

    def corner(self) -> np.ndarray:
        """A block of voxels far from the cord."""
        return self.voxels(slice(1, 5), slice(1, 4), slice(1, 5))

    def check(self) -> None:
        """What must hold at any time."""
        threshold = self.view.threshold
        assert np.array_equal(self.segment, self.soft >= np.float32(threshold))
        assert np.array_equal(self.soft, merge(self.p0, self.edit_map, threshold, self.study.soft.GetSpacing()))

    def _follow(self, *_) -> None:
        change = self.edits.follow()
        if change is not None:
            self.changes.append(change)


@pytest.fixture
def desk(app):
    return Desk(app, GRIDS["isotropic"])


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
        not desk.p0[said & ~erased].any() or desk.soft[said & ~erased].sum() < desk.p0[said & ~erased].sum()
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
    desk.editor.paint(desk.voxels(slice(None), slice(None), 4) & (desk.p0 >= 0.5))  # back again by hand
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
def test_an_undo_after_a_threshold_move_takes_the_stroke_back_and_leaves_the_threshold(desk, surface):
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
    strokes = [desk.corner(), desk.voxels(slice(18, 22), slice(2, 6), slice(20, 25)), desk.voxels(slice(2, 6), 15, slice(20, 25))]
    for threshold, stroke in zip((0.5, 0.3, 0.7), strokes):
        desk.view.update(threshold)
        desk.editor.paint(stroke)
    desk.view.update(0.4)

    for left in (2, 1, 0):
        desk.editor.undo()
        desk.check()
        assert np.array_equal(desk.edit_map > 0, np.logical_or.reduce([desk.voxels(slice(0, 0)), *strokes[:left]]))
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


def test_paint_of_another_segment_over_the_cord_takes_it_away_there(desk):
    desk.view.node.GetSegmentation().AddEmptySegment("Lesion", "Lesion")
    desk.editor.logic.SetCurrentSegmentID("Lesion")
    desk.editor.parameters.SetOverwriteMode(desk.editor.parameters.OverwriteAllSegments)

    desk.editor.paint(desk.inner(0.2), "Lesion")

    desk.check()
    assert np.array_equal(desk.edit_map < 0, desk.inner(0.2) & (desk.p0 >= 0.5))


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


def test_all_is_reverted_and_the_revert_is_undone(desk):
    desk.editor.paint(desk.corner())
    desk.editor.erase(desk.inner(0.3))
    edited = desk.soft.copy()

    desk.editor.logic.SaveStateForUndo()
    change = desk.edits.revert_all()

    assert desk.soft.tobytes() == desk.p0.tobytes()
    assert change.start == (1, 1, 1)
    assert not desk.edits.has_edits
    desk.check()

    desk.editor.undo()
    assert desk.soft.tobytes() == edited.tobytes()
    assert desk.edits.revert_all() is not None
    assert desk.edits.revert_all() is None


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_one_slice_is_reverted_and_the_others_stay(desk, axis):
    desk.editor.paint(desk.corner())
    before = desk.edit_map.copy()

    change = desk.edits.revert_slice(axis, 2)

    expected = before.copy()
    np.moveaxis(expected, axis, 0)[2] = 0
    assert np.array_equal(desk.edit_map, expected)
    assert 2 in change.slices(axis)
    desk.check()
    assert np.array_equal(np.moveaxis(desk.soft, axis, 0)[2], np.moveaxis(desk.p0, axis, 0)[2])


def test_the_slice_that_a_view_shows_is_found(app, grid):
    desk = Desk(app, grid)
    world = study_of(desk.image).soft
    affine = soft_volume(world).affine
    for axis in range(3):
        index = np.array([2, 3, 4]) + 0.3
        position = affine[:3, :3] @ index + affine[:3, 3]
        normal = np.cross(affine[:3, (axis + 1) % 3], affine[:3, (axis + 2) % 3])

        assert desk.edits.slice_at(position, -normal) == (axis, [2, 3, 4][axis])
    assert desk.edits.slice_at(affine[:3, 3] - 100 * affine[:3, 0] / np.linalg.norm(affine[:3, 0]), affine[:3, 0]) is None
    assert (
        desk.edits.slice_at(position, affine[:3, :3] @ (1 / np.linalg.norm(affine[:3, :3], axis=0))) is None
    )  # along the diagonal


def test_a_second_run_keeps_the_edits_unless_told_otherwise(desk):
    desk.editor.paint(desk.corner())
    said = desk.edit_map.copy()
    smaller = cord_in(GRIDS["isotropic"], radius_mm=3.0)

    study = set_segmentation(desk.image, smaller)

    desk.p0 = smaller.data
    desk.check()
    assert np.array_equal(desk.edit_map, said)
    assert desk.segment[desk.corner()].all()

    set_segmentation(desk.image, cord_in(GRIDS["isotropic"]), keep_edits=False)

    assert not has_edits(study.soft)
    assert np.array_equal(desk.soft, cord_in(GRIDS["isotropic"]).data)
    desk.p0 = desk.soft.copy()
    desk.check()


def test_an_undo_into_the_time_before_a_second_run_says_no_more_than_the_segment_shows(desk):
    """Over the new prediction the same voxels mean other edits."""
    desk.editor.paint(desk.corner())
    set_segmentation(desk.image, cord_in(GRIDS["isotropic"], radius_mm=3.0))
    desk.p0 = cord_in(GRIDS["isotropic"], radius_mm=3.0).data

    desk.editor.undo()

    assert np.array_equal(desk.segment, cord_in(GRIDS["isotropic"]).data >= 0.5)
    desk.check()


def test_edits_come_back_with_the_scene(desk, tmp_path):
    desk.editor.paint(desk.corner())
    desk.editor.erase(desk.inner(0.3))
    desk.view.update(0.35)
    soft, said, segment = desk.soft.copy(), desk.edit_map.copy(), desk.segment.copy()
    save_scene(desk.app.scene, tmp_path / "study.mrb")

    load_scene(desk.app.scene, tmp_path / "study.mrb")

    image = desk.app.scene.GetFirstNodeByName("T2w")
    study = study_of(image)
    assert array_of(study.soft).tobytes() == soft.tobytes()
    assert array_of(study.prediction).tobytes() == desk.p0.tobytes()
    assert np.array_equal(edit_map_of(study.soft).data, said)
    edits = SoftEdits(study.view)
    assert edits.counts == ((said > 0).sum(), (said < 0).sum())
    assert edits.follow() is None
    assert np.array_equal(segment_voxels(study.view).on(tuple(slice(0, n) for n in soft.shape)), segment)
    edits.revert_all()
    assert array_of(study.soft).tobytes() == desk.p0.tobytes()
    assert study.prediction.GetHideFromEditors()


def test_the_edit_map_is_saved_on_the_grid_of_the_image_file(app, tmp_path):
    grid = GRIDS["sagittal left-handed"]  # which the scene holds flipped
    desk = Desk(app, grid)
    with pytest.raises(InputError, match="never corrected"):
        save_edit_map(desk.study.soft, tmp_path / "edits.nii.gz")
    desk.editor.paint(desk.corner())
    desk.editor.erase(desk.inner(0.3))

    save_edit_map(desk.study.soft, tmp_path / "edits.nii.gz")

    saved = read_nifti(tmp_path / "edits.nii.gz")
    assert saved.grid.same_as(grid)
    assert np.array_equal(values_on(saved, soft_volume(desk.study.soft).grid), desk.edit_map)
    assert desk.edit_map.min() == -1


def test_the_two_nodes_lie_with_the_results_and_are_no_soft_masks(desk):
    from SoftCordSegLib.scene.soft_mask import soft_masks_of

    desk.editor.paint(desk.corner())

    study = study_of(desk.image)
    assert study.prediction is desk.edits.prediction_node
    assert study.edit_map is desk.edits.edit_node
    assert {study.prediction, study.edit_map} <= set(study.results)
    assert soft_masks_of(desk.image) == [study.soft]


def test_deleted_nodes_are_survived(desk):
    desk.editor.paint(desk.corner())
    desk.app.scene.RemoveNode(desk.edits.edit_node)  # only a script can: it is hidden
    assert not desk.edits.has_edits
    desk.view.update(0.4)

    desk.editor.paint(desk.voxels(slice(18, 22), slice(2, 6), slice(20, 25)))
    assert desk.edits.counts == (4 * 4 * 5, 0)

    soft = desk.study.soft
    desk.app.scene.RemoveNode(soft)
    assert remove_orphans(desk.app.scene) == 2
    assert desk.edits.follow() is None
    assert desk.edits.revert_all() is None
    assert (desk.edits.has_edits, desk.edits.counts, desk.edits.is_shown) == (False, (0, 0), False)


def test_a_copy_of_a_corrected_mask_has_no_part_in_its_edits(desk):
    desk.editor.paint(desk.corner())
    copy = desk.app.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    copy.Copy(desk.study.soft)

    assert linked(copy, PREDICTION) is desk.edits.prediction_node
    assert not has_edits(copy)


def test_a_segment_in_another_geometry_is_brought_back_to_the_grid(desk):
    import slicer
    import vtk

    labelmap = slicer.vtkOrientedImageData()
    labelmap.SetExtent(0, 11, 0, 9, 0, 14)  # voxels twice as large
    labelmap.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    labelmap.GetPointData().GetScalars().Fill(0)
    for voxel in np.argwhere(np.ones((4, 4, 4))) + 2:
        labelmap.SetScalarComponentFromDouble(*map(int, voxel), 0, 1)
    matrix = vtk.vtkMatrix4x4()
    desk.study.soft.GetIJKToRASMatrix(matrix)
    origin = matrix.MultiplyPoint((0.5, 0.5, 0.5, 1.0))
    for row in range(3):
        for column in range(3):
            matrix.SetElement(row, column, 2 * matrix.GetElement(row, column))
        matrix.SetElement(row, 3, origin[row])
    labelmap.SetImageToWorldMatrix(matrix)
    segment = desk.view.node.GetSegmentation().GetSegment(SEGMENT_ID)

    segment.AddRepresentation("Binary labelmap", labelmap)

    desk.edits.follow()
    desk.check()
    assert np.array_equal(desk.segment, desk.voxels(slice(4, 12), slice(4, 12), slice(4, 12)))


def test_a_new_object_goes_on_where_the_old_one_was(desk):
    desk.editor.paint(desk.corner())
    (view,) = threshold_views_of(desk.study.soft)
    desk.edits = SoftEdits(view)

    desk.editor.erase(desk.corner())

    assert desk.soft.tobytes() == desk.p0.tobytes()
