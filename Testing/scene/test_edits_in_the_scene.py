"""Corrections taken back, kept over a second run, saved, opened again, and deleted under our
feet.
"""

from __future__ import annotations

import numpy as np
import pytest

from scene.desk import Desk
from scene.examples import GRIDS, cord_in
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.scene.edit_display import remove_orphans
from SoftCordSegLib.scene.edit_nodes import correction_of, has_edits
from SoftCordSegLib.scene.links import PREDICTION, linked
from SoftCordSegLib.scene.scene_files import load_scene, save_edit_map, save_scene
from SoftCordSegLib.scene.segment_voxels import segment_voxels
from SoftCordSegLib.scene.soft_edits import SoftEdits, soft_volume
from SoftCordSegLib.scene.study import set_segmentation, study_of
from SoftCordSegLib.scene.threshold_view import SEGMENT_ID, threshold_views_of
from SoftCordSegLib.scene.volume_nodes import array_of, values_on
from SoftCordSegLib.volume import read_nifti


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
    assert (
        desk.edits.slice_at(
            affine[:3, 3] - 100 * affine[:3, 0] / np.linalg.norm(affine[:3, 0]), affine[:3, 0]
        )
        is None
    )
    assert (
        desk.edits.slice_at(position, affine[:3, :3] @ (1 / np.linalg.norm(affine[:3, :3], axis=0)))
        is None
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
    assert np.array_equal(correction_of(study.soft).edits, said)
    edits = SoftEdits(study.view)
    assert edits.counts == ((said > 0).sum(), (said < 0).sum())
    assert edits.follow() is None
    assert np.array_equal(
        segment_voxels(study.view).on(tuple(slice(0, n) for n in soft.shape)), segment
    )
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
    from SoftCordSegLib.scene.soft_mask_node import soft_masks_of

    desk.editor.paint(desk.corner())

    study = study_of(desk.image)
    assert study.prediction is linked(study.soft, PREDICTION)
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
    assert remove_orphans(desk.app.scene) == 5
    assert desk.edits.follow() is None
    assert desk.edits.revert_all() is None
    assert (desk.edits.has_edits, desk.edits.counts, desk.edits.is_shown) == (False, (0, 0), False)


def test_a_copy_of_a_corrected_mask_has_no_part_in_its_edits(desk):
    desk.editor.paint(desk.corner())
    copy = desk.app.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    copy.Copy(desk.study.soft)

    assert linked(copy, PREDICTION) is linked(desk.study.soft, PREDICTION)
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


def painted_lesion(desk, lesion, overwrite: bool):
    """A second segment, painted as in Slicer's Segment Editor."""
    segmentation = desk.edits.segmentation
    if segmentation.GetSegment("lesion") is None:
        segmentation.AddEmptySegment("lesion", "lesion")
    editor = desk.editor.parameters
    editor.SetOverwriteMode(editor.OverwriteAllSegments if overwrite else editor.OverwriteNone)
    desk.editor.paint(lesion, "lesion")
    assert desk.edits.has_lost_to_others == overwrite
    desk.edits.give_back()


def lesion_of(desk) -> np.ndarray:
    return segment_voxels(desk.view, "lesion").on(tuple(slice(0, n) for n in desk.soft.shape))


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_lesion_painted_as_a_second_segment_takes_nothing_from_the_cord(desk, overwrite):
    cord, lesion = desk.segment.copy(), desk.inner(0.3)
    painted_lesion(desk, lesion, overwrite)

    assert desk.edits.counts == (0, 0)
    assert np.array_equal(desk.segment, cord)
    assert np.array_equal(lesion_of(desk), lesion)
    assert np.array_equal(desk.soft, desk.p0)
    desk.check()
    desk.editor.undo()
    assert np.array_equal(desk.segment, cord)
    assert not lesion_of(desk).any()
    desk.editor.redo()
    assert np.array_equal(desk.segment, cord)
    assert np.array_equal(lesion_of(desk), lesion)
    assert desk.edits.counts == (0, 0)


def test_the_cord_can_be_erased_where_a_lesion_is(desk):
    lesion = desk.inner(0.3)
    painted_lesion(desk, lesion, overwrite=True)
    desk.editor.parameters.SetOverwriteMode(desk.editor.parameters.OverwriteNone)
    desk.editor.erase(lesion)

    assert not desk.segment[lesion].any()
    assert desk.edits.counts[1] >= lesion.sum()
    desk.check()
