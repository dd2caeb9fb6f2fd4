"""The module's logic over a real scene."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.errors import Cancelled, ModelError, SoftCordSegError
from SoftCordSegLib.network import shipped_bundles
from SoftCordSegLib.phantom import make_phantom
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.scene.threshold_view import SEGMENT_ID
from SoftCordSegLib.scene.volumes import array_of, grid_of, values_on
from SoftCordSegLib.segmentation import Box, SoftMask
from SoftCordSegLib.volume.orientation import slice_axis


@pytest.fixture(scope="module")
def phantom():
    """The phantom of the self-test, painted once."""
    return make_phantom("T2w")


def nodes(scene) -> int:
    return scene.GetNumberOfNodes()


def voxels_of(view) -> int:
    import slicer.util

    return int((slicer.util.arrayFromSegmentInternalBinaryLabelmap(view.node, SEGMENT_ID) > 0).sum())


def test_a_volume_gets_a_soft_mask_on_its_own_grid(module, image_node, engine):
    outcome = module.SoftCordSegLogic(engine).segment(image_node)

    assert outcome.message == "Found."
    assert grid_of(outcome.soft_node).same_as(grid_of(image_node))
    soft = array_of(outcome.soft_node)
    assert soft.dtype == np.float32
    np.testing.assert_array_equal(soft == np.float32(0.9), array_of(image_node) == 500)
    assert (soft == np.float32(0.4)).any()


def test_the_segment_follows_the_threshold(module, image_node, engine):
    outcome = module.SoftCordSegLogic(engine).segment(image_node)
    soft = array_of(outcome.soft_node)

    assert voxels_of(outcome.view) == (soft >= 0.5).sum() == 4 * 4 * 8
    outcome.view.update(0.3)
    assert voxels_of(outcome.view) == (soft >= 0.3).sum() > 4 * 4 * 8


def test_results_lie_beside_the_image_and_are_shown_over_it(module, scene, image_node, engine):
    import slicer

    composite = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    outcome = module.SoftCordSegLogic(engine).segment(image_node)

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folder = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(outcome.soft_node))
    assert folder == hierarchy.GetItemParent(hierarchy.GetItemByDataNode(outcome.view.node))
    assert hierarchy.GetItemParent(folder) == hierarchy.GetItemParent(hierarchy.GetItemByDataNode(image_node))
    assert composite.GetBackgroundVolumeID() == image_node.GetID()
    assert composite.GetForegroundVolumeID() == outcome.soft_node.GetID()


def test_a_second_run_leaves_the_first_result_alone(module, image_node, engine):
    logic = module.SoftCordSegLogic(engine)
    first = logic.segment(image_node)
    array_of(first.soft_node)[0, 0, 0] = 0.25

    second = logic.segment(image_node)

    assert array_of(first.soft_node)[0, 0, 0] == 0.25
    assert first.soft_node is not second.soft_node
    assert first.soft_node.GetName() != second.soft_node.GetName()
    assert logic.view_of(image_node).node is second.view.node


def test_where_nothing_is_found_nothing_is_added(module, scene, image_node, engine):
    array_of(image_node)[...] = 0
    before = nodes(scene)

    outcome = module.SoftCordSegLogic(engine).segment(image_node)

    assert outcome == (None, None, "No cord was found.")
    assert nodes(scene) == before


def test_a_cancelled_run_adds_nothing(module, scene, image_node, engine):
    said = []
    progress = Progress(lambda fraction, message: said.append(message), lambda: len(said) >= 2)
    before = nodes(scene)

    with pytest.raises(Cancelled):
        module.SoftCordSegLogic(engine).segment(image_node, progress)

    assert said == ["tile 1", "tile 2"]
    assert nodes(scene) == before


def test_a_volume_that_is_deleted_meanwhile_is_a_sentence(module, scene, image_node, engine):
    def deleting_engine(volume, progress):
        scene.RemoveNode(image_node)
        return engine(volume, progress)

    with pytest.raises(SoftCordSegError, match="deleted while"):
        module.SoftCordSegLogic(deleting_engine).segment(image_node)


def test_what_cannot_be_segmented_says_why(module, scene, image_node, engine):
    logic = module.SoftCordSegLogic(engine)
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    soft_node = logic.segment(image_node).soft_node

    assert logic.reason_not_to_segment(image_node) == ""
    assert "Choose an MR volume" in logic.reason_not_to_segment(None)
    assert "no voxels" in logic.reason_not_to_segment(empty)
    assert "soft mask already" in logic.reason_not_to_segment(soft_node)
    with pytest.raises(SoftCordSegError, match="soft mask already"):
        logic.segment(soft_node)


def test_no_model_is_a_sentence(module, image_node, monkeypatch):
    monkeypatch.setattr("SoftCordSegLib.network.shipped_bundles", list)

    with pytest.raises(ModelError, match="No model comes with this installation"):
        module.SoftCordSegLogic().segment(image_node)


def test_an_image_without_results_has_no_view(module, image_node, engine):
    logic = module.SoftCordSegLogic(engine)

    assert logic.view_of(None) is None
    assert logic.view_of(image_node) is None


@pytest.mark.parametrize(("shift", "passes"), [(0, True), (6, False)])
def test_the_self_test_tells_a_right_mask_from_a_wrong_one(module, phantom, monkeypatch, shift, passes):
    def truth_moved_aside(volume, progress):
        soft = np.roll(values_on(phantom.truth, volume.grid), shift, axis=slice_axis(volume.affine) - 1)
        return SoftMask(volume.with_data(soft), Box.of_grid(volume.grid), "Found.")

    monkeypatch.setattr("SoftCordSegLib.phantom.make_phantom", lambda contrast: phantom)
    monkeypatch.setattr(module, "segment_with_shipped_model", truth_moved_aside)

    if passes:
        module.SoftCordSegTest().runTest()
    else:
        with pytest.raises(AssertionError):
            module.SoftCordSegTest().runTest()


@pytest.mark.skipif(not shipped_bundles(), reason="no model is shipped yet")
def test_the_self_test_of_the_module_passes(module):
    module.SoftCordSegTest().runTest()
