"""Results lie under their image, in the same study of the same patient."""

from __future__ import annotations

import pytest

from scene.examples import GRIDS, cord_in, image_in, results_of
from SoftCordSegLib.scene.disc_points import add_discs
from SoftCordSegLib.scene.hierarchy import place_result
from SoftCordSegLib.scene.soft_mask_node import add_soft_mask
from SoftCordSegLib.scene.threshold_view import add_threshold_view
from SoftCordSegLib.scene.volume_nodes import add_volume

GRID = GRIDS["isotropic"]


@pytest.fixture
def hierarchy(app):
    import slicer

    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(app.scene)


def made(app, image) -> list:
    soft = add_soft_mask(app.scene, image, cord_in(GRID))
    return [soft, add_threshold_view(app.scene, soft).node, add_discs(app.scene, image)]


def parent_of(hierarchy, node) -> int:
    return hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))


def test_results_lie_under_the_image_in_its_study(app, hierarchy):
    image = add_volume(app.scene, image_in(GRID), "T2w")
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Patient")
    study = hierarchy.CreateStudyItem(patient, "Study")
    item = hierarchy.CreateItem(study, image)
    nodes = made(app, image)
    for node in nodes:
        place_result(node, image)

    assert {parent_of(hierarchy, node) for node in nodes} == {item}
    assert parent_of(hierarchy, image) == study
    assert results_of(image) == nodes


def test_two_images_of_one_name_keep_their_results_apart(app, hierarchy):
    images = [add_volume(app.scene, image_in(GRID), "T2w") for _ in range(2)]
    nodes = [made(app, image) for image in images]
    for image, some in zip(images, nodes):
        for node in some:
            place_result(node, image)

    assert [results_of(image) for image in images] == nodes


def test_a_node_that_slicer_has_put_elsewhere_is_moved(app, hierarchy):
    image = add_volume(app.scene, image_in(GRID), "T2w")
    node = made(app, image)[0]
    item = hierarchy.CreateItem(
        hierarchy.GetSceneItemID(), node
    )  # as Slicer's Qt side does for every new node

    assert place_result(node, image) == item
    assert hierarchy.GetItemParent(item) == hierarchy.GetItemByDataNode(image)


def test_the_folder_of_an_older_scene_goes_when_it_is_empty(app, hierarchy):
    image = add_volume(app.scene, image_in(GRID), "T2w")
    nodes = made(app, image)
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "T2w: spinal cord")
    hierarchy.SetItemAttribute(folder, "SoftCordSeg.Results", "1")
    own = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "my own")
    for node, place in zip(nodes, (folder, folder, own)):
        hierarchy.CreateItem(place, node)
    place_result(nodes[0], image)
    assert hierarchy.GetItemName(folder) == "T2w: spinal cord"
    for node in nodes[1:]:
        place_result(node, image)

    assert hierarchy.GetItemByName("T2w: spinal cord") == hierarchy.GetInvalidItemID()
    assert hierarchy.GetItemByName("my own") == own
    assert results_of(image) == nodes


def test_a_node_that_leaves_the_scene_leaves_the_hierarchy(app, hierarchy):
    image = add_volume(app.scene, image_in(GRID), "T2w")
    nodes = made(app, image)
    for node in nodes:
        place_result(node, image)

    app.scene.RemoveNode(nodes[0])

    assert results_of(image) == nodes[1:]
