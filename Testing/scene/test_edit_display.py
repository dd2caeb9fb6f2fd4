"""The user's corrections seen in real slice views."""

from __future__ import annotations

import numpy as np
import pytest

from scene.desk import Desk
from scene.examples import GRIDS
from SoftCordSegLib.scene.render import SliceView
from SoftCordSegLib.scene.soft_edits import soft_volume
from SoftCordSegLib.scene.volume_nodes import array_of

ADDED, REMOVED = (0.34, 0.71, 0.91), (0.84, 0.37, 0.0)


@pytest.fixture
def desk(drawing_app):
    return Desk(drawing_app, GRIDS["isotropic"])


def pixels_like(picture: np.ndarray, colour) -> int:
    """Number of pixels whose hue is that of a colour over the grey image: the same order and share
    of channels.
    """
    tint = picture.astype(float) - picture.min(axis=2, keepdims=True)
    wanted = np.array(colour) - min(colour)
    size = np.linalg.norm(tint, axis=2) * np.linalg.norm(wanted)
    return int(((tint @ wanted > 0.98 * size) & (tint.max(axis=2) > 60)).sum())


def test_added_and_removed_voxels_are_seen_in_two_colours_and_hidden_again(desk):
    desk.editor.paint(desk.corner())
    desk.editor.erase(desk.inner(0.3))
    desk.view.node.GetDisplayNode().SetVisibility(False)
    with SliceView(desk.app, "Axial", (300, 300)) as view:
        view.show(desk.image)
        added_at, removed_at = (
            np.argwhere(desk.corner()).mean(axis=0),
            np.argwhere(desk.inner(0.3)).mean(axis=0),
        )

        def picture_at(index: np.ndarray) -> np.ndarray:
            view.node.JumpSlice(
                *soft_volume(desk.study.soft).grid.to_world(np.round(index)[None])[0]
            )
            return view.render()

        assert (
            pixels_like(picture_at(added_at), ADDED)
            == pixels_like(picture_at(removed_at), REMOVED)
            == 0
        )

        desk.edits.show(True)
        assert desk.edits.is_shown
        assert pixels_like(picture_at(added_at), ADDED) > 50
        assert pixels_like(picture_at(removed_at), REMOVED) > 50

        desk.editor.undo()  # follows while it is shown
        assert pixels_like(picture_at(removed_at), REMOVED) == 0
        assert pixels_like(picture_at(added_at), ADDED) > 50

        desk.edits.show(False)
        assert not desk.edits.is_shown
        assert pixels_like(picture_at(added_at), ADDED) == 0


def test_showing_leaves_nothing_behind_and_brings_an_earlier_label_volume_back(desk):
    import slicer

    composite = desk.app.scene.AddNode(slicer.vtkMRMLSliceCompositeNode())
    labels = desk.app.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "mine")
    composite.SetLabelVolumeID(labels.GetID())
    desk.editor.paint(desk.corner())
    count = desk.app.scene.GetNumberOfNodes()

    desk.edits.show(True, opacity=0.4)
    assert composite.GetLabelVolumeID() != labels.GetID()
    assert composite.GetLabelOpacity() == 0.4
    desk.edits.show(True, opacity=0.7)
    desk.edits.show(False)

    assert composite.GetLabelVolumeID() == labels.GetID()
    assert desk.app.scene.GetNumberOfNodes() == count + 1  # the colours stay, hidden
    desk.edits.show(False)


def test_what_is_shown_is_the_edit_map_also_after_a_revert_and_without_edits(desk):
    desk.edits.show(True)
    layer = desk.app.scene.GetFirstNodeByClass("vtkMRMLLabelMapVolumeNode")
    assert not array_of(layer).any()

    desk.editor.paint(desk.corner())
    desk.editor.erase(desk.inner(0.3))
    assert np.array_equal(array_of(layer) == 1, desk.edit_map == 1)
    assert np.array_equal(array_of(layer) == 2, desk.edit_map == -1)

    desk.edits.revert_slice(2, 2)
    assert np.array_equal(array_of(layer) == 1, desk.edit_map == 1)
    desk.edits.revert_all()
    assert not array_of(layer).any()


def test_the_layer_is_not_saved_and_a_deleted_mask_takes_it_along(desk, tmp_path):
    from SoftCordSegLib.scene.edit_display import remove_orphans
    from SoftCordSegLib.scene.scene_files import load_scene, save_scene
    from SoftCordSegLib.scene.study import study_of

    desk.editor.paint(desk.corner())
    desk.edits.show(True)
    save_scene(desk.app.scene, tmp_path / "study.mrb")
    desk.app.scene.RemoveNode(desk.study.soft)
    assert remove_orphans(desk.app.scene) == 3
    assert desk.app.scene.GetFirstNodeByClass("vtkMRMLLabelMapVolumeNode") is None

    load_scene(desk.app.scene, tmp_path / "study.mrb")

    assert desk.app.scene.GetFirstNodeByClass("vtkMRMLLabelMapVolumeNode") is None
    assert study_of(desk.app.scene.GetFirstNodeByName("T2w")).edit_map is not None
