"""The module's logic over a real scene, as scripts use it."""

from __future__ import annotations

import types
from pathlib import Path

import numpy as np
import pytest

from known_phantoms import known_phantom, phantoms_are_known
from SoftCordSegLib.errors import Cancelled, ModelError, SoftCordSegError
from SoftCordSegLib.network import shipped_bundles
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.scene.study import study_of
from SoftCordSegLib.scene.threshold_view import SEGMENT_ID
from SoftCordSegLib.scene.volume_nodes import array_of, grid_of, values_on
from SoftCordSegLib.segmentation import SoftMask
from SoftCordSegLib.volume import Box
from SoftCordSegLib.volume.orientation import slice_axis


@pytest.fixture(scope="module")
def phantom():
    """The phantom of the self-test, painted once."""
    return known_phantom("T2w")


def voxels_of(view) -> int:
    import slicer.util

    return int(
        (slicer.util.arrayFromSegmentInternalBinaryLabelmap(view.node, SEGMENT_ID) > 0).sum()
    )


def test_a_volume_gets_a_soft_mask_on_its_own_grid(module, image_node, engine):
    study, message = module.SoftCordSegLogic(engine).segment(image_node)

    assert message == "Found."
    assert grid_of(study.soft).same_as(grid_of(image_node))
    soft = array_of(study.soft)
    assert soft.dtype == np.float32
    np.testing.assert_array_equal(soft == np.float32(0.9), array_of(image_node) == 500)
    assert (soft == np.float32(0.4)).any()


def test_the_segment_follows_the_threshold(module, image_node, engine):
    study, _ = module.SoftCordSegLogic(engine).segment(image_node)
    soft = array_of(study.soft)

    assert voxels_of(study.view) == (soft >= 0.5).sum() == 4 * 4 * 8
    study.view.update(0.3)
    assert voxels_of(study.view) == (soft >= 0.3).sum() > 4 * 4 * 8


def test_results_lie_together_beside_the_image(module, scene, image_node, engine):
    import slicer

    study, _ = module.SoftCordSegLogic(engine).segment(image_node)

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    parents = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in study.results}
    assert len(parents) == 1
    assert hierarchy.GetItemParent(parents.pop()) == hierarchy.GetItemParent(
        hierarchy.GetItemByDataNode(image_node)
    )


def test_where_nothing_is_found_nothing_is_added(module, scene, image_node, engine):
    array_of(image_node)[...] = 0
    before = scene.GetNumberOfNodes()

    study, message = module.SoftCordSegLogic(engine).segment(image_node)

    assert (study.soft, message) == (None, "No cord was found.")
    assert scene.GetNumberOfNodes() == before


def test_a_cancelled_run_adds_nothing(module, scene, image_node, engine):
    said = []
    progress = Progress(lambda fraction, message: said.append(message), lambda: len(said) >= 2)
    before = scene.GetNumberOfNodes()

    with pytest.raises(Cancelled):
        module.SoftCordSegLogic(engine).segment(image_node, progress)

    assert said == ["tile 1", "tile 2"]
    assert scene.GetNumberOfNodes() == before


def test_what_cannot_be_segmented_says_why(module, scene, image_node, engine):
    logic = module.SoftCordSegLogic(engine)
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    soft = logic.segment(image_node)[0].soft

    for node, why in (
        (None, "Choose an MR volume"),
        (empty, "no voxels"),
        (soft, "soft mask already"),
    ):
        with pytest.raises(SoftCordSegError, match=why):
            logic.segment(node)


def test_no_model_is_a_sentence(module, image_node, monkeypatch):
    monkeypatch.setattr("SoftCordSegLib.network.store.shipped_bundles", list)

    with pytest.raises(ModelError, match="No model comes with this installation"):
        module.SoftCordSegLogic().segment(image_node)


def test_how_a_mask_was_made_is_kept_with_it(module, image_node, engine):
    from SoftCordSegLib.panel.saving import run_of

    study, _ = module.SoftCordSegLogic(engine).segment(image_node, device="cpu")
    run = run_of(study.soft)

    assert (run["Message"], run["Device"], run["BoxGivenByUser"]) == ("Found.", "cpu", False)
    assert len(run["Box"]["CenterMm"]) == 3
    assert run_of(image_node) is None


