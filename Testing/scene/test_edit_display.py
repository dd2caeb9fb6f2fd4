"""The user's corrections seen in real slice views."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from scene.desk import Desk
from scene.examples import GRIDS
from SoftCordSegLib.scene.render import SliceView
from SoftCordSegLib.scene.segment_voxels import segment_voxels
from SoftCordSegLib.scene.soft_edits import soft_volume


@pytest.fixture
def desk(drawing_app):
    return Desk(drawing_app, GRIDS["isotropic"])


def edit_pixels(picture: np.ndarray) -> tuple[int, int]:
    """Pixels of the edits' outlines, and of the fill, in which the grey image stays visible."""
    red, green, blue = np.moveaxis(picture.astype(int), -1, 0)
    magenta = np.minimum(red, blue) - green
    outline = (magenta > 240) & (abs(red - blue) < 10)
    filled = (magenta > 60) & (magenta < 200) & (abs(red - blue) < 10)
    return int(outline.sum()), int(filled.sum())


def test_raised_voxels_are_outlined_and_filled_lowered_ones_outlined_in_no_other_colour(desk):
    desk.editor.paint(desk.corner())
    desk.editor.erase(desk.inner(0.3))
    with SliceView(desk.app, "Axial", (300, 300)) as view:
        view.show(desk.image)
        added_at, removed_at = (
            np.argwhere(desk.corner()).mean(axis=0),
            np.argwhere(desk.inner(0.3)).mean(axis=0),
        )

        def pixels_at(index: np.ndarray) -> tuple[int, int]:
            view.node.JumpSlice(
                *soft_volume(desk.study.soft).grid.to_world(np.round(index)[None])[0]
            )
            return edit_pixels(view.render())

        assert pixels_at(added_at) == pixels_at(removed_at) == (0, 0), (
            "neither the image nor the mask's contours have the colour of the edits"
        )

        desk.edits.show(True)
        assert desk.edits.is_shown
        outline, filled = pixels_at(added_at)
        assert outline > 50
        assert filled > 500
        outline, filled = pixels_at(removed_at)
        assert outline > 50
        assert filled < 20

        desk.editor.undo()  # follows while it is shown
        assert pixels_at(removed_at) == (0, 0)
        assert pixels_at(added_at)[1] > 500

        desk.edits.show(False)
        assert not desk.edits.is_shown
        assert pixels_at(added_at) == (0, 0)


def test_showing_leaves_nothing_behind_and_touches_no_layer_of_the_views(desk):
    import slicer

    composite = desk.app.scene.AddNode(slicer.vtkMRMLSliceCompositeNode())
    labels = desk.app.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "mine")
    composite.SetLabelVolumeID(labels.GetID())
    desk.editor.paint(desk.corner())
    count = desk.app.scene.GetNumberOfNodes()

    desk.edits.show(True)
    desk.edits.show(True)
    assert composite.GetLabelVolumeID() == labels.GetID()
    desk.edits.show(False)

    assert desk.app.scene.GetNumberOfNodes() == count
    desk.edits.show(False)


def test_a_deleted_display_node_hides_the_edits_until_they_are_shown_again(desk):
    desk.editor.paint(desk.corner())
    desk.edits.show(True)
    desk.app.scene.RemoveNode(shown_edits(desk.app.scene).GetDisplayNode())
    assert not desk.edits.is_shown

    desk.editor.erase(desk.inner(0.3))
    desk.edits.show(True)

    assert np.array_equal(shown_voxels(desk, "Lowered by hand"), desk.edit_map == -1)


def shown_edits(scene):
    nodes = (
        scene.GetNthNodeByClass(n, "vtkMRMLSegmentationNode")
        for n in range(scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode"))
    )
    return next((node for node in nodes if node.GetName().endswith("edits shown")), None)


def shown_voxels(desk, segment_id: str) -> np.ndarray:
    shown = SimpleNamespace(node=shown_edits(desk.app.scene), soft_node=desk.study.soft)
    return segment_voxels(shown, segment_id).on(tuple(slice(0, n) for n in desk.soft.shape))


def test_what_is_shown_is_the_edit_map_also_after_a_revert_and_without_edits(desk):
    desk.edits.show(True)
    raised, lowered = "Raised by hand", "Lowered by hand"
    assert not shown_voxels(desk, raised).any()

    desk.editor.paint(desk.corner())
    desk.editor.erase(desk.inner(0.3))
    assert np.array_equal(shown_voxels(desk, raised), desk.edit_map == 1)
    assert np.array_equal(shown_voxels(desk, lowered), desk.edit_map == -1)

    desk.edits.revert_slice(2, 2)
    assert np.array_equal(shown_voxels(desk, raised), desk.edit_map == 1)
    desk.edits.revert_all()
    assert not shown_voxels(desk, raised).any()


def test_the_layer_is_not_saved_and_a_deleted_mask_takes_it_along(desk, tmp_path):
    from SoftCordSegLib.scene.edit_display import remove_orphans
    from SoftCordSegLib.scene.scene_files import load_scene, save_scene
    from SoftCordSegLib.scene.study import study_of

    desk.editor.paint(desk.corner())
    desk.edits.show(True)
    save_scene(desk.app.scene, tmp_path / "study.mrb")
    desk.app.scene.RemoveNode(desk.study.soft)
    assert remove_orphans(desk.app.scene) == 6
    assert shown_edits(desk.app.scene) is None

    load_scene(desk.app.scene, tmp_path / "study.mrb")

    assert shown_edits(desk.app.scene) is None
    assert study_of(desk.app.scene.GetFirstNodeByName("T2w")).edit_map is not None