def test_what_softcord_csa_measures_is_one_call_away(module, scene, phantom, engine):
    from SoftCordSegLib.errors import InputError
    from SoftCordSegLib.morphometry import DiscLabel
    from SoftCordSegLib.scene.study import set_disc_labels
    from SoftCordSegLib.scene.volume_nodes import add_volume
    from SoftCordSegLib.workflows.csa_measure import CsaOptions, JunctionOptions

    image = add_volume(scene, phantom.image, "neck")
    logic = module.SoftCordSegLogic(truth_moved(phantom, 0))
    with pytest.raises(InputError, match="Segment it first"):
        logic.measure(image)
    logic.segment(image)
    top = max(phantom.discs, key=lambda disc: disc.position_mm[2]).position_mm
    set_disc_labels(image, [*phantom.discs, DiscLabel(50, (top[0], top[1], top[2] + 2))])

    plain = logic.measure(image).shape
    assert any("symmetry" in name for name in logic.measure(image, symmetry=True).shape.columns)
    assert not any("symmetry" in name for name in plain.columns)
    around = CsaOptions(pmj=JunctionOptions(distance_mm=60, extent_mm=20))
    (row,) = logic.measure(image, around).summary
    assert row.count > 5
    on_template = logic.measure(image, CsaOptions(normalize_pam50=True))
    assert min(row.slices[0] for row in on_template.summary) > 500


def test_the_module_says_what_it_is(module):
    parent = types.SimpleNamespace()
    module.SoftCordSeg(parent)

    assert parent.categories == ["Segmentation"]
    assert "not for diagnosis" in parent.helpText
    assert "103473" in parent.acknowledgementText


def truth_moved(phantom, shift: int):
    """An engine that gives the phantom's mask, moved aside by some voxels."""

    def run(request, progress):
        volume = request.image
        soft = np.roll(
            values_on(phantom.truth, volume.grid), shift, axis=slice_axis(volume.affine) - 1
        )
        return SoftMask(
            volume.with_data(np.ascontiguousarray(soft)), Box.of_grid(volume.grid), "Found."
        )

    return run


def run_self_test(host, module) -> None:
    widget = host.open_panel(module)
    try:
        module.SoftCordSegTest().runTest()
    finally:
        host.close_panel(widget)
    assert host.unseen_errors == []


@pytest.mark.parametrize(("shift", "passes"), [(0, True), (6, False)])
def test_the_self_test_tells_a_right_mask_from_a_wrong_one(
    host, module, phantom, monkeypatch, shift, passes
):
    monkeypatch.setattr("SoftCordSegLib.phantom.make_phantom", lambda contrast: phantom)
    monkeypatch.setattr(module.segment_images, "segment_volume", truth_moved(phantom, shift))

    if passes:
        run_self_test(host, module)
    else:
        with pytest.raises(AssertionError):
            run_self_test(host, module)


@pytest.mark.skipif(not shipped_bundles(), reason="no model is shipped yet")
def test_the_self_test_of_the_module_passes(host, module):
    with phantoms_are_known():
        run_self_test(host, module)


def test_a_neck_and_the_phantom_are_among_the_sample_data(host, module, scene):
    module.SoftCordSeg(types.SimpleNamespace())
    for started in host.started:
        started()

    assert set(host.sample_data) == {
        "SpinalCordT2w",
        "SpinalCordPhantomT2w",
        "SpinalCordPhantomT1w",
        "SpinalCordPhantomDWI",
    }
    source = host.sample_data["SpinalCordPhantomDWI"]
    assert Path(source.thumbnail).is_file()
    node = source.customDownloader(None)
    assert node.GetName() == "sub-phantom_DWI"
    assert node.GetScene() is scene
    neck = host.sample_data["SpinalCordT2w"]
    assert Path(neck.thumbnail).is_file()
    assert neck.customDownloader(None).GetImageData().GetDimensions() == (134, 161, 39)


def test_scripts_find_the_results_again(module, image_node, engine):
    study, _ = module.SoftCordSegLogic(engine).segment(image_node)

    assert study_of(image_node).view.node is study.view.node
